package consumer

import (
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/segmentio/kafka-go"
)

// balancerName is the group protocol. All members of a group must speak it.
const balancerName = "tidemark-shards"

// shardBalancer assigns by partition number: partition n of every topic goes to
// the same member. kafka-go's own balancers work on unsorted metadata and take
// topics apart. Shards stay where they were as far as an even share allows.
//
// Topics with different partition counts are refused by CheckInputs; here the
// longer one's last partitions are shards like any other.
type shardBalancer struct {
	mu         sync.Mutex
	generation int32
	shards     []int // of this member in that generation
	missing    bool  // a topic had no partitions when this member last assigned shards
}

var _ kafka.GroupBalancer = (*shardBalancer)(nil)

// ProtocolName is the name of the protocol.
func (b *shardBalancer) ProtocolName() string { return balancerName }

// remember notes what this member was assigned, for its next UserData.
func (b *shardBalancer) remember(generation int32, shards []int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.generation, b.shards = generation, slices.Clone(shards)
}

// claimVersion is the first byte of what UserData sends.
const claimVersion = 1

// UserData says what this member held last: a version byte, the generation and
// the shards, as uvarints.
func (b *shardBalancer) UserData() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := binary.AppendUvarint([]byte{claimVersion}, uint64(b.generation))
	for _, s := range b.shards {
		out = binary.AppendUvarint(out, uint64(s))
	}
	return out, nil
}

// claim is what a member says it held last.
type claim struct {
	member     string
	generation uint64
	shards     []int
}

// readClaim reads what another member's UserData has sent. What can't be read
// claims nothing: the shards move, and that is all.
func readClaim(m kafka.GroupMember) claim {
	c := claim{member: m.ID}
	b := m.UserData
	if len(b) == 0 || b[0] != claimVersion {
		return c
	}
	next := func() (uint64, error) {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return 0, errors.New("not a uvarint")
		}
		b = b[n:]
		return v, nil
	}
	b = b[1:]
	generation, err := next()
	if err != nil {
		return c
	}
	c.generation = generation
	for len(b) > 0 {
		s, err := next()
		if err != nil {
			return claim{member: m.ID}
		}
		c.shards = append(c.shards, int(min(s, 1<<31)))
	}
	return c
}

// AssignGroups assigns each shard to a member, and with it the shard's partition
// of each topic that the member reads.
func (b *shardBalancer) AssignGroups(members []kafka.GroupMember, partitions []kafka.Partition) kafka.GroupMemberAssignments {
	topics := make(map[int][]string) // by shard
	for _, p := range partitions {
		topics[p.ID] = append(topics[p.ID], p.Topic)
	}
	b.miss(members, partitions)
	shards := slices.Sorted(maps.Keys(topics))
	claims := make([]claim, len(members))
	reads := make(map[string][]string)
	out := make(kafka.GroupMemberAssignments)
	for i, m := range members {
		claims[i] = readClaim(m)
		reads[m.ID] = m.Topics
		out[m.ID] = make(map[string][]int)
	}
	for member, held := range spread(claims, shards) {
		for _, shard := range held {
			for _, topic := range topics[shard] {
				if slices.Contains(reads[member], topic) {
					out[member][topic] = append(out[member][topic], shard)
				}
			}
		}
	}
	return out
}

// miss notes that the broker that was asked knows no partition of a topic. One that
// has just been created is not known to every broker yet, and kafka-go takes that for
// no partitions.
func (b *shardBalancer) miss(members []kafka.GroupMember, partitions []kafka.Partition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.missing = slices.ContainsFunc(members, func(m kafka.GroupMember) bool {
		return slices.ContainsFunc(m.Topics, func(topic string) bool {
			return !slices.ContainsFunc(partitions, func(p kafka.Partition) bool { return p.Topic == topic })
		})
	})
}

// missed says whether a topic was not known when this member last assigned shards, once.
func (b *shardBalancer) missed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	missing := b.missing
	b.missing = false
	return missing
}

// spread shares shards among members: each gets as many as any other, or one
// more. A shard stays with the member that held it in the newest generation as
// long as that member's share lasts; members are served in the order of their
// ids. The result depends on nothing but its arguments' contents.
func spread(claims []claim, shards []int) map[string][]int {
	out := make(map[string][]int)
	if len(claims) == 0 {
		return out
	}
	slices.SortFunc(claims, func(x, y claim) int { return cmp.Compare(x.member, y.member) })
	least, more := len(shards)/len(claims), len(shards)%len(claims)
	holder := holders(claims, shards)
	var free []int
	kept := make(map[string][]int)
	for _, s := range shards {
		if m, ok := holder[s]; ok {
			kept[m] = append(kept[m], s)
		} else {
			free = append(free, s)
		}
	}
	share := make(map[string]int)
	for _, c := range claims { // those that hold more than the least keep one more, while there are such places
		share[c.member] = least
		if len(kept[c.member]) > least && more > 0 {
			share[c.member]++
			more--
		}
	}
	for _, c := range claims {
		if more > 0 && share[c.member] == least {
			share[c.member]++
			more--
		}
		n := min(len(kept[c.member]), share[c.member])
		out[c.member] = kept[c.member][:n]
		free = append(free, kept[c.member][n:]...)
	}
	slices.Sort(free)
	for _, c := range claims {
		n := share[c.member] - len(out[c.member])
		out[c.member] = append(out[c.member], free[:n]...)
		free = free[n:]
		slices.Sort(out[c.member])
	}
	return out
}

// holders returns who held each shard in the newest generation that anybody
// claims it for.
func holders(claims []claim, shards []int) map[int]string {
	newest := make(map[int]uint64)
	holder := make(map[int]string)
	for _, c := range claims {
		for _, s := range c.shards {
			if _, exists := slices.BinarySearch(shards, s); !exists {
				continue
			}
			if _, taken := holder[s]; !taken || c.generation > newest[s] {
				holder[s], newest[s] = c.member, c.generation
			}
		}
	}
	return holder
}
