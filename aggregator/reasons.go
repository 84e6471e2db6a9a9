package aggregator

import "strings"

// Why customers cancel: cancellations by the reason that they state, on the day
// each takes effect.

// cancelled is a cancellation that took effect.
type cancelled struct {
	day    int32
	reason string
}

// reasonOf is the reason under which a cancellation counts: without blanks
// around it, and cut where it is long.
func (s *Shard) reasonOf(text []byte) string {
	reason := cutLabel(text)
	if reason == "" || strings.EqualFold(reason, "none") { // none is how figures call it
		return ""
	}
	return s.reasons.keep(reason)
}

// contributeReasons emits the cancellations by reason.
func (e *emitter) contributeReasons(t *timeline) {
	for i := range t.cancels {
		x := &t.cancels[i]
		if x.day < e.from {
			continue
		}
		e.level(e.cells.slotOf(Cell{Counter: CancelReasons, Label: x.reason}), x.day, x.day+1, 1)
	}
}
