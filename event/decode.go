package event

import (
	"bytes"
	"unicode/utf8"
)

// Options says how a Decoder reads what an event leaves open.
type Options struct {
	// Prefix stands before the types: with "com.acme." a login's type is
	// "com.acme.login". A type without it is unknown.
	Prefix string
	// Currency is the reporting currency, that of amounts that name none.
	Currency Currency
	// Currencies are those with a rate. An amount in any other is refused as
	// UnknownCurrency, except in Currency itself.
	Currencies map[Currency]bool
	// UnknownType is "ignore" or "", which gives events of unknown types the
	// kind Unknown and no reason, or "dead_letter", which gives them the reason
	// UnknownType.
	UnknownType string
}

// Header is a header of a message.
type Header struct {
	Key   string
	Value []byte
}

// maxText is the longest id, name or value, in bytes.
const maxText = 256

// maxMembers is how many attributes or answers one event may have.
const maxMembers = 256

// Decoder decodes messages into events. It is for one goroutine.
type Decoder struct {
	options Options
	digits  int // of options.Currency

	arena   arena
	message []byte
	fields  fields
	headers headers
	binary  bool // the attributes are in headers, the message is the payload
	reason  Reason
}

// NewDecoder gives a decoder of events as the options say.
func NewDecoder(o Options) *Decoder {
	return &Decoder{options: o, digits: o.Currency.Digits()}
}

// Reset frees the texts of the events decoded since the last Reset: those that
// were written with escapes lie in memory of the decoder, which is used again.
func (d *Decoder) Reset() {
	d.arena.reset()
	d.message = nil
	d.headers = headers{}
}

// Decode reads one CloudEvent 1.0 into ev: the whole of it as JSON in value, or,
// where headers carry ce_ attributes and no CloudEvents content type, its
// attributes in headers and its payload as JSON in value.
//
// It gives "" if ev is an event to apply. That includes events of unknown types
// (Kind Unknown): of them only Type, ID, Source, Customer and Time are read,
// each as far as it is right. Otherwise it gives the reason to refuse the
// message, and ev holds nothing that may be used. Of several reasons the same
// one is given whatever the order of a message's members.
//
// The texts in ev point into value, into headers, or into memory of the decoder
// until the next Reset. ev's lists are used again.
func (d *Decoder) Decode(ev *Event, value []byte, headers []Header) Reason {
	*ev = Event{Attrs: ev.Attrs[:0], Survey: SurveyData{Answers: ev.Survey.Answers[:0]}}
	d.reason = ""
	d.message = value
	d.fields = fields{}
	d.binary = d.readHeaders(headers)
	if !utf8.Valid(value) {
		return NotUTF8
	}
	switch d.scan() {
	case badSyntax:
		return NotJSON
	case badSurrogate:
		return NotUTF8
	}
	d.readType(ev)
	if ev.Kind == Unknown {
		d.readLeniently(ev)
		return d.reason
	}
	d.readAttributes(ev)
	switch d.fields[attrContent].kind {
	case absent, null, object:
	default:
		d.refuse(WrongType)
	}
	if d.reason == "" {
		d.readPayload(ev)
	}
	return d.reason
}

// CheckKey gives KeyMismatch where the key of the message that an event came in
// is not the event's customer. It gives "" for events of unknown types.
func CheckKey(ev *Event, key []byte) Reason {
	if ev.Kind != Unknown && !bytes.Equal(key, ev.Customer) {
		return KeyMismatch
	}
	return ""
}

// refuse notes why the message is refused; the first reason holds.
func (d *Decoder) refuse(reason Reason) {
	if d.reason == "" {
		d.reason = reason
	}
}

// scan finds the fields of the message, and errors of JSON anywhere in it.
func (d *Decoder) scan() int {
	b := d.message
	if d.binary && len(b) == 0 {
		return 0
	}
	i := space(b, 0)
	switch {
	case d.binary:
		i = d.fields.readContent(b, i, 0)
	case at(b, i) == '{':
		i = d.fields.readEnvelope(b, i)
	default: // a batch as well: offsets are counted by message, so is an event
		return badSyntax
	}
	if i >= 0 && space(b, i) != len(b) {
		return badSyntax
	}
	return i
}

// readType sets Type and Kind.
func (d *Decoder) readType(ev *Event) {
	name := d.attribute(attrType, MissingType)
	if d.reason != "" {
		return
	}
	prefix := d.options.Prefix
	if len(name) >= len(prefix) && string(name[:len(prefix)]) == prefix {
		name = name[len(prefix):]
		ev.Kind = kindNamed(name)
	}
	ev.Type = name
	if ev.Kind == Unknown && d.options.UnknownType == "dead_letter" {
		d.refuse(UnknownType)
	}
}

// readAttributes sets what all events have, and refuses those that lack it.
func (d *Decoder) readAttributes(ev *Event) {
	version := d.attribute(attrSpecVersion, "")
	if len(version) > 0 && string(version) != "1.0" {
		d.refuse(WrongType)
	}
	ev.ID = d.attribute(attrID, MissingID)
	ev.Source = d.attribute(attrSource, MissingSource)
	ev.Customer = d.attribute(attrSubject, MissingSubject)
	if ev.Time = d.time(d.attribute(attrTime, MissingTime)); ev.Time <= 0 {
		d.refuse(BadTime) // what a date that was never set is written as, and no watermark
	}
	if !d.binary {
		switch d.fields[attrContentBase64].kind {
		case absent, null:
		default:
			d.refuse(WrongType) // a payload that isn't JSON
		}
	}
}

// readLeniently sets what an event of an unknown type has.
func (d *Decoder) readLeniently(ev *Event) {
	reason := d.reason
	ev.ID = d.attribute(attrID, "")
	ev.Source = d.attribute(attrSource, "")
	ev.Customer = d.attribute(attrSubject, "")
	if time := d.attribute(attrTime, ""); time != nil {
		ev.Time, _ = ParseTime(time)
	}
	d.reason = reason
}

// attribute is the text of an attribute. Where it is absent or empty, it is nil
// and the reason missing, unless "", is noted.
func (d *Decoder) attribute(f field, missing Reason) []byte {
	var value []byte
	if d.binary {
		value = d.headerText(f)
	} else {
		value = d.text(f)
	}
	if len(value) == 0 {
		if missing != "" {
			d.refuse(missing)
		}
		return nil
	}
	return value
}

// text is the text of a field that is a string, nil where it is absent, null or
// not a string, which is refused.
func (d *Decoder) text(f field) []byte {
	tok := d.fields[f]
	switch tok.kind {
	case text:
		if tok.end-tok.pos <= maxText {
			return d.message[tok.pos:tok.end:tok.end]
		}
		d.refuse(TooLong)
	case escapedText:
		return d.tokenText(tok)
	case absent, null:
	default:
		d.refuse(WrongType)
	}
	return nil
}

// tokenText is the text of a string token.
func (d *Decoder) tokenText(tok token) []byte {
	raw := d.message[tok.pos:tok.end:tok.end]
	if tok.kind == escapedText && len(raw) <= 6*maxText { // longer is too long in any case: \u0061 writes one byte
		raw = unescape(d.arena.take(len(raw)), raw)
	}
	if len(raw) > maxText {
		d.refuse(TooLong)
		return nil
	}
	return raw
}

// time is an RFC 3339 time as Unix milliseconds.
func (d *Decoder) time(text []byte) int64 {
	millis, ok := ParseTime(text)
	if !ok {
		d.refuse(BadTime)
		return 0
	}
	return millis
}

// kindNamed is the kind of a type without its prefix.
func kindNamed(name []byte) Kind {
	switch string(name) {
	case "login":
		return Login
	case "purchase":
		return Purchase
	case "cancellation":
		return Cancellation
	case "survey":
		return Survey
	case "signal":
		return Signal
	}
	return Unknown
}

// String is the kind's type without prefix, "unknown" for Unknown.
func (k Kind) String() string {
	switch k {
	case Login:
		return "login"
	case Purchase:
		return "purchase"
	case Cancellation:
		return "cancellation"
	case Survey:
		return "survey"
	case Signal:
		return "signal"
	}
	return "unknown"
}
