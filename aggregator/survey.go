package aggregator

import (
	"cmp"
	"slices"

	"github.com/tidemark-io/tidemark/event"
)

// Survey answers count for a window of days until the next answer to the same
// question ends them: +1 on the day of an answer, -1 where its window or the
// respondent's next answer of the same kind, campaign and reference ends it.

// answer is one survey answer of a respondent.
type answer struct {
	time     int64
	day      int32
	kind     event.SurveyKind
	score    int32 // thousandths
	min, max int32
	source   string
	id       string
	campaign string
	ref      string
}

func compareAnswers(a, b *answer) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.campaign, b.campaign), cmp.Compare(a.ref, b.ref),
		cmp.Compare(a.time, b.time), cmp.Compare(a.source, b.source), cmp.Compare(a.id, b.id))
}

// sameQuestion says whether a later answer replaces an earlier one.
func sameQuestion(a, b *answer) bool {
	return a.kind == b.kind && a.campaign == b.campaign && a.ref == b.ref
}

// addAnswer puts an answer in its place; false: it is there already.
func addAnswer(list []answer, a answer) ([]answer, bool) {
	i, found := slices.BinarySearchFunc(list, a, func(x, y answer) int { return compareAnswers(&x, &y) })
	if found {
		return list, false
	}
	return slices.Insert(list, i, a), true
}

// contributeAnswers is what a respondent's answers contribute.
func (e *emitter) contributeAnswers(list []answer) {
	for i := range list {
		a := &list[i]
		end := farFuture
		if i+1 < len(list) && sameQuestion(a, &list[i+1]) {
			end = list[i+1].day
		}
		short, long := min(a.day+30, end), min(a.day+90, end)
		switch a.kind {
		case event.NPS:
			k := a.npsClass()
			e.level(int(NPSPromoters30)+k, a.day, short, 1)
			e.level(int(NPSPromoters90)+k, a.day, long, 1)
		case event.CSAT:
			e.level(int(CSATAnswers30), a.day, short, 1)
			e.level(int(CSATAnswers90), a.day, long, 1)
			if a.satisfied() {
				e.level(int(CSATSatisfied30), a.day, short, 1)
				e.level(int(CSATSatisfied90), a.day, long, 1)
			}
		}
	}
}

// npsClass is 0 for a promoter (9 and 10 on a scale to 10), 1 for a passive
// (7 and 8), 2 for a detractor. Scales to 10 are taken as they are, others are
// stretched to 0–10.
func (a *answer) npsClass() int {
	num, den := int64(a.score), int64(1000)
	if a.max != 10_000 || a.min > 1000 {
		num, den = 10*int64(a.score-a.min), int64(a.max-a.min)
	}
	switch {
	case num >= 9*den:
		return 0
	case num >= 7*den:
		return 1
	}
	return 2
}

// satisfied: the top two of 1–5, the top three of 1–10, of other scales the
// upper quarter.
func (a *answer) satisfied() bool {
	switch {
	case a.min == 1000 && a.max == 5000:
		return a.score >= 4000
	case a.min == 1000 && a.max == 10_000:
		return a.score >= 8000
	}
	return 4*int64(a.score-a.min) >= 3*int64(a.max-a.min)
}

// dayAnswer is the last answer of a day that a customer's health reads.
type dayAnswer struct {
	day      int32
	kind     event.SurveyKind
	time     int64
	source   string
	id       string
	score    int32
	min, max int32
}

// addDayAnswer keeps the last answer of its day and kind, in order of day and
// kind; false: nothing changed.
func addDayAnswer(list []dayAnswer, a dayAnswer) ([]dayAnswer, bool) {
	i, found := slices.BinarySearchFunc(list, a, func(x, y dayAnswer) int {
		return cmp.Or(cmp.Compare(x.day, y.day), cmp.Compare(x.kind, y.kind))
	})
	if !found {
		return slices.Insert(list, i, a), true
	}
	old := &list[i]
	if cmp.Or(cmp.Compare(old.time, a.time), cmp.Compare(old.source, a.source), cmp.Compare(old.id, a.id)) >= 0 {
		return list, false
	}
	*old = a
	return list, true
}
