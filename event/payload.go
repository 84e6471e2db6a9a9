package event

import (
	"bytes"
	"math"
)

// readPayload sets what the payload holds for the event's kind. Fields of other
// kinds are ignored, whatever they hold.
func (d *Decoder) readPayload(ev *Event) {
	ev.User = d.name(fieldUser)
	switch ev.Kind {
	case Purchase:
		d.readPurchase(&ev.Purchase)
	case Cancellation:
		d.readCancellation(&ev.Cancellation, ev.Time)
	case Survey:
		d.readSurvey(&ev.Survey)
	case Signal:
		d.readSignal(&ev.Signal)
	}
	if d.fields[fieldCustomer].kind != absent {
		ev.Attrs = d.readCustomer(ev.Attrs)
	}
}

// name is the text of an optional field; the empty string is as good as none.
func (d *Decoder) name(f field) []byte {
	if d.fields[f].kind == absent {
		return nil
	}
	value := d.text(f)
	if len(value) == 0 {
		return nil
	}
	return value
}

// has says whether a field is there and not null.
func (d *Decoder) has(f field) bool {
	return d.fields[f].kind > null
}

// decimalText is the text of a field that is a decimal, as a number or a string;
// nil where it is absent or refused.
func (d *Decoder) decimalText(f field) []byte {
	if tok := d.fields[f]; tok.kind == number {
		return d.message[tok.pos:tok.end]
	}
	return d.text(f)
}

func (d *Decoder) readPurchase(p *PurchaseData) {
	p.Order = d.name(fieldOrder)
	p.RefundOf = d.name(fieldRefundOf)
	p.Subscription = d.name(fieldSubscription)
	p.Plan = d.name(fieldPlan)
	var digits int
	p.Currency, digits = d.readCurrency()
	if d.has(fieldAmount) {
		p.Amount = d.amount(fieldAmount, digits)
	} else {
		d.refuse(MissingField)
	}
	recurring := p.Amount
	if d.has(fieldRecurringAmount) {
		recurring = d.amount(fieldRecurringAmount, digits)
	}
	p.Count = d.readCount()
	if !d.has(fieldInterval) {
		p.Count = 1
		return
	}
	interval, ok := parseInterval(d.text(fieldInterval))
	if !ok {
		d.refuse(BadInterval)
		return
	}
	p.Interval = interval
	if d.reason != "" {
		return
	}
	var reason Reason
	if p.Monthly, reason = Monthly(recurring, p.Interval, p.Count); reason == "" && p.Monthly > maxMonthly {
		reason = BadAmount
	}
	if reason != "" {
		d.refuse(reason)
	}
}

// readCurrency is the currency of the amounts and its decimals.
func (d *Decoder) readCurrency() (Currency, int) {
	reporting := d.options.Currency
	if d.has(fieldCurrency) {
		code := d.text(fieldCurrency)
		if string(code) == string(reporting[:]) {
			return reporting, d.digits
		}
		c, ok := ParseCurrency(string(code))
		if !ok || c != reporting && !d.options.Currencies[c] {
			d.refuse(UnknownCurrency)
		}
		return c, c.Digits()
	}
	if reporting == (Currency{}) {
		d.refuse(UnknownCurrency)
	}
	return reporting, d.digits
}

// amount is a field that is an amount of money, in minor units.
func (d *Decoder) amount(f field, digits int) int64 {
	minor, ok := ParseAmount(d.decimalText(f), digits)
	if !ok || minor > maxAmount {
		d.refuse(BadAmount)
	}
	return minor
}

// readCount is interval_count: a whole number from 1 on.
func (d *Decoder) readCount() uint16 {
	if !d.has(fieldIntervalCount) {
		return 1
	}
	count, ok := ParseAmount(d.decimalText(fieldIntervalCount), 0)
	switch {
	case !ok || count == 0:
		d.refuse(BadInterval)
	case count > math.MaxUint16:
		d.refuse(IntervalNotExact)
	}
	return uint16(count)
}

func (d *Decoder) readCancellation(c *CancellationData, now int64) {
	c.Subscription = d.text(fieldSubscription) // "" is a subscription, null is all
	c.Reason = d.name(fieldReason)
	c.Effective = now
	if d.has(fieldEffective) {
		c.Effective = d.time(d.text(fieldEffective))
	}
}

func (d *Decoder) readSignal(s *SignalData) {
	s.Name = d.name(fieldName)
	if s.Name == nil {
		d.refuse(MissingField)
	}
	s.Ref = d.name(fieldRef)
	s.Value = 1000
	if d.has(fieldValue) {
		t, ok := parseThousandths(d.decimalText(fieldValue))
		if !ok {
			d.refuse(BadAmount)
		}
		s.Value = t.rounded()
	}
}

// readCustomer adds the attributes of data.customer: strings, and numbers and
// booleans as they are written; null removes an attribute. Values that are
// objects or arrays are ignored.
func (d *Decoder) readCustomer(attrs []Attr) []Attr {
	switch d.fields[fieldCustomer].kind {
	case null:
		return attrs
	case object:
	default:
		d.refuse(WrongType)
		return attrs
	}
	i, more := openObject(d.message, int(d.fields[fieldCustomer].pos))
	for more {
		key, start := keyAt(d.message, i)
		value, end := valueAt(d.message, start, 0)
		name := d.tokenText(key)
		attrs = removeAttr(attrs, name)
		attr := Attr{Name: name}
		switch value.kind {
		case text, escapedText:
			attr.Value = d.tokenText(value)
		case number, boolean:
			value.kind = text
			attr.Value = d.tokenText(value)
		case null:
			attr.Null = true
		}
		if value.kind != object && value.kind != array {
			attrs = append(attrs, attr)
		}
		if len(attrs) > maxMembers {
			d.refuse(TooLong)
		}
		if d.reason != "" {
			return attrs
		}
		i, more = afterMember(d.message, end)
	}
	return attrs
}

// removeAttr takes out the attribute of a name, so that of two the last holds.
func removeAttr(attrs []Attr, name []byte) []Attr {
	for i := range attrs {
		if bytes.Equal(attrs[i].Name, name) {
			return append(attrs[:i], attrs[i+1:]...)
		}
	}
	return attrs
}
