package event

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

var (
	usd = Currency{'U', 'S', 'D'}
	jpy = Currency{'J', 'P', 'Y'}
	kwd = Currency{'K', 'W', 'D'}
)

var testOptions = Options{Prefix: "com.acme.", Currency: usd, Currencies: map[Currency]bool{jpy: true, kwd: true}}

// message is an event of that type with the payload, all else right.
func message(kind, payload string) string {
	s := `{"specversion":"1.0","type":"com.acme.` + kind + `","source":"s","id":"1","time":"1970-01-01T00:00:07Z","subject":"c"`
	if payload != "" {
		s += `,"data":` + payload
	}
	return s + "}"
}

// good is the event that message gives, before its payload.
func good(kind Kind) Event {
	return Event{Kind: kind, Type: []byte(kind.String()), ID: []byte("1"), Source: []byte("s"), Customer: []byte("c"), Time: 7000}
}

// normal makes lists that are empty nil, so that events can be compared.
func normal(ev Event) Event {
	if len(ev.Attrs) == 0 {
		ev.Attrs = nil
	}
	if len(ev.Survey.Answers) == 0 {
		ev.Survey.Answers = nil
	}
	return ev
}

func TestDecodeEachKind(t *testing.T) {
	const units = MonthlyUnit
	cases := []struct {
		name, kind, payload string
		want                func(*Event)
	}{
		{"login", "login", `{"user":"u"}`, func(ev *Event) { ev.User = []byte("u") }},
		{"login of the customer itself", "login", `{}`, func(ev *Event) {}},
		{"no payload", "login", ``, func(ev *Event) {}},
		{"payload null", "login", `null`, func(ev *Event) {}},
		{"empty user", "login", `{"user":""}`, func(ev *Event) {}},
		{"null user", "login", `{"user":null}`, func(ev *Event) {}},
		{"fields of other kinds, whatever they hold", "login", `{"amount":[{}],"score":{},"x":{"user":"no"}}`, func(ev *Event) {}},
		{"customer", "login", `{"customer":{"plan":"pro","seats":12.50,"vip":true,"owner":null,"address":{"city":"x"},"tags":[1],"note":""}}`, func(ev *Event) {
			ev.Attrs = []Attr{{Name: []byte("plan"), Value: []byte("pro")}, {Name: []byte("seats"), Value: []byte("12.50")},
				{Name: []byte("vip"), Value: []byte("true")}, {Name: []byte("owner"), Null: true}, {Name: []byte("note"), Value: []byte("")}}
		}},
		{"an attribute twice", "login", `{"customer":{"plan":"a","n":1,"plan":"b","n":{}}}`, func(ev *Event) {
			ev.Attrs = []Attr{{Name: []byte("plan"), Value: []byte("b")}}
		}},
		{"customer null", "login", `{"customer":null}`, func(ev *Event) {}},

		{"one-off purchase", "purchase", `{"order":"o","amount":"12.50"}`, func(ev *Event) {
			ev.Purchase = PurchaseData{Order: []byte("o"), Amount: 1250, Currency: usd, Count: 1}
		}},
		{"amount as a number", "purchase", `{"amount":0.07}`, func(ev *Event) {
			ev.Purchase = PurchaseData{Amount: 7, Currency: usd, Count: 1}
		}},
		{"yen", "purchase", `{"amount":"500","currency":"JPY"}`, func(ev *Event) {
			ev.Purchase = PurchaseData{Amount: 500, Currency: jpy, Count: 1}
		}},
		{"dinar, lower case", "purchase", `{"amount":"1.5","currency":"kwd"}`, func(ev *Event) {
			ev.Purchase = PurchaseData{Amount: 1500, Currency: kwd, Count: 1}
		}},
		{"monthly", "purchase", `{"amount":"10","interval":"month","subscription":"s1","plan":"pro"}`, func(ev *Event) {
			ev.Purchase = PurchaseData{Subscription: []byte("s1"), Plan: []byte("pro"), Amount: 1000, Currency: usd, Interval: Month, Count: 1, Monthly: 1000 * units}
		}},
		{"yearly, prorated", "purchase", `{"amount":"30","recurring_amount":"120.00","interval":"year"}`, func(ev *Event) {
			ev.Purchase = PurchaseData{Amount: 3000, Currency: usd, Interval: Year, Count: 1, Monthly: 1000 * units}
		}},
		{"every two quarters", "purchase", `{"amount":"60","interval":"quarter","interval_count":2}`, func(ev *Event) {
			ev.Purchase = PurchaseData{Amount: 6000, Currency: usd, Interval: Quarter, Count: 2, Monthly: 1000 * units}
		}},
		{"trial", "purchase", `{"amount":0,"recurring_amount":0,"interval":"month","interval_count":"1"}`, func(ev *Event) {
			ev.Purchase = PurchaseData{Currency: usd, Interval: Month, Count: 1}
		}},
		{"a count without an interval", "purchase", `{"amount":1,"interval":null,"interval_count":3,"recurring_amount":"5"}`, func(ev *Event) {
			ev.Purchase = PurchaseData{Amount: 100, Currency: usd, Count: 1}
		}},
		{"refund", "purchase", `{"order":"r","refund_of":"o","amount":"12.50"}`, func(ev *Event) {
			ev.Purchase = PurchaseData{Order: []byte("r"), RefundOf: []byte("o"), Amount: 1250, Currency: usd, Count: 1}
		}},

		{"cancellation of all", "cancellation", `{}`, func(ev *Event) { ev.Cancellation = CancellationData{Effective: 7000} }},
		{"cancellation of the subscription without a name", "cancellation", `{"subscription":"","effective":"1970-01-01T01:00:09+01:00","reason":"price"}`, func(ev *Event) {
			ev.Cancellation = CancellationData{Subscription: []byte{}, Effective: 9000, Reason: []byte("price")}
		}},
		{"cancellation of one", "cancellation", `{"subscription":"s1","effective":null}`, func(ev *Event) {
			ev.Cancellation = CancellationData{Subscription: []byte("s1"), Effective: 7000}
		}},

		{"nps", "survey", `{"kind":"nps","score":9,"comment":"` + strings.Repeat("long ", 1000) + `"}`, func(ev *Event) {
			ev.Survey = SurveyData{Kind: NPS, Score: 9000, Max: 10_000}
		}},
		{"csat", "survey", `{"kind":"csat","score":5,"respondent":"u","campaign":"q3","ref":"t1"}`, func(ev *Event) {
			ev.Survey = SurveyData{Kind: CSAT, Score: 5000, Min: 1000, Max: 5000, Respondent: []byte("u"), Campaign: []byte("q3"), Ref: []byte("t1")}
		}},
		{"ces", "survey", `{"kind":"ces","score":"7"}`, func(ev *Event) {
			ev.Survey = SurveyData{Kind: CES, Score: 7000, Min: 1000, Max: 7000}
		}},
		{"cli with answers", "survey", `{"kind":"cli","score":8.333333333333334,"answers":{"buy":8,"stay":"8.5","none":null,"buy":9}}`, func(ev *Event) {
			ev.Survey = SurveyData{Kind: CLI, Score: 8333, Min: 1000, Max: 10_000, Answers: []Answer{{[]byte("stay"), 8500}, {[]byte("buy"), 9000}}}
		}},
		{"a scale", "survey", `{"kind":"csat","score":-0.5,"scale":{"max":3,"min":-2,"step":1}}`, func(ev *Event) {
			ev.Survey = SurveyData{Kind: CSAT, Score: -500, Min: -2000, Max: 3000}
		}},
		{"one end of a scale", "survey", `{"kind":"nps","score":1,"scale":{"min":1}}`, func(ev *Event) {
			ev.Survey = SurveyData{Kind: NPS, Score: 1000, Min: 1000, Max: 10_000}
		}},

		{"signal", "signal", `{"name":"ticket_opened","ref":"t1"}`, func(ev *Event) {
			ev.Signal = SignalData{Name: []byte("ticket_opened"), Value: 1000, Ref: []byte("t1")}
		}},
		{"signal with a value", "signal", `{"name":"n","value":-2.0005}`, func(ev *Event) {
			ev.Signal = SignalData{Name: []byte("n"), Value: -2001}
		}},
	}
	kinds := map[string]Kind{"login": Login, "purchase": Purchase, "cancellation": Cancellation, "survey": Survey, "signal": Signal}
	d := NewDecoder(testOptions)
	var ev Event // used again, so that what one leaves behind is seen in the next
	for _, c := range cases {
		want := good(kinds[c.kind])
		c.want(&want)
		reason := d.Decode(&ev, []byte(message(c.kind, c.payload)), nil)
		if got := normal(ev); reason != "" || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q\n got %+v\nwant %+v", c.name, reason, got, want)
		}
	}
}

func TestDecodeReasons(t *testing.T) {
	long := strings.Repeat("x", 257)
	attribute := func(name, value string) string { // a login with one attribute different
		s := message("login", "")
		return strings.Replace(s, "}", `,"`+name+`":`+value+"}", 1)
	}
	without := func(member string) string { return strings.Replace(message("login", ""), member, "", 1) }
	many := func(n int) string {
		var s []string
		for i := range n {
			s = append(s, fmt.Sprintf(`"%d":1`, i))
		}
		return "{" + strings.Join(s, ",") + "}"
	}
	cases := []struct {
		message string
		want    Reason
	}{
		{``, NotJSON}, {`null`, NotJSON}, {`"login"`, NotJSON}, {`{"type":"com.acme.login"`, NotJSON},
		{`[` + message("login", "") + `]`, NotJSON}, {message("login", "") + "x", NotJSON}, {message("login", `{"user":'u'}`), NotJSON},
		{message("login", `{"x":[1,{"y":01}]}`), NotJSON}, {message("login", `{"x":tru}`), NotJSON}, {message("other", `{"x":}`), NotJSON},
		{message("login", `{"user":"u`+"\n"+`"}`), NotJSON},
		{message("login", `{"user":"`+"\xff"+`"}`), NotUTF8}, {"\xff\xfe", NotUTF8}, {message("login", `{"x":"\ud800"}`), NotUTF8},

		{attribute("id", "1"), WrongType}, {attribute("source", "{}"), WrongType}, {attribute("type", "[]"), WrongType},
		{attribute("subject", "true"), WrongType}, {attribute("time", "1763799342"), WrongType}, {attribute("specversion", `"0.3"`), WrongType},
		{attribute("specversion", "1.0"), WrongType}, {attribute("data", `"text"`), WrongType}, {attribute("data", `[1]`), WrongType},
		{attribute("data", `{"user":7}`), WrongType}, {attribute("data_base64", `"e30="`), WrongType},
		{message("login", `{"customer":"c"}`), WrongType}, {message("purchase", `{"amount":true}`), WrongType},
		{message("purchase", `{"amount":1,"order":7}`), WrongType}, {message("purchase", `{"amount":1,"currency":1}`), WrongType},
		{message("purchase", `{"amount":1,"interval":1}`), WrongType}, {message("purchase", `{"amount":1,"interval":"day","interval_count":[]}`), WrongType},
		{message("cancellation", `{"subscription":1}`), WrongType}, {message("cancellation", `{"effective":1}`), WrongType},
		{message("survey", `{"kind":1,"score":1}`), WrongType}, {message("survey", `{"kind":"nps","score":{}}`), WrongType},
		{message("survey", `{"kind":"nps","score":1,"scale":10}`), WrongType}, {message("survey", `{"kind":"nps","score":1,"answers":[1]}`), WrongType},
		{message("survey", `{"kind":"nps","score":1,"answers":{"a":false}}`), WrongType}, {message("signal", `{"name":"n","value":true}`), WrongType},

		{without(`"id":"1",`), MissingID}, {attribute("id", `""`), MissingID}, {attribute("id", `null`), MissingID},
		{without(`"source":"s",`), MissingSource}, {attribute("source", `""`), MissingSource},
		{without(`"type":"com.acme.login",`), MissingType}, {attribute("type", `""`), MissingType}, {`{}`, MissingType},
		{without(`"time":"1970-01-01T00:00:07Z",`), MissingTime}, {attribute("time", `null`), MissingTime}, {attribute("time", `""`), MissingTime},
		{without(`,"subject":"c"`), MissingSubject}, {attribute("subject", `""`), MissingSubject},
		{attribute("time", `"yesterday"`), BadTime}, {attribute("time", `"1970-01-01"`), BadTime},
		{attribute("time", `"1970-01-01T00:00:00Z"`), BadTime}, {attribute("time", `"0001-01-01T00:00:00Z"`), BadTime}, {attribute("time", `"1969-12-31T23:59:59.999Z"`), BadTime},
		{message("cancellation", `{"effective":"tomorrow"}`), BadTime}, {message("cancellation", `{"effective":""}`), BadTime},

		{message("purchase", ``), MissingField}, {message("purchase", `{}`), MissingField}, {message("purchase", `{"amount":null}`), MissingField},
		{message("survey", `{"kind":"nps"}`), MissingField}, {message("survey", `{"score":1}`), MissingField}, {message("survey", `{"kind":"","score":1}`), MissingField},
		{message("signal", `{}`), MissingField}, {message("signal", `{"name":""}`), MissingField},

		{message("purchase", `{"amount":"ten"}`), BadAmount}, {message("purchase", `{"amount":""}`), BadAmount}, {message("purchase", `{"amount":"1.005"}`), BadAmount},
		{message("purchase", `{"amount":-1}`), BadAmount}, {message("purchase", `{"amount":1e30}`), BadAmount}, {message("purchase", `{"amount":"0.5","currency":"JPY"}`), BadAmount},
		{message("purchase", `{"amount":1,"interval":"month","recurring_amount":"x"}`), BadAmount},
		{message("purchase", `{"amount":90000000000000000,"interval":"day"}`), BadAmount}, {message("signal", `{"name":"n","value":"much"}`), BadAmount},
		{message("purchase", `{"amount":"10000000000000.01"}`), BadAmount}, {message("purchase", `{"amount":1000000000000001,"currency":"JPY"}`), BadAmount},
		{message("purchase", `{"amount":"10000000000.01","interval":"month"}`), BadAmount}, {message("purchase", `{"amount":"120000000000.12","interval":"year"}`), BadAmount},
		{message("purchase", `{"amount":1,"interval":"month","recurring_amount":"10000000000.01"}`), BadAmount},
		{message("purchase", `{"amount":"10000000000000.00"}`), ""}, {message("purchase", `{"amount":"120000000000.00","interval":"year"}`), ""},
		{message("purchase", `{"amount":1,"currency":"EUR"}`), UnknownCurrency}, {message("purchase", `{"amount":1,"currency":"XXX"}`), UnknownCurrency},
		{message("purchase", `{"amount":1,"currency":""}`), UnknownCurrency},
		{message("purchase", `{"amount":1,"interval":"fortnight"}`), BadInterval}, {message("purchase", `{"amount":1,"interval":""}`), BadInterval},
		{message("purchase", `{"amount":1,"interval":"month","interval_count":0}`), BadInterval},
		{message("purchase", `{"amount":1,"interval":"month","interval_count":-1}`), BadInterval},
		{message("purchase", `{"amount":1,"interval":"month","interval_count":1.5}`), BadInterval},
		{message("purchase", `{"amount":1,"interval":"month","interval_count":13}`), IntervalNotExact},
		{message("purchase", `{"amount":1,"interval":"month","interval_count":65537}`), IntervalNotExact}, // 1, if it wrapped

		{message("survey", `{"kind":"nps","score":11}`), BadScore}, {message("survey", `{"kind":"nps","score":10.0001}`), BadScore},
		{message("survey", `{"kind":"nps","score":-0.0001}`), BadScore}, {message("survey", `{"kind":"csat","score":0}`), BadScore},
		{message("survey", `{"kind":"ces","score":7.5}`), BadScore}, {message("survey", `{"kind":"cli","score":0.5}`), BadScore},
		{message("survey", `{"kind":"nps","score":"good"}`), BadScore}, {message("survey", `{"kind":"nps","score":4295}`), BadScore},
		{message("survey", `{"kind":"nps","score":5,"scale":{"min":5,"max":5}}`), BadScore}, {message("survey", `{"kind":"nps","score":5,"scale":{"max":0}}`), BadScore},
		{message("survey", `{"kind":"nps","score":5,"scale":{"max":9999999}}`), BadScore}, {message("survey", `{"kind":"nps","score":5,"scale":{"max":10.0001}}`), BadScore},
		{message("survey", `{"kind":"nps","score":5,"answers":{"a":11}}`), BadScore},
		{message("survey", `{"kind":"NPS","score":5}`), UnknownSurvey}, {message("survey", `{"kind":"mood","score":5}`), UnknownSurvey},

		{attribute("id", `"`+long+`"`), TooLong}, {attribute("type", `"`+long+`"`), TooLong}, {message("login", `{"user":"`+long+`"}`), TooLong},
		{message("login", `{"user":"\u0061`+long[1:]+`"}`), TooLong}, {message("login", `{"user":"`+strings.Repeat(`\u0061`, 257)+`"}`), TooLong},
		{message("login", `{"customer":{"a":"`+long+`"}}`), TooLong}, {message("login", `{"customer":{"`+long+`":1}}`), TooLong},
		{message("login", `{"customer":{"a":1`+zeros(256)+`}}`), TooLong}, {message("login", `{"customer":`+many(257)+`}`), TooLong},
		{message("survey", `{"kind":"nps","score":1,"answers":{"`+long+`":1}}`), TooLong}, {message("survey", `{"kind":"nps","score":1,"answers":`+many(257)+`}`), TooLong},
		{message("cancellation", `{"reason":"`+long+`"}`), TooLong}, {message("signal", `{"name":"`+long+`"}`), TooLong},

		{message("login", `{"user":"`+long[1:]+`"}`), ""}, {message("login", `{"user":"`+strings.Repeat(`\u0061`, 256)+`"}`), ""},
		{message("login", `{"customer":`+many(256)+`}`), ""}, {attribute("specversion", "null"), ""}, {attribute("data_base64", "null"), ""},
		{attribute("time", `"1970-01-01T00:00:00.001Z"`), ""}, {message("cancellation", `{"effective":"0001-01-01T00:00:00Z"}`), ""}, {message("cancellation", `{"effective":"9999-12-31T23:59:59Z"}`), ""},
		{attribute("traceparent", `{"any":["thing"]}`), ""},
	}
	d := NewDecoder(testOptions)
	var ev Event
	for _, c := range cases {
		if got := d.Decode(&ev, []byte(c.message), nil); got != c.want {
			t.Errorf("%.300s\n gives %q, want %q", c.message, got, c.want)
		}
	}
}

func TestDecodeUnknownTypes(t *testing.T) {
	var ev Event
	for _, c := range []struct{ message, name, id string }{
		{message("shipped", `"anything"`), "shipped", "1"},
		{`{"type":"org.other.login","id":"1"}`, "org.other.login", "1"},
		{`{"type":"com.acme.","id":7,"time":"never"}`, "", ""},
		{`{"type":"login","data_base64":"AA=="}`, "login", ""},
	} {
		ignoring := NewDecoder(testOptions)
		if reason := ignoring.Decode(&ev, []byte(c.message), nil); reason != "" || ev.Kind != Unknown || string(ev.Type) != c.name || string(ev.ID) != c.id {
			t.Errorf("%s: %q, kind %s, type %q, id %q", c.message, reason, ev.Kind, ev.Type, ev.ID)
		}
		o := testOptions
		o.UnknownType = "dead_letter"
		if reason := NewDecoder(o).Decode(&ev, []byte(c.message), nil); reason != UnknownType {
			t.Errorf("%s: %q, want %q", c.message, reason, UnknownType)
		}
	}
	if reason := NewDecoder(Options{}).Decode(&ev, []byte(`{"type":"login","id":"1","source":"s","subject":"c","time":"1970-01-01T00:00:01Z"}`), nil); reason != "" || ev.Kind != Login {
		t.Errorf("without a prefix: %q, kind %s", reason, ev.Kind)
	}
	if reason := NewDecoder(Options{}).Decode(&ev, []byte(strings.Replace(message("purchase", `{"amount":1}`), "com.acme.", "", 1)), nil); reason != UnknownCurrency {
		t.Errorf("without a reporting currency: %q", reason)
	}
}

// The last of two members with one name holds, and the payload may come first.
func TestDecodeOrderAndDuplicates(t *testing.T) {
	const rest = `"source":"s","id":"1","time":"1970-01-01T00:00:07Z","subject":"c"`
	plain := good(Login)
	user := good(Login)
	user.User = []byte("u")
	paid := good(Purchase)
	paid.Purchase = PurchaseData{Amount: 100, Currency: usd, Count: 1}
	cases := []struct {
		message string
		want    Event
	}{
		{`{"data":{"user":"u"},` + rest + `,"type":"com.acme.login"}`, user},
		{`{"data":{"user":"v"},` + rest + `,"data":{"user":"u"},"type":"com.acme.login"}`, user},
		{`{"data":{"user":"v"},` + rest + `,"data":{},"type":"com.acme.login"}`, plain},
		{`{"data":{"user":"v"},` + rest + `,"data":null,"type":"com.acme.login"}`, plain},
		{`{"data":7,` + rest + `,"data":{"user":7,"user":"u"},"type":"com.acme.login"}`, user},
		{`{"type":"com.acme.login",` + rest + `,"data":{"amount":1},"type":"com.acme.purchase"}`, paid},
		{`{"type":7,"id":7,"subject":null,"time":[],"type":"com.acme.login",` + rest + `}`, plain},
		{`{"user":"v","ty\u0070e":"com.acme.l\u006fgin","\u0064\u0061ta":{"us\u0065r":"\u0075"},` + rest + "}", user},
		{` { "type" : "com.acme.login" , "data" : { "user" : "u" } ,` + "\n\t" + rest + " }\r\n", user},
	}
	d := NewDecoder(testOptions)
	var ev Event
	for _, c := range cases {
		reason := d.Decode(&ev, []byte(c.message), nil)
		if got := normal(ev); reason != "" || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q\n got %+v\nwant %+v", c.message, reason, got, c.want)
		}
	}
}

func TestDecodeBinaryMode(t *testing.T) {
	headers := func(pairs ...string) (list []Header) {
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, Header{pairs[i], []byte(pairs[i+1])})
		}
		return list
	}
	attributes := headers("ce_specversion", "1.0", "ce_id", "1", "ce_source", "s", "ce_type", "com.acme.login", "ce_subject", "c", "ce_time", "1970-01-01T00:00:07Z")
	with := func(pairs ...string) []Header {
		return append(attributes[:len(attributes):len(attributes)], headers(pairs...)...)
	}
	user := func(s string) func(*Event) { return func(ev *Event) { ev.User = []byte(s) } }
	nobody := func(*Event) {}
	cases := []struct {
		name    string
		headers []Header
		value   string
		reason  Reason
		want    func(*Event)
	}{
		{"payload", with("content-type", "application/json"), `{"user":"u","id":"2","data":{"user":"v"}}`, "", user("u")},
		{"no payload", attributes, ``, "", nobody},
		{"payload null", attributes, ` null `, "", nobody},
		{"payload not an object", attributes, `[1]`, WrongType, nil},
		{"payload not JSON", attributes, `user=u`, NotJSON, nil},
		{"payload with more behind", attributes, `{}{}`, NotJSON, nil},
		{"payload not UTF-8", attributes, "\xff", NotUTF8, nil},
		{"a header twice", with("ce_id", "0", "ce_id", "1"), `{}`, "", nobody},
		{"attribute not UTF-8", with("ce_id", "\xff"), `{}`, NotUTF8, nil},
		{"attribute too long", with("ce_id", strings.Repeat("x", 257)), `{}`, TooLong, nil},
		{"no id", with("ce_id", ""), `{}`, MissingID, nil},
		{"no type", headers("ce_id", "1"), `{}`, MissingType, nil},
		{"another version", with("ce_specversion", "0.3"), `{}`, WrongType, nil},
		{"time", with("ce_time", "noon"), `{}`, BadTime, nil},
		{"structured, said so", with("Content-Type", "Application/CloudEvents+json; charset=utf-8", "ce_type", "x"), message("login", `{"user":"u"}`), "", user("u")},
		{"structured, with a trace", headers("ce_traceparent", "00-1", "ce_time", "x", "other", "y"), message("login", `{"user":"u"}`), "", user("u")},
		{"structured again", nil, message("login", `{}`), "", nobody},
		{"a batch", headers("content-type", "application/cloudevents-batch+json"), "[" + message("login", `{}`) + "]", NotJSON, nil},
	}
	d := NewDecoder(testOptions)
	var ev Event
	for _, c := range cases {
		reason := d.Decode(&ev, []byte(c.value), c.headers)
		if reason != c.reason {
			t.Errorf("%s: %q, want %q", c.name, reason, c.reason)
			continue
		}
		if reason != "" {
			continue
		}
		want := good(Login)
		c.want(&want)
		if got := normal(ev); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, want)
		}
	}
}

func TestCheckKey(t *testing.T) {
	ev := good(Login)
	for key, want := range map[string]Reason{"c": "", "C": KeyMismatch, "": KeyMismatch, "cc": KeyMismatch} {
		if got := CheckKey(&ev, []byte(key)); got != want {
			t.Errorf("key %q: %q, want %q", key, got, want)
		}
	}
	ev.Kind = Unknown
	if got := CheckKey(&ev, []byte("x")); got != "" {
		t.Errorf("an event that is ignored: %q", got)
	}
}

// A steady state allocates nothing: a batch of all kinds, escapes and lists
// among them, decoded into the same events again and again.
func TestDecodeAllocatesNothing(t *testing.T) {
	var values [][]byte
	for _, s := range []string{
		loginMessage, purchaseMessage,
		message("login", `{"user":"\u00e9\n","customer":{"plan":"p\"ro","seats":7,"x":null}}`),
		message("cancellation", `{"subscription":"s","effective":"2026-11-22T08:15:42+01:00","reason":"price"}`),
		message("survey", `{"kind":"cli","score":8.5,"scale":{"min":1,"max":10},"answers":{"a":8,"b":"9"}}`),
		message("signal", `{"name":"ticket_opened","ref":"t","value":2.5}`),
		message("purchase", `{"amount":"5.000","currency":"KWD"}`),
		message("shipped", `[1,2,{"a":"b"}]`),
		message("purchase", `{"amount":"1","currency":"EUR"}`), // refused
		`not JSON`,
	} {
		values = append(values, []byte(s))
	}
	binary := []Header{{"ce_id", []byte("1")}, {"ce_source", []byte("s")}, {"ce_type", []byte("com.acme.login")}, {"ce_subject", []byte("c")},
		{"ce_time", []byte("1970-01-01T00:00:07Z")}, {"content-type", []byte("application/json")}}
	payload := []byte(`{"user":"u"}`)
	escaped := []byte(message("login", `{"user":"`+strings.Repeat(`\u0061`, 200)+`"}`))
	d := NewDecoder(testOptions)
	events := make([]Event, len(values)+1)
	allocations := testing.AllocsPerRun(100, func() {
		for i, value := range values {
			d.Decode(&events[i], value, nil)
		}
		if reason := d.Decode(&events[len(values)], payload, binary); reason != "" {
			t.Error(reason)
		}
		for range 500 { // ten chunks of the arena
			d.Decode(&events[0], escaped, nil)
		}
		d.Reset()
	})
	if allocations != 0 {
		t.Errorf("%v allocations a batch", allocations)
	}
}

// A text without escapes lies in the message, whatever its letters.
func TestDecodeCopiesNothing(t *testing.T) {
	value := []byte(message("login", `{"user":"Ünïcödé, 統計, 😀 and more","customer":{"ü":"é"}}`))
	d := NewDecoder(testOptions)
	var ev Event
	if reason := d.Decode(&ev, value, nil); reason != "" {
		t.Fatal(reason)
	}
	for i := range value {
		value[i] = '#'
	}
	for _, text := range [][]byte{ev.Type, ev.ID, ev.Source, ev.Customer, ev.User, ev.Attrs[0].Name, ev.Attrs[0].Value} {
		if len(text) == 0 || strings.Trim(string(text), "#") != "" {
			t.Errorf("%q isn't in the message", text)
		}
	}
}
