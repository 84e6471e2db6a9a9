package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// slowDecoder reads events with encoding/json, the time package and rational
// numbers. It shares no code with the Decoder, and collects all the reasons there
// are to refuse a message.
type slowDecoder struct {
	prefix     string
	reporting  string
	currencies map[string]int // decimals
	reasons    map[Reason]bool
}

type members map[string]json.RawMessage

func (s *slowDecoder) decode(value []byte) (ev Event, reasons map[Reason]bool) {
	s.reasons = map[Reason]bool{}
	var m members
	if err := json.Unmarshal(value, &m); err != nil || m == nil {
		s.reasons[NotJSON] = true
		return ev, s.reasons
	}
	ev.Type = s.required(m, "type", MissingType)
	ev.Type = bytes.TrimPrefix(ev.Type, []byte(s.prefix))
	ev.Kind = map[string]Kind{"login": Login, "purchase": Purchase, "cancellation": Cancellation, "survey": Survey, "signal": Signal}[string(ev.Type)]
	if version := s.str(m, "specversion"); version != nil && string(version) != "1.0" && len(version) > 0 {
		s.reasons[WrongType] = true
	}
	ev.ID = s.required(m, "id", MissingID)
	ev.Source = s.required(m, "source", MissingSource)
	ev.Customer = s.required(m, "subject", MissingSubject)
	if ev.Time = s.when(s.required(m, "time", MissingTime)); ev.Time <= 0 {
		s.reasons[BadTime] = true
	}
	payload := members{}
	if err := json.Unmarshal(m["data"], &payload); err != nil && m["data"] != nil {
		s.reasons[WrongType] = true
	}
	ev.User = s.name(payload, "user")
	s.customer(&ev, payload["customer"])
	switch ev.Kind {
	case Purchase:
		s.purchase(&ev.Purchase, payload)
	case Cancellation:
		ev.Cancellation = CancellationData{Subscription: s.str(payload, "subscription"), Reason: s.name(payload, "reason"), Effective: ev.Time}
		if has(payload, "effective") {
			ev.Cancellation.Effective = s.when(s.str(payload, "effective"))
		}
	case Survey:
		s.survey(&ev.Survey, payload)
	case Signal:
		ev.Signal = SignalData{Name: s.requiredName(payload, "name"), Ref: s.name(payload, "ref"), Value: 1000}
		if has(payload, "value") {
			ev.Signal.Value = s.thousandths(payload, "value", BadAmount)
		}
	}
	return ev, s.reasons
}

func has(m members, name string) bool { return m[name] != nil && string(m[name]) != "null" }

// str is a member that is a string, nil where absent.
func (s *slowDecoder) str(m members, name string) []byte {
	if !has(m, name) {
		return nil
	}
	var text string
	if err := json.Unmarshal(m[name], &text); err != nil {
		s.reasons[WrongType] = true
		return nil
	}
	if len(text) > 256 {
		s.reasons[TooLong] = true
	}
	return []byte(text)
}

func (s *slowDecoder) name(m members, name string) []byte {
	if text := s.str(m, name); len(text) > 0 {
		return text
	}
	return nil
}

func (s *slowDecoder) required(m members, name string, missing Reason) []byte {
	text := s.name(m, name)
	if text == nil {
		s.reasons[missing] = true
	}
	return text
}

func (s *slowDecoder) requiredName(m members, name string) []byte {
	return s.required(m, name, MissingField)
}

func (s *slowDecoder) when(text []byte) int64 {
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		s.reasons[BadTime] = true
	}
	return t.UnixMilli()
}

// rational is a member that is a number, or a string of one.
func (s *slowDecoder) rational(m members, name string, bad Reason) *big.Rat {
	var text string
	if err := json.Unmarshal(m[name], &text); err != nil {
		text = string(m[name])
		if c := text[0]; c != '-' && (c < '0' || c > '9') {
			s.reasons[WrongType] = true
		}
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok || strings.ContainsAny(text, "/_xXpP+ ") {
		s.reasons[bad] = true
		return new(big.Rat)
	}
	return r
}

func (s *slowDecoder) thousandths(m members, name string, bad Reason) int64 {
	r := s.rational(m, name, bad)
	scaled := new(big.Rat).Mul(r, big.NewRat(1000, 1))
	doubled := new(big.Int).Quo(new(big.Int).Mul(scaled.Num(), big.NewInt(2)), scaled.Denom()) // towards zero
	half := new(big.Int).Add(doubled, big.NewInt(int64(scaled.Sign())))
	return half.Quo(half, big.NewInt(2)).Int64()
}

func (s *slowDecoder) purchase(p *PurchaseData, m members) {
	p.Order, p.RefundOf = s.name(m, "order"), s.name(m, "refund_of")
	p.Subscription, p.Plan = s.name(m, "subscription"), s.name(m, "plan")
	code := s.reporting
	if has(m, "currency") {
		code = strings.ToUpper(string(s.str(m, "currency")))
	}
	digits, ok := s.currencies[code]
	if !ok {
		s.reasons[UnknownCurrency] = true
	}
	copy(p.Currency[:], code)
	minor := func(name string) int64 {
		r := s.rational(m, name, BadAmount)
		for range digits {
			r.Mul(r, big.NewRat(10, 1))
		}
		if !r.IsInt() || r.Sign() < 0 || r.Cmp(big.NewRat(1e15, 1)) > 0 {
			s.reasons[BadAmount] = true
		}
		return r.Num().Int64()
	}
	if !has(m, "amount") {
		s.reasons[MissingField] = true
		return
	}
	p.Amount = minor("amount")
	recurring := p.Amount
	if has(m, "recurring_amount") {
		recurring = minor("recurring_amount")
	}
	count := big.NewRat(1, 1)
	if has(m, "interval_count") {
		count = s.rational(m, "interval_count", BadInterval)
		if !count.IsInt() || count.Sign() <= 0 {
			s.reasons[BadInterval] = true
			return
		}
	}
	p.Count = 1
	if !has(m, "interval") {
		return
	}
	name := string(s.str(m, "interval"))
	perYear, ok := map[string]int64{"day": 365, "week": 52, "month": 12, "quarter": 4, "year": 1}[name]
	if !ok {
		s.reasons[BadInterval] = true
		return
	}
	p.Interval = map[string]Interval{"day": Day, "week": Week, "month": Month, "quarter": Quarter, "year": Year}[name]
	p.Count = uint16(count.Num().Int64())
	units := big.NewRat(perYear*332_640, 12)
	units.Quo(units, count)
	if !units.IsInt() {
		s.reasons[IntervalNotExact] = true
		return
	}
	monthly := units.Mul(units, big.NewRat(recurring, 1))
	if monthly.Cmp(big.NewRat(332_640e12, 1)) > 0 {
		s.reasons[BadAmount] = true
	}
	p.Monthly = monthly.Num().Int64()
}

func (s *slowDecoder) survey(v *SurveyData, m members) {
	kind := string(s.requiredName(m, "kind"))
	if !has(m, "score") {
		s.reasons[MissingField] = true
		return
	}
	scale, ok := map[string][3]int32{"nps": {1, 0, 10}, "csat": {2, 1, 5}, "ces": {3, 1, 7}, "cli": {4, 1, 10}}[kind]
	if !ok {
		s.reasons[UnknownSurvey] = true
		return
	}
	v.Kind, v.Min, v.Max = SurveyKind(scale[0]), scale[1]*1000, scale[2]*1000
	v.Respondent, v.Campaign, v.Ref = s.name(m, "respondent"), s.name(m, "campaign"), s.name(m, "ref")
	if has(m, "scale") {
		var ends members
		if json.Unmarshal(m["scale"], &ends) != nil {
			s.reasons[WrongType] = true
			return
		}
		if has(ends, "min") {
			v.Min = int32(s.thousandths(ends, "min", BadScore))
		}
		if has(ends, "max") {
			v.Max = int32(s.thousandths(ends, "max", BadScore))
		}
	}
	score := func(m members, name string) int32 {
		r := s.rational(m, name, BadScore)
		if r.Cmp(big.NewRat(int64(v.Min), 1000)) < 0 || r.Cmp(big.NewRat(int64(v.Max), 1000)) > 0 {
			s.reasons[BadScore] = true
		}
		return int32(s.thousandths(m, name, BadScore))
	}
	v.Score = score(m, "score")
	if !has(m, "answers") {
		return
	}
	var answers members
	if json.Unmarshal(m["answers"], &answers) != nil {
		s.reasons[WrongType] = true
	}
	for name := range answers {
		if has(answers, name) {
			v.Answers = append(v.Answers, Answer{[]byte(name), score(answers, name)})
		}
	}
}

func (s *slowDecoder) customer(ev *Event, raw json.RawMessage) {
	var m members
	if raw == nil {
		return
	}
	if json.Unmarshal(raw, &m) != nil {
		s.reasons[WrongType] = true
	}
	for name, value := range m {
		switch value[0] {
		case '{', '[':
		case 'n':
			ev.Attrs = append(ev.Attrs, Attr{Name: []byte(name), Null: true})
		case '"':
			var text string
			if err := json.Unmarshal(value, &text); err != nil {
				s.reasons[NotJSON] = true
			}
			ev.Attrs = append(ev.Attrs, Attr{Name: []byte(name), Value: []byte(text)})
		default:
			ev.Attrs = append(ev.Attrs, Attr{Name: []byte(name), Value: value})
		}
	}
}

// messageMember is a member with the texts that its value is drawn from: most of
// them right.
type messageMember struct {
	name   string
	values []string
}

var (
	junk = []string{`null`, `7`, `true`, `{"type":"x"}`, `[{}]`, `""`, `"x"`, `-1`, `"ü\u00fc\ud83d\ude00\\\""`}
	ids  = []string{`"a"`, `"b-17"`, `"ü\n"`, `"\u0041\/"`, `"` + strings.Repeat("y", 256) + `"`}

	envelopeMembers = []messageMember{
		{"specversion", []string{`"1.0"`, `"1.\u0030"`}},
		{"type", []string{`"t.login"`, `"t.purchase"`, `"t.purchase"`, `"t.purchase"`, `"t.survey"`, `"t.survey"`, `"t.cancellation"`, `"t.signal"`}},
		{"id", ids}, {"source", ids}, {"subject", ids},
		{"time", []string{`"2026-11-22T08:15:42Z"`, `"1969-12-31T23:59:59.9999+13:45"`, `"1970-01-02T00:00:59.9999+13:45"`, `"2024-02-29T00:00:00.123456-05:00"`}},
		{"traceparent", junk},
	}
	payloadMembers = []messageMember{
		{"user", ids}, {"order", ids}, {"plan", ids}, {"subscription", append(ids, `""`)}, {"refund_of", ids}, {"reason", ids},
		{"amount", []string{`"12.50"`, `0.07`, `"3"`, `100`, `1e2`, `"5.00"`, `7`, `"9999999999.99"`}}, {"recurring_amount", []string{`"4"`, `0`, `30.00`, `1e10`}},
		{"currency", []string{`"USD"`, `"USD"`, `"JPY"`, `"kwd"`}}, {"interval", []string{`"day"`, `"week"`, `"month"`, `"quarter"`, `"year"`}},
		{"interval_count", []string{`1`, `2`, `3`, `12`, `"6"`, `1e1`, `13`}}, {"effective", []string{`"2026-12-01T00:00:00+01:00"`}},
		{"kind", []string{`"nps"`, `"csat"`, `"ces"`, `"cli"`}}, {"score", []string{`3`, `4`, `"2.5"`, `4.33333333333333333333333`}},
		{"scale", []string{`{"min":1,"max":5}`, `{"max":"7.5","x":[]}`, `{}`}}, {"respondent", ids}, {"campaign", ids}, {"ref", ids},
		{"answers", []string{`{}`, `{"a":3,"b":"2.5","a":4,"c":null}`}}, {"name", ids}, {"value", []string{`1`, `-2.5`, `"0.0015"`, `1e3`}},
		{"customer", []string{`{"plan":"pro","seats":1.50,"x":null,"y":{},"plan":"\u0070"}`, `{}`, `{"n":"a","n":[]}`}},
		{"comment", junk}, {"unread", junk},
	}
)

func drawObject(t *rapid.T, list []messageMember, required string, extra ...string) string {
	texts := append([]string(nil), extra...)
	spaces := rapid.SampledFrom([]string{"", "", " ", "\n\t "})
	for _, m := range list {
		if !strings.Contains(required, m.name) && rapid.IntRange(0, 2).Draw(t, m.name) == 0 {
			continue
		}
		values := m.values
		switch rapid.IntRange(0, 150).Draw(t, "oddity") {
		case 150: // not 0: rapid draws small numbers more often
			values = junk
		case 149:
			continue
		}
		name := m.name
		if rapid.IntRange(0, 20).Draw(t, "escape") == 0 {
			name = fmt.Sprintf(`\u%04x%s`, name[0], name[1:])
		}
		value := rapid.SampledFrom(values).Draw(t, "value")
		texts = append(texts, spaces.Draw(t, "space")+`"`+name+`":`+spaces.Draw(t, "space")+value+spaces.Draw(t, "space"))
	}
	texts = rapid.Permutation(texts).Draw(t, "order")
	if rapid.IntRange(0, 5).Draw(t, "twice") == 0 && len(texts) > 0 {
		texts = append(texts, rapid.SampledFrom(texts).Draw(t, "again"))
	}
	if rapid.IntRange(0, 5).Draw(t, "overruled") == 0 {
		name := rapid.SampledFrom(list).Draw(t, "member").name
		texts = append([]string{`"` + name + `":` + rapid.SampledFrom(junk).Draw(t, "junk")}, texts...)
	}
	return "{" + strings.Join(texts, ",") + "}"
}

// Both decoders say the same about drawn messages: the same event, or a reason
// that the slow one finds too.
func TestDecodeAgainstSlowDecoder(t *testing.T) {
	counts := map[Reason]int{}
	fast := NewDecoder(Options{Prefix: "t.", Currency: usd, Currencies: map[Currency]bool{jpy: true, kwd: true}})
	slow := &slowDecoder{prefix: "t.", reporting: "USD", currencies: map[string]int{"USD": 2, "JPY": 0, "KWD": 3}}
	var ev Event
	rapid.Check(t, func(t *rapid.T) {
		payload := drawObject(t, payloadMembers, "amount kind score name")
		value := []byte(drawObject(t, envelopeMembers, "type id source subject time", `"data":`+payload))
		want, reasons := slow.decode(value)
		reason := fast.Decode(&ev, value, nil)
		counts[reason]++
		if ev.Kind == Unknown && reason == "" && want.Kind == Unknown {
			return
		}
		if reason != "" || len(reasons) > 0 {
			if !reasons[reason] {
				t.Fatalf("%s\n gives %q; the slow decoder %v", value, reason, reasons)
			}
			return
		}
		if got := inNameOrder(ev); !reflect.DeepEqual(got, inNameOrder(want)) {
			t.Fatalf("%s\n got %+v\nwant %+v", value, got, want)
		}
		roundTrip(t, &ev, "t.")
	})
	t.Logf("outcomes: %v", counts)
	if counts[""] == 0 || len(counts) < 4 {
		t.Errorf("the messages drawn are one-sided: %v", counts)
	}
}
