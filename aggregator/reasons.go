package aggregator

import (
	"strings"
	"unicode/utf8"
)

// Why customers cancel: cancellations by the reason that they state, on the day
// each takes effect.

// maxReasons is how many different reasons one shard keeps apart; of later ones
// a record keeps otherReason only. maxReasonBytes is how much of one is kept.
const (
	maxReasons     = 250
	maxReasonBytes = 60
	otherReason    = "other"
)

// cancelled is a cancellation that took effect.
type cancelled struct {
	day    int32
	reason string
}

// reasonOf is the reason under which a cancellation counts: without blanks
// around it, and cut where it is long.
func (s *Shard) reasonOf(text []byte) string {
	reason := strings.TrimSpace(string(text))
	if len(reason) > maxReasonBytes {
		n := maxReasonBytes
		for !utf8.RuneStart(reason[n]) {
			n--
		}
		reason = strings.TrimSpace(reason[:n])
	}
	if reason == "" || strings.EqualFold(reason, "none") { // none is how figures call it
		return ""
	}
	return s.reasons.keep(reason)
}

// reasons are the different reasons that a shard has met: part of its table, so
// that the same ones are kept apart whoever owns it.
type reasons struct {
	list  []string
	index map[string]int
}

func newReasons(list []string) *reasons {
	r := &reasons{list: list, index: map[string]int{}}
	for i, name := range list {
		r.index[name] = i
	}
	return r
}

// keep returns the reason as one string that all records share, or otherReason
// where there are too many.
func (r *reasons) keep(reason string) string {
	if i, ok := r.index[reason]; ok {
		return r.list[i]
	}
	if len(r.list) >= maxReasons-1 && reason != otherReason {
		return r.keep(otherReason)
	}
	r.index[reason] = len(r.list)
	r.list = append(r.list, reason)
	return reason
}

// contributeReasons emits the cancellations by reason.
func (e *emitter) contributeReasons(t *timeline) {
	for i := range t.cancels {
		x := &t.cancels[i]
		e.level(e.cells.slotOf(Cell{Counter: CancelReasons, Label: x.reason}), x.day, x.day+1, 1)
	}
}
