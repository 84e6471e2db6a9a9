package event

import (
	"bytes"
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// inNameOrder sorts attributes and answers, and copies the event's lists.
func inNameOrder(ev Event) Event {
	ev = normal(ev)
	ev.Attrs = slices.Clone(ev.Attrs)
	slices.SortFunc(ev.Attrs, func(a, b Attr) int { return bytes.Compare(a.Name, b.Name) })
	ev.Survey.Answers = slices.Clone(ev.Survey.Answers)
	slices.SortFunc(ev.Survey.Answers, func(a, b Answer) int { return cmp.Compare(string(a.Name), string(b.Name)) })
	return ev
}

// everyCurrency is known to the decoder that reads events back.
var everyCurrency = func() map[Currency]bool {
	all := map[Currency]bool{}
	for i, digits := range exponents {
		if digits > 0 {
			all[Currency{byte('A' + i/letters/letters), byte('A' + i/letters%letters), byte('A' + i%letters)}] = true
		}
	}
	return all
}()

// roundTrip writes an event, which must be valid JSON, and reads it back.
func roundTrip(t failing, ev *Event, prefix string) {
	written := ev.AppendPrefixed([]byte("before"), prefix)
	message, ok := bytes.CutPrefix(written, []byte("before"))
	if !ok || !json.Valid(message) || !utf8.Valid(message) {
		t.Fatalf("%q is not JSON", written)
	}
	var back Event
	reason := NewDecoder(Options{Prefix: prefix, Currencies: everyCurrency}).Decode(&back, message, nil)
	if reason != "" || !reflect.DeepEqual(normal(back), normal(*ev)) {
		t.Fatalf("%s\n is read back as %q\n got %+v\nwant %+v", message, reason, back, *ev)
	}
}

func TestAppend(t *testing.T) {
	ev := Event{Kind: Purchase, ID: []byte("1"), Source: []byte("s\"\\"), Customer: []byte("cé\n"), Time: 7001,
		Attrs:    []Attr{{Name: []byte("plan"), Value: []byte("pro")}, {Name: []byte("x"), Null: true}},
		Purchase: PurchaseData{Order: []byte("o"), Amount: 3000, Currency: usd, Interval: Year, Count: 2, Monthly: 500 * MonthlyUnit}}
	const want = `{"specversion":"1.0","type":"com.acme.purchase","source":"s\"\\","id":"1","time":"1970-01-01T00:00:07.001Z","subject":"cé\u000a",` +
		`"data":{"order":"o","amount":"30.00","currency":"USD","interval":"year","interval_count":2,"recurring_amount":"120.00","customer":{"plan":"pro","x":null}}}`
	if got := string(ev.AppendPrefixed(nil, "com.acme.")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	plain := Event{Kind: Login, ID: []byte("1"), Source: []byte("s"), Customer: []byte("c"), Time: 1000}
	if got := string(plain.Append(nil)); got != `{"specversion":"1.0","type":"login","source":"s","id":"1","time":"1970-01-01T00:00:01Z","subject":"c","data":{}}` {
		t.Error(got)
	}
	plain.ID = []byte("\xff")
	var back Event
	if reason := NewDecoder(Options{}).Decode(&back, plain.Append(nil), nil); reason != NotUTF8 {
		t.Errorf("an id that isn't UTF-8 is read back as %q", reason)
	}
}

// drawEvent draws any event that a decoder could give.
func drawEvent(t *rapid.T) Event {
	text := func(name string) []byte {
		return []byte(rapid.StringN(1, 60, maxText).Draw(t, name))
	}
	maybe := func(name string) []byte {
		if rapid.Bool().Draw(t, "with "+name) {
			return text(name)
		}
		return nil
	}
	ev := Event{Kind: Kind(rapid.IntRange(int(Login), int(Signal)).Draw(t, "kind")), ID: text("id"), Source: text("source"), Customer: text("customer"),
		Time: rapid.Int64Range(1, maxMillis).Draw(t, "time"), User: maybe("user")}
	ev.Type = []byte(ev.Kind.String())
	for _, name := range rapid.SliceOfNDistinct(rapid.StringN(0, 9, 99), 0, 5, rapid.ID).Draw(t, "attributes") {
		attr := Attr{Name: []byte(name), Null: rapid.Bool().Draw(t, "null")}
		if !attr.Null {
			attr.Value = []byte(rapid.StringN(0, 9, 99).Draw(t, "value"))
		}
		ev.Attrs = append(ev.Attrs, attr)
	}
	switch ev.Kind {
	case Purchase:
		ev.Purchase = drawPurchase(t, maybe)
	case Cancellation:
		ev.Cancellation = CancellationData{Subscription: maybe("subscription"), Reason: maybe("reason"), Effective: ev.Time}
		if rapid.Bool().Draw(t, "later") {
			ev.Cancellation.Effective = rapid.Int64Range(minMillis, maxMillis).Draw(t, "effective")
		}
		if rapid.Bool().Draw(t, "unnamed") {
			ev.Cancellation.Subscription = []byte{}
		}
	case Survey:
		ev.Survey = drawSurvey(t, maybe)
	case Signal:
		ev.Signal = SignalData{Name: text("name"), Value: rapid.Int64().Draw(t, "value"), Ref: maybe("ref")}
		if ev.Signal.Value == -1<<63 {
			ev.Signal.Value++ // a decoder's values lie between -(2^63-1) and 2^63-1
		}
	}
	return ev
}

func drawPurchase(t *rapid.T, maybe func(string) []byte) PurchaseData {
	codes := []string{"USD", "EUR", "JPY", "KWD", "CLF"}
	p := PurchaseData{Order: maybe("order"), RefundOf: maybe("refund of"), Subscription: maybe("subscription"), Plan: maybe("plan"), Count: 1,
		Amount: rapid.Int64Range(0, maxAmount).Draw(t, "amount")}
	copy(p.Currency[:], rapid.SampledFrom(codes).Draw(t, "currency"))
	if rapid.Bool().Draw(t, "recurring") {
		p.Interval = Interval(rapid.IntRange(int(Day), int(Year)).Draw(t, "interval"))
		p.Count = rapid.SampledFrom([]uint16{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}).Draw(t, "count")
		p.Amount = rapid.Int64Range(0, 1e10).Draw(t, "amount")
		recurring := p.Amount
		if rapid.Bool().Draw(t, "prorated") {
			recurring = rapid.Int64Range(0, 1e10).Draw(t, "recurring amount")
		}
		units := map[Interval]int64{Day: 365 * 27_720, Week: 52 * 27_720, Month: 332_640, Quarter: 110_880, Year: 27_720}[p.Interval]
		p.Monthly = recurring * (units / int64(p.Count))
	}
	return p
}

func drawSurvey(t *rapid.T, maybe func(string) []byte) SurveyData {
	s := SurveyData{Kind: SurveyKind(rapid.IntRange(int(NPS), int(CLI)).Draw(t, "survey")), Respondent: maybe("respondent"), Campaign: maybe("campaign"), Ref: maybe("ref")}
	s.Min = rapid.Int32Range(-1<<31, 1<<31-2).Draw(t, "min")
	s.Max = rapid.Int32Range(s.Min+1, 1<<31-1).Draw(t, "max")
	s.Score = rapid.Int32Range(s.Min, s.Max).Draw(t, "score")
	if rapid.Bool().Draw(t, "usual scale") {
		usual := map[SurveyKind][2]int32{NPS: {0, 10_000}, CSAT: {1000, 5000}, CES: {1000, 7000}, CLI: {1000, 10_000}}[s.Kind]
		s.Min, s.Max = usual[0], usual[1]
		s.Score = rapid.Int32Range(s.Min, s.Max).Draw(t, "score")
	}
	for _, name := range rapid.SliceOfNDistinct(rapid.StringN(0, 9, 99), 0, 4, rapid.ID).Draw(t, "answers") {
		s.Answers = append(s.Answers, Answer{[]byte(name), rapid.Int32Range(s.Min, s.Max).Draw(t, "answer")})
	}
	return s
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ev := drawEvent(t)
		roundTrip(t, &ev, rapid.SampledFrom([]string{"", "com.acme.", "\"é"}).Draw(t, "prefix"))
	})
}

// Nothing makes the decoder panic; what it accepts, encoding/json takes as JSON,
// and it comes back through Append.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		purchaseMessage, loginMessage,
		message("survey", `{"kind":"cli","score":8.25,"scale":{"min":-1,"max":"10"},"answers":{"a\u00e9":8,"b":"9"}}`),
		message("cancellation", `{"subscription":"","effective":"2026-11-22T08:15:42.5+01:00","reason":"price"}`),
		message("signal", `{"name":"ticket_opened","ref":"t","value":-2.5e-1,"customer":{"a":"\n","b":1.50,"c":null,"d":[]}}`),
		message("purchase", `{"amount":"1e3","recurring_amount":12.500,"interval":"week","interval_count":2,"currency":"KWD"}`),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		var ev Event
		d := NewDecoder(Options{Prefix: "com.acme.", Currency: usd, Currencies: everyCurrency})
		reason := d.Decode(&ev, value, nil)
		if reason != "" {
			return
		}
		if !json.Valid(value) || !utf8.Valid(value) {
			t.Fatalf("%q is accepted and not JSON", value)
		}
		if ev.Kind != Unknown {
			roundTrip(t, &ev, "com.acme.")
		}
	})
}
