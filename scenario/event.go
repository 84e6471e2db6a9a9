package scenario

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemark-io/tidemark/event"
)

// eventKeys lists the keys of an event by its type; those that are true are
// written as JSON numbers where they look like some.
var eventKeys = map[string]map[string]bool{
	"login": {"user": false},
	"purchase": {"order": false, "amount": false, "currency": false, "interval": false, "interval_count": true, "subscription": false,
		"recurring_amount": false, "plan": false, "refund_of": false},
	"cancellation": {"subscription": false, "effective": false, "reason": false},
	"survey":       {"kind": false, "score": true, "scale": false, "respondent": false, "campaign": false, "ref": false, "comment": false},
	"signal":       {"name": false, "value": true, "ref": false},
}

// commonKeys are those of every event.
var commonKeys = []string{"id", "source", "time"}

var (
	span   = regexp.MustCompile(`\{(\d+)\.\.(\d+)\}`)
	number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
)

// maxSpan bounds how many events one line makes.
const maxSpan = 100_000

// draft is an event while its line is read.
type draft struct {
	kind     string
	customer string
	keys     []string // in the order in which they stand there
	values   map[string]string
	null     map[string]bool // keys of attributes that are removed
	time     int64
}

// event reads what follows the word: TYPE CUSTOMER KEY=VALUE…, or a whole event
// in JSON.
func (p *parser) event(line string, w *words) ([]message, error) {
	if i := strings.IndexByte(line, '{'); i >= 0 && strings.TrimSpace(line[:i]) == "event" {
		w.list = nil
		p.count++
		return []message{{id: fmt.Sprintf("of line %d", p.at), value: []byte(strings.TrimSpace(line[i:])), line: p.at}}, nil
	}
	kind, err := w.next("the type of an event")
	if err != nil {
		return nil, err
	}
	keys, ok := eventKeys[kind.text]
	if !ok {
		types := []string{"login", "purchase", "cancellation", "survey", "signal"}
		return nil, wrongAt(kind, "%q is no type of event; there are %s%s", kind.text, strings.Join(types, ", "), meant(kind.text, types))
	}
	customer, err := w.next("the customer")
	if err != nil {
		return nil, err
	}
	if _, _, isPair := customer.pair(); isPair && !customer.quoted {
		return nil, wrongAt(customer, "the customer stands behind the type, before %s", customer.text)
	}
	d := draft{kind: kind.text, customer: customer.text, values: map[string]string{}, null: map[string]bool{}, time: p.now}
	for w.more() {
		t, err := w.next("")
		if err != nil {
			return nil, err
		}
		if err := p.attribute(&d, keys, t); err != nil {
			return nil, err
		}
	}
	if !p.started && d.values["time"] == "" {
		return nil, wrongAt(kind, "the event has no time; write at with a time before it")
	}
	if m := misplaced(d); m != "" {
		return nil, wrongAt(customer, "%s", m)
	}
	p.latest = max(p.latest, d.time)
	return p.messages(d, customer)
}

// misplaced says what is wrong with the spans of a draft, "" where nothing is.
func misplaced(d draft) string {
	if spans := len(span.FindAllString(d.customer, -1)); spans > 1 {
		return "the customer has two spans; write one"
	} else if spans == 1 {
		return ""
	}
	numbered := strings.Contains(d.customer, "{n}")
	for _, value := range d.values {
		numbered = numbered || strings.Contains(value, "{n}")
	}
	if numbered {
		return "{n} is the number of a span such as {1..250} in the customer, which has none"
	}
	return ""
}

// attribute reads one KEY=VALUE.
func (p *parser) attribute(d *draft, keys map[string]bool, t token) (err error) {
	key, value, ok := t.pair()
	if !ok {
		return wrongAt(t, "%q is no attribute; write one as key=value", t.text)
	}
	attr, isAttr := strings.CutPrefix(key, "customer.")
	answer, isAnswer := strings.CutPrefix(key, "answers.")
	_, known := keys[key]
	switch {
	case isAttr && attr != "", isAnswer && answer != "" && d.kind == "survey", known, slices.Contains(commonKeys, key):
	default:
		valid := append(slices.Clone(commonKeys), "customer.NAME")
		for k := range keys {
			valid = append(valid, k)
		}
		slices.Sort(valid)
		return wrongAt(t, "a %s has no %q%s (there are: %s)", d.kind, key, meant(key, valid), strings.Join(valid, ", "))
	}
	if _, ok := d.values[key]; ok {
		return twice(t, key)
	}
	if several := span.FindString(value); several != "" {
		return wrongAt(t, "%s stands for several customers, in the place of the customer; write {n} for its number", several)
	}
	switch {
	case key == "time" || key == "effective":
		ms, err := p.parseTime(token{text: value, column: t.column + len(key) + 1}, "")
		if err != nil {
			return err
		}
		if key == "time" {
			d.time = ms
		}
		value = string(event.AppendTime(nil, ms))
	case isAttr && value == "null" && !t.quoted:
		d.null[key] = true
	}
	d.keys, d.values[key] = append(d.keys, key), value
	return nil
}

// messages makes an event for each number of a span in the customer's id.
func (p *parser) messages(d draft, customer token) ([]message, error) {
	m := span.FindStringSubmatchIndex(d.customer)
	first, last := 0, 0
	if m != nil {
		var err1, err2 error
		first, err1 = strconv.Atoi(d.customer[m[2]:m[3]])
		last, err2 = strconv.Atoi(d.customer[m[4]:m[5]])
		if err1 != nil || err2 != nil || first > last || last-first >= maxSpan {
			return nil, wrongAt(customer, "%s is no span; write one as {1..250}, of %d at the most", d.customer[m[0]:m[1]], maxSpan)
		}
	}
	var out []message
	for n := first; n <= last; n++ {
		p.count++
		id := d.values["id"]
		if id == "" {
			id = "e" + strconv.Itoa(p.count)
		}
		name, with := d.customer, func(s string) string { return s }
		if m != nil {
			name = d.customer[:m[0]] + strconv.Itoa(n) + d.customer[m[1]:]
			with = func(s string) string { return strings.ReplaceAll(s, "{n}", strconv.Itoa(n)) }
		}
		id = with(id)
		value, err := d.write(p.current.config.Kafka.TypePrefix, id, name, with)
		if err != nil {
			return nil, err
		}
		out = append(out, message{id: id, value: value, line: p.at})
	}
	return out, nil
}

// write writes a CloudEvent.
func (d *draft) write(prefix, id, customer string, with func(string) string) ([]byte, error) {
	content, attrs, answers, numbers := map[string]any{}, map[string]any{}, map[string]any{}, eventKeys[d.kind]
	source := "scenario"
	for _, key := range d.keys {
		value := with(d.values[key])
		name, isAttr := strings.CutPrefix(key, "customer.")
		answer, isAnswer := strings.CutPrefix(key, "answers.")
		switch {
		case key == "id" || key == "time":
		case key == "source":
			source = value
		case isAttr && d.null[key]:
			attrs[name] = nil
		case isAttr:
			attrs[name] = value
		case isAnswer:
			answers[answer] = numeric(value)
		case key == "scale":
			low, high, _ := strings.Cut(value, "..")
			content[key] = map[string]any{"min": numeric(low), "max": numeric(high)}
		case numbers[key]:
			content[key] = numeric(value)
		default:
			content[key] = value
		}
	}
	if len(attrs) > 0 {
		content["customer"] = attrs
	}
	if len(answers) > 0 {
		content["answers"] = answers
	}
	b, err := json.Marshal(map[string]any{"specversion": "1.0", "type": prefix + d.kind, "source": source, "id": id,
		"time": string(event.AppendTime(nil, d.time)), "subject": customer, "data": content})
	if err != nil {
		return nil, fmt.Errorf("write an event: %w", err)
	}
	return b, nil
}

// numeric is a JSON number where the text is one, and a text where it is none:
// the decoder says what it thinks of that.
func numeric(s string) any {
	if number.MatchString(s) {
		return json.Number(s)
	}
	return s
}
