package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"github.com/segmentio/kafka-go"

	"github.com/tidemark-io/tidemark/event"
)

// handAccount is what the hand-written consumer keeps of a customer.
type handAccount struct {
	days      uint32 // bit i: active i days before lastDay
	lastDay   int32
	firstPaid int32            // day; 0: never
	mrr       int64            // 1/332,640 of a cent a month; 0: does not pay
	nps       int64            // last score in thousandths, plus 1; 0: none
	npsTime   int64            // ms
	tickets   map[string]int64 // open ones by their time
	band      byte             // 0: does not pay; 1 red, 2 amber, 3 green
}

func parseHandAccount(v string) (a handAccount, err error) {
	if v == "" {
		return a, nil
	}
	b := []byte(v)
	next := func() int64 {
		x, n := binary.Varint(b)
		if n <= 0 {
			err = errors.New("a stored customer is damaged")
			return 0
		}
		b = b[n:]
		return x
	}
	a.days, a.lastDay, a.firstPaid, a.mrr = uint32(next()), int32(next()), int32(next()), next()
	a.nps, a.npsTime, a.band = next(), next(), byte(next())
	if n := next(); n > 0 && err == nil {
		a.tickets = make(map[string]int64, n)
		for range n {
			at, l := next(), next()
			if err != nil || l > int64(len(b)) {
				return a, errors.New("a stored customer is damaged")
			}
			a.tickets[string(b[:l])] = at
			b = b[l:]
		}
	}
	return a, err
}

func (a *handAccount) append(dst []byte) []byte {
	for _, x := range [...]int64{int64(a.days), int64(a.lastDay), int64(a.firstPaid), a.mrr, a.nps, a.npsTime,
		int64(a.band), int64(len(a.tickets))} {
		dst = binary.AppendVarint(dst, x)
	}
	for _, ref := range slices.Sorted(maps.Keys(a.tickets)) {
		dst = binary.AppendVarint(dst, a.tickets[ref])
		dst = binary.AppendVarint(dst, int64(len(ref)))
		dst = append(dst, ref...)
	}
	return dst
}

// apply changes the account by an event, and sums and bands by what follows.
func (h *byHand) apply(a *handAccount, ev *event.Event) {
	day := int32(ev.Time / msDay)
	was, paid := a.band, a.mrr
	switch ev.Kind {
	case event.Login:
		if h.active[day] == nil {
			h.active[day] = map[string]struct{}{}
		}
		h.active[day][string(ev.User)] = struct{}{}
		a.login(day)
	case event.Purchase:
		a.mrr = ev.Purchase.Monthly
		if a.firstPaid == 0 {
			a.firstPaid = day
		}
	case event.Cancellation:
		a.mrr = 0
	case event.Survey:
		if ev.Time >= a.npsTime {
			a.nps, a.npsTime = int64(ev.Survey.Score)+1, ev.Time
		}
	case event.Signal:
		if string(ev.Signal.Name) == "ticket_resolved" {
			delete(a.tickets, string(ev.Signal.Ref))
		} else {
			if a.tickets == nil {
				a.tickets = map[string]int64{}
			}
			a.tickets[string(ev.Signal.Ref)] = ev.Time
		}
	}
	h.mrr += a.mrr - paid
	h.paying += one(a.mrr > 0) - one(paid > 0)
	a.band = a.rate(ev.Time)
	if a.band == was {
		return
	}
	h.bands[was]--
	h.bands[a.band]++
	if a.band == 1 || was == 1 {
		h.fired = append(h.fired, kafka.Message{Key: append([]byte(nil), ev.Customer...),
			Value: fmt.Appendf(nil, `{"rule":"at_risk","customer":%q,"band":%d,"was":%d,"time":%d}`, ev.Customer, a.band, was, ev.Time)})
	}
}

func (a *handAccount) login(day int32) {
	switch {
	case day > a.lastDay:
		a.days = a.days<<(day-a.lastDay) | 1
		a.lastDay = day
	case a.lastDay-day < 31:
		a.days |= 1 << (a.lastDay - day)
	}
}

// rate scores the customer by Tidemark's default profile and returns its band.
func (a *handAccount) rate(now int64) byte {
	if a.mrr == 0 {
		return 0
	}
	today := int32(now / msDay)
	score, weight := int64(10*10), int64(85) // no late invoices in the stream
	score += 30 * steps(int64(bits.OnesCount32(a.days<<max(today-a.lastDay, 0)&(1<<30-1))), 0, 0, 1, 2, 2, 4, 4, 6, 8, 8, 15, 10)
	score += 25 * steps(int64(today-max(a.lastDay, a.firstPaid)), 0, 10, 2, 8, 4, 6, 8, 3, 15, 1, 31, 0)
	score += 5 * steps(int64(today-a.firstPaid), 0, 4, 30, 6, 90, 8, 365, 10)
	if a.nps > 0 && now-a.npsTime < 90*msDay {
		weight += 15
		score += 15 * steps(a.nps-1, 0, 0, 7000, 6, 9000, 10)
	}
	oldest := int64(-1)
	for _, at := range a.tickets {
		oldest = max(oldest, (now-at)/msHour)
	}
	if oldest < 0 {
		score += 15 * 10
	} else {
		score += 15 * steps(oldest, 0, 7, 24, 4, 48, 0)
	}
	amber, green := int64(50), int64(75)
	switch a.band {
	case 1:
		amber += 3
	case 3:
		green -= 3
	}
	switch { // points go to 10
	case 10*score >= green*weight:
		return 3
	case 10*score >= amber*weight:
		return 2
	}
	return 1
}

// steps is a table of values and the points from each on.
func steps(v int64, table ...int64) (points int64) {
	points = table[1]
	for i := 0; i < len(table) && v >= table[i]; i += 2 {
		points = table[i+1]
	}
	return points
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
