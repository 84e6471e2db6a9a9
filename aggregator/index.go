package aggregator

// index finds the loaded customers of a shard by the hash of their id: an open
// table with linear probing, so that finding one misses the cache once.
type index struct {
	slots []indexSlot // a power of two, at most half of them taken
	n     int
}

type indexSlot struct {
	hash uint64
	c    *customer // nil: free
}

const firstSlots = 256

func newIndex() index { return index{slots: make([]indexSlot, firstSlots)} }

// at is the place of a hash where nothing is in its way. The bits are others than
// those that choose the bucket.
func (x *index) at(hash uint64) int { return int(hash>>32) & (len(x.slots) - 1) }

func (x *index) find(hash uint64, id []byte) *customer {
	for i := x.at(hash); ; i = (i + 1) & (len(x.slots) - 1) {
		s := &x.slots[i]
		if s.c == nil || s.hash == hash && s.c.id == string(id) {
			return s.c
		}
	}
}

// likely is the first customer with the hash. Nearly always it is the one that is
// looked for; its id has not been compared.
func (x *index) likely(hash uint64) *customer {
	for i := x.at(hash); ; i = (i + 1) & (len(x.slots) - 1) {
		if s := &x.slots[i]; s.c == nil || s.hash == hash {
			return s.c
		}
	}
}

// add takes in a customer that is not there.
func (x *index) add(hash uint64, c *customer) {
	if 2*(x.n+1) > len(x.slots) {
		old := x.slots
		x.slots = make([]indexSlot, 2*len(old))
		for _, s := range old {
			if s.c != nil {
				x.put(s)
			}
		}
	}
	x.put(indexSlot{hash, c})
	x.n++
}

func (x *index) put(s indexSlot) {
	i := x.at(s.hash)
	for x.slots[i].c != nil {
		i = (i + 1) & (len(x.slots) - 1)
	}
	x.slots[i] = s
}

// remove takes a customer out and moves up those that probing would no longer find.
func (x *index) remove(hash uint64, c *customer) {
	mask := len(x.slots) - 1
	i := x.at(hash)
	for x.slots[i].c != c {
		if x.slots[i].c == nil {
			return
		}
		i = (i + 1) & mask
	}
	x.n--
	for k := (i + 1) & mask; x.slots[k].c != nil; k = (k + 1) & mask {
		if home := x.at(x.slots[k].hash); (k-home)&mask >= (k-i)&mask {
			x.slots[i] = x.slots[k]
			i = k
		}
	}
	x.slots[i] = indexSlot{}
}
