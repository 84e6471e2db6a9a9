package event

import (
	"bytes"
	"math"
)

// scales are the scales that the kinds of surveys have unless an event says
// otherwise, in thousandths.
var scales = [...]struct{ min, max int32 }{
	NPS:  {0, 10_000},
	CSAT: {1_000, 5_000},
	CES:  {1_000, 7_000},
	CLI:  {1_000, 10_000},
}

func (d *Decoder) readSurvey(s *SurveyData) {
	kind := d.name(fieldKind)
	switch {
	case d.reason != "":
		return
	case kind == nil || !d.has(fieldScore):
		d.refuse(MissingField)
		return
	}
	if s.Kind = surveyNamed(kind); s.Kind == 0 {
		d.refuse(UnknownSurvey)
		return
	}
	s.Min, s.Max = scales[s.Kind].min, scales[s.Kind].max
	s.Respondent = d.name(fieldRespondent)
	s.Campaign = d.name(fieldCampaign)
	s.Ref = d.name(fieldRef)
	if d.has(fieldScale) {
		d.readScale(s)
	}
	s.Score = d.score(d.decimalText(fieldScore), s)
	if d.has(fieldAnswers) {
		d.readAnswers(s)
	}
}

// readScale sets the ends of the scale that the event names.
func (d *Decoder) readScale(s *SurveyData) {
	scale := d.fields[fieldScale]
	if scale.kind != object {
		d.refuse(WrongType)
		return
	}
	d.fields.readMembers(d.message, int(scale.pos), 0, firstOfScale, notRead)
	if d.has(fieldMin) {
		s.Min = d.scaleEnd(fieldMin)
	}
	if d.has(fieldMax) {
		s.Max = d.scaleEnd(fieldMax)
	}
	if s.Min >= s.Max {
		d.refuse(BadScore)
	}
}

func (d *Decoder) scaleEnd(f field) int32 {
	t, ok := parseThousandths(d.decimalText(f))
	if !ok || t.rest != nothing || t.outside(math.MinInt32, math.MaxInt32) {
		d.refuse(BadScore)
		return 0
	}
	return int32(t.cut)
}

// score reads a score and holds it against the survey's scale, then rounds it to
// thousandths: a score may be a mean.
func (d *Decoder) score(text []byte, s *SurveyData) int32 {
	t, ok := parseThousandths(text)
	if !ok || t.outside(int64(s.Min), int64(s.Max)) {
		d.refuse(BadScore)
		return 0
	}
	return int32(t.rounded())
}

// readAnswers adds the named scores of data.answers; null is no answer.
func (d *Decoder) readAnswers(s *SurveyData) {
	if d.fields[fieldAnswers].kind != object {
		d.refuse(WrongType)
		return
	}
	i, more := openObject(d.message, int(d.fields[fieldAnswers].pos))
	for more && d.reason == "" {
		key, start := keyAt(d.message, i)
		value, end := valueAt(d.message, start, 0)
		name := d.tokenText(key)
		s.Answers = removeAnswer(s.Answers, name)
		switch value.kind {
		case null:
		case number:
			s.Answers = append(s.Answers, Answer{name, d.score(d.message[value.pos:value.end], s)})
		case text, escapedText:
			s.Answers = append(s.Answers, Answer{name, d.score(d.tokenText(value), s)})
		default:
			d.refuse(WrongType)
		}
		if len(s.Answers) > maxMembers {
			d.refuse(TooLong)
		}
		i, more = afterMember(d.message, end)
	}
}

// removeAnswer takes out the answer of a name, so that of two the last holds.
func removeAnswer(answers []Answer, name []byte) []Answer {
	for i := range answers {
		if bytes.Equal(answers[i].Name, name) {
			return append(answers[:i], answers[i+1:]...)
		}
	}
	return answers
}

// surveyNamed is the kind of survey of that name, 0 if there is none.
func surveyNamed(name []byte) SurveyKind {
	switch string(name) {
	case "nps":
		return NPS
	case "csat":
		return CSAT
	case "ces":
		return CES
	case "cli":
		return CLI
	}
	return 0
}

// String is the kind's name in an event, "" for none.
func (k SurveyKind) String() string {
	switch k {
	case NPS:
		return "nps"
	case CSAT:
		return "csat"
	case CES:
		return "ces"
	case CLI:
		return "cli"
	}
	return ""
}
