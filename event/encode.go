package event

import "strconv"

// Append writes the event as a structured CloudEvent in JSON, with Type as its
// type: what a Decoder without a prefix reads as the same event. See
// AppendPrefixed.
func (ev *Event) Append(dst []byte) []byte {
	return ev.AppendPrefixed(dst, "")
}

// AppendPrefixed writes the event as a structured CloudEvent in JSON whose type
// is prefix + Type, or prefix + the name of Kind where Type is nil. A Decoder
// with that prefix reads it as the same event, provided that the event is one
// that a Decoder could give:
//
//   - Source, ID and Customer aren't empty, Currency is set, Count is 1 for
//     one-off purchases, Min and Max are set, Effective is set;
//   - Monthly is what Monthly gives for an amount, otherwise it is rounded down;
//   - texts are UTF-8. Bytes that aren't are written as they are, so that a
//     decoder refuses them: better loud than an id that has changed.
//
// Of an event of Kind Unknown only what all events have is written.
func (ev *Event) AppendPrefixed(dst []byte, prefix string) []byte {
	dst = append(dst, `{"specversion":"1.0","type":"`...)
	dst = appendEscaped(dst, prefix)
	if ev.Type == nil {
		dst = append(dst, ev.Kind.String()...)
	} else {
		dst = appendEscaped(dst, ev.Type)
	}
	dst = append(dst, '"')
	dst = appendText(dst, "source", ev.Source)
	dst = appendText(dst, "id", ev.ID)
	dst = append(dst, `,"time":"`...)
	dst = AppendTime(dst, ev.Time)
	dst = append(dst, '"')
	dst = appendText(dst, "subject", ev.Customer)
	if ev.Kind == Unknown {
		return append(dst, '}')
	}
	dst = append(dst, `,"data":{`...)
	start := len(dst)
	dst = ev.appendPayload(dst)
	if len(dst) > start { // members begin with a comma
		dst = append(dst[:start], dst[start+1:]...)
	}
	return append(dst, '}', '}')
}

func (ev *Event) appendPayload(dst []byte) []byte {
	dst = appendText(dst, "user", ev.User)
	switch ev.Kind {
	case Purchase:
		dst = ev.Purchase.appendMembers(dst)
	case Cancellation:
		dst = ev.Cancellation.appendMembers(dst, ev.Time)
	case Survey:
		dst = ev.Survey.appendMembers(dst)
	case Signal:
		dst = ev.Signal.appendMembers(dst)
	}
	if len(ev.Attrs) == 0 {
		return dst
	}
	dst = append(dst, `,"customer":{`...)
	for i, attr := range ev.Attrs {
		dst = appendName(dst, attr.Name, i == 0)
		if attr.Null {
			dst = append(dst, "null"...)
			continue
		}
		dst = append(dst, '"')
		dst = appendEscaped(dst, attr.Value)
		dst = append(dst, '"')
	}
	return append(dst, '}')
}

func (p *PurchaseData) appendMembers(dst []byte) []byte {
	dst = appendText(dst, "order", p.Order)
	dst = appendText(dst, "refund_of", p.RefundOf)
	dst = appendText(dst, "subscription", p.Subscription)
	dst = appendText(dst, "plan", p.Plan)
	digits := p.Currency.Digits()
	dst = append(dst, `,"amount":"`...)
	dst = AppendAmount(dst, p.Amount, digits)
	dst = append(dst, `","currency":"`...)
	dst = appendEscaped(dst, p.Currency[:])
	dst = append(dst, '"')
	if p.Interval == None {
		return dst
	}
	dst = append(dst, `,"interval":"`...)
	dst = append(dst, p.Interval.String()...)
	dst = append(dst, '"')
	if p.Count != 1 {
		dst = append(dst, `,"interval_count":`...)
		dst = strconv.AppendUint(dst, uint64(p.Count), 10)
	}
	if recurring := recurringAmount(p.Monthly, p.Interval, p.Count); recurring != p.Amount {
		dst = append(dst, `,"recurring_amount":"`...)
		dst = AppendAmount(dst, recurring, digits)
		dst = append(dst, '"')
	}
	return dst
}

func (c *CancellationData) appendMembers(dst []byte, now int64) []byte {
	if c.Subscription != nil {
		dst = append(dst, `,"subscription":"`...)
		dst = appendEscaped(dst, c.Subscription)
		dst = append(dst, '"')
	}
	if c.Effective != now {
		dst = append(dst, `,"effective":"`...)
		dst = AppendTime(dst, c.Effective)
		dst = append(dst, '"')
	}
	return appendText(dst, "reason", c.Reason)
}

func (s *SurveyData) appendMembers(dst []byte) []byte {
	dst = append(dst, `,"kind":"`...)
	dst = append(dst, s.Kind.String()...)
	dst = append(dst, `","score":`...)
	dst = appendThousandths(dst, int64(s.Score))
	if int(s.Kind) >= len(scales) || s.Min != scales[s.Kind].min || s.Max != scales[s.Kind].max {
		dst = append(dst, `,"scale":{"min":`...)
		dst = appendThousandths(dst, int64(s.Min))
		dst = append(dst, `,"max":`...)
		dst = appendThousandths(dst, int64(s.Max))
		dst = append(dst, '}')
	}
	dst = appendText(dst, "respondent", s.Respondent)
	dst = appendText(dst, "campaign", s.Campaign)
	dst = appendText(dst, "ref", s.Ref)
	if len(s.Answers) == 0 {
		return dst
	}
	dst = append(dst, `,"answers":{`...)
	for i, answer := range s.Answers {
		dst = appendName(dst, answer.Name, i == 0)
		dst = appendThousandths(dst, int64(answer.Score))
	}
	return append(dst, '}')
}

func (s *SignalData) appendMembers(dst []byte) []byte {
	dst = appendText(dst, "name", s.Name)
	if s.Value != 1000 {
		dst = append(dst, `,"value":`...)
		dst = appendThousandths(dst, s.Value)
	}
	return appendText(dst, "ref", s.Ref)
}

// appendText writes a member that is a string, and nothing where it is empty.
func appendText(dst []byte, name string, value []byte) []byte {
	if len(value) == 0 {
		return dst
	}
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	dst = append(dst, `":"`...)
	dst = appendEscaped(dst, value)
	return append(dst, '"')
}

// appendName writes the name of a member that the sender chose, and its colon.
func appendName(dst, name []byte, first bool) []byte {
	if !first {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = appendEscaped(dst, name)
	return append(dst, '"', ':')
}

// appendEscaped writes the text of a JSON string.
func appendEscaped[T string | []byte](dst []byte, value T) []byte {
	const hex = "0123456789abcdef"
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// AppendAmount writes an amount of minor units with so many digits as a decimal:
// 1250 with 2 is 12.50. ParseAmount reads it back.
func AppendAmount(dst []byte, minor int64, digits int) []byte {
	if minor < 0 {
		dst = append(dst, '-')
	}
	start := len(dst)
	dst = strconv.AppendUint(dst, magnitude(minor), 10)
	for len(dst)-start <= digits { // at least one digit before the point
		dst = append(dst, 0)
		copy(dst[start+1:], dst[start:])
		dst[start] = '0'
	}
	if digits == 0 {
		return dst
	}
	point := len(dst) - digits
	dst = append(dst, 0)
	copy(dst[point+1:], dst[point:])
	dst[point] = '.'
	return dst
}

// appendThousandths writes a decimal with as many decimals as it needs.
func appendThousandths(dst []byte, value int64) []byte {
	dst = AppendAmount(dst, value, 3)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	if dst[len(dst)-1] == '.' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// magnitude is |n|, that of the smallest int64 too.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}
