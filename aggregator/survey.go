package aggregator

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

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
	// questions are the named scores of a CLI answer, by name; none: its score is
	// the one of the question "".
	questions []named
}

// named is the score of one question, in thousandths.
type named struct {
	name  string
	score int32
}

// invited is the kind of what is no answer, but an invitation to a CSAT survey:
// the signal survey_sent. It counts like an answer, by the campaign it names.
const invited = event.SurveyKind(15)

func compareAnswers(a, b *answer) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.campaign, b.campaign), cmp.Compare(a.ref, b.ref),
		cmp.Compare(a.time, b.time), cmp.Compare(a.source, b.source), cmp.Compare(a.id, b.id))
}

// sameQuestion says whether a later answer replaces an earlier one.
func sameQuestion(a, b *answer) bool {
	return a.kind == b.kind && a.campaign == b.campaign && a.ref == b.ref
}

// placeOf is where an answer belongs in a list, and whether it is there already.
func placeOf(list []answer, a *answer) (int, bool) {
	i := len(list)
	if i > 0 && compareAnswers(&list[i-1], a) < 0 {
		return i, false
	}
	return slices.BinarySearchFunc(list, a, func(x answer, y *answer) int { return compareAnswers(&x, y) })
}

// contributeAnswers is what a respondent's answers contribute.
func (e *emitter) contributeAnswers(list []answer) {
	for i := range list {
		e.contributeAnswer(list, i)
	}
}

// contributeAnswer is what the i-th of them contributes, up to the next one to
// the same question. Where i is none of them it is nothing.
func (e *emitter) contributeAnswer(list []answer, i int) {
	if i < 0 {
		return
	}
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
		if a.satisfied(e.satisfied) {
			e.level(int(CSATSatisfied30), a.day, short, 1)
			e.level(int(CSATSatisfied90), a.day, long, 1)
		}
	case event.CES:
		e.level(int(CESAnswers30), a.day, short, 1)
		e.level(int(CESAnswers90), a.day, long, 1)
		if a.easy() {
			e.level(int(CESEasy30), a.day, short, 1)
			e.level(int(CESEasy90), a.day, long, 1)
		}
	case event.CLI:
		e.contributeQuestions(a, short, long)
	case invited:
		e.level(int(CSATInvited30), a.day, short, 1)
		e.level(int(CSATInvited90), a.day, long, 1)
	}
}

func (e *emitter) contributeQuestions(a *answer, short, long int32) {
	questions := a.questions
	if len(questions) == 0 {
		questions = []named{{score: a.score}}
	}
	for _, q := range questions {
		v, rest, width := a.onTen(q.score)
		e.level(e.cells.slotOf(Cell{Counter: CLIAnswers30, Label: q.name}), a.day, short, 1)
		e.level(e.cells.slotOf(Cell{Counter: CLISum30, Label: q.name}), a.day, short, v)
		e.level(e.cells.slotOf(Cell{Counter: CLIAnswers90, Label: q.name}), a.day, long, 1)
		e.level(e.cells.slotOf(Cell{Counter: CLISum90, Label: q.name}), a.day, long, v)
		if rest != 0 {
			label := RestLabel(width, q.name)
			e.level(e.cells.slotOf(Cell{Counter: CLIRest30, Label: label}), a.day, short, rest)
			e.level(e.cells.slotOf(Cell{Counter: CLIRest90, Label: label}), a.day, long, rest)
		}
	}
}

// RestLabel is the label of what scores on a scale of a width leave over.
func RestLabel(width int64, question string) string {
	return strconv.FormatInt(width, 10) + "|" + question
}

// ParseRestLabel reads what RestLabel writes; false: something else.
func ParseRestLabel(label string) (width int64, question string, ok bool) {
	text, question, _ := strings.Cut(label, "|")
	width, err := strconv.ParseInt(text, 10, 64)
	return width, question, err == nil && width > 0
}

// npsClass is 0 for a promoter (9 and 10 on a scale to 10), 1 for a passive
// (7 and 8), 2 for a detractor. Scales to 10 are taken as they are, others are
// stretched to 0–10.
func (a *answer) npsClass() int {
	num, den := int64(a.score), int64(1000)
	if a.max != 10_000 || a.min > 1000 {
		num, den = a.above(a.score)
		num *= 10
	}
	switch {
	case num >= 9*den:
		return 0
	case num >= 7*den:
		return 1
	}
	return 2
}

// defaultSatisfied is the top two of 1–5.
const defaultSatisfied = 4000

// satisfied: at least a score on 1–5, by default 4, other scales stretched to it;
// of 1–10 that would be 7.75, and is the top three.
func (a *answer) satisfied(least int32) bool {
	if least == defaultSatisfied && a.min == 1000 && a.max == 10_000 {
		return a.score >= 8000
	}
	above, width := a.above(a.score)
	return 4000*above >= int64(least-1000)*width
}

// questionsOf are the named scores of an answer, by name. Of two whose names are
// cut to the same the first by its whole name counts.
func (s *Shard) questionsOf(answers []event.Answer) []named {
	if len(answers) == 0 {
		return nil
	}
	answers = slices.Clone(answers)
	slices.SortFunc(answers, func(a, b event.Answer) int { return bytes.Compare(a.Name, b.Name) })
	out := make([]named, 0, min(len(answers), maxQuestions))
	for _, a := range answers {
		name := s.questions.keep(cutLabel(a.Name))
		if len(out) < maxQuestions && !slices.ContainsFunc(out, func(x named) bool { return x.name == name }) {
			out = append(out, named{name, a.Score})
		}
	}
	return out
}

// maxQuestions is how many questions of one answer are kept.
const maxQuestions = 32

// easy: 5 to 7 on 1–7, of other scales the upper third.
func (a *answer) easy() bool {
	above, width := a.above(a.score)
	return 3*above >= 2*width
}

// widest is the widest scale that is a whole number wide whose scores are exact on
// 1–10 whatever they are: each width has counters of its own, so there must be few.
const widest = 100

// onTen puts a score of the answer's scale onto 1–10: whole millionths, and where
// the scale is 1 to 100 wide what is left over, in 1/width of a millionth. Of other
// scales, what is no whole number of millionths is rounded half up.
func (a *answer) onTen(score int32) (millionths, rest, width int64) {
	above, wide := a.above(score)
	if wide%1000 == 0 && wide <= widest*1000 {
		width = wide / 1000
		return 1_000_000 + 9000*above/width, 9000 * above % width, width
	}
	return 1_000_000 + (2*9_000_000*above+wide)/(2*wide), 0, 1
}

// above is how far a score lies above the lower end of the scale, and how wide
// the scale is.
func (a *answer) above(score int32) (above, width int64) {
	return int64(score) - int64(a.min), int64(a.max) - int64(a.min)
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
