package event

// field is a member of a CloudEvent or of its payload that Tidemark reads. The
// two levels have no name in common, so one switch names both; which level a
// field belongs to is a question of range.
type field uint8

const (
	attrSpecVersion field = iota
	attrID
	attrSource
	attrType
	attrSubject
	attrTime
	attrContent
	attrContentBase64

	fieldCustomer
	fieldUser
	fieldOrder
	fieldAmount
	fieldCurrency
	fieldInterval
	fieldIntervalCount
	fieldSubscription
	fieldRecurringAmount
	fieldPlan
	fieldRefundOf
	fieldEffective
	fieldReason
	fieldKind
	fieldScore
	fieldScale
	fieldRespondent
	fieldCampaign
	fieldRef
	fieldAnswers
	fieldName
	fieldValue

	fieldMin // of scale
	fieldMax

	notRead

	firstPayload = fieldCustomer
	firstOfScale = fieldMin
)

// fieldNamed is the field of a name without escapes.
func fieldNamed(name []byte) field {
	switch string(name) {
	case "specversion":
		return attrSpecVersion
	case "id":
		return attrID
	case "source":
		return attrSource
	case "type":
		return attrType
	case "subject":
		return attrSubject
	case "time":
		return attrTime
	case "data":
		return attrContent
	case "data_base64":
		return attrContentBase64
	case "customer":
		return fieldCustomer
	case "user":
		return fieldUser
	case "order":
		return fieldOrder
	case "amount":
		return fieldAmount
	case "currency":
		return fieldCurrency
	case "interval":
		return fieldInterval
	case "interval_count":
		return fieldIntervalCount
	case "subscription":
		return fieldSubscription
	case "recurring_amount":
		return fieldRecurringAmount
	case "plan":
		return fieldPlan
	case "refund_of":
		return fieldRefundOf
	case "effective":
		return fieldEffective
	case "reason":
		return fieldReason
	case "kind":
		return fieldKind
	case "score":
		return fieldScore
	case "scale":
		return fieldScale
	case "respondent":
		return fieldRespondent
	case "campaign":
		return fieldCampaign
	case "ref":
		return fieldRef
	case "answers":
		return fieldAnswers
	case "name":
		return fieldName
	case "value":
		return fieldValue
	case "min":
		return fieldMin
	case "max":
		return fieldMax
	}
	return notRead
}

// longestName is how long a name of fieldNamed can be where every letter of it
// is written as an escape.
const longestName = 6 * len("recurring_amount")

// fields holds what a message says of each field: of two members with one name
// the last. It doesn't know the event's type, so members may come in any order,
// the payload before the type too.
type fields [notRead]token

// named is the field that a key names.
func named(b []byte, key token) field {
	raw := b[key.pos:key.end]
	if key.kind == text {
		return fieldNamed(raw)
	}
	if len(raw) > longestName {
		return notRead
	}
	var room [longestName]byte
	return fieldNamed(unescape(room[:0], raw))
}

// readEnvelope reads the CloudEvent whose brace is at i, and with it the members
// of its payload.
func (f *fields) readEnvelope(b []byte, i int) int {
	i, more := openObject(b, i)
	for more {
		key, at := keyAt(b, i)
		if at < 0 {
			return at
		}
		name := named(b, key)
		if name == attrContent {
			i = f.readContent(b, at, 1)
		} else {
			var value token
			value, i = valueAt(b, at, 1)
			if name < firstPayload {
				f[name] = value
			}
		}
		if i < 0 {
			return i
		}
		i, more = afterMember(b, i)
	}
	return i
}

// readContent reads the payload at i and, where it is an object, its members.
func (f *fields) readContent(b []byte, i, depth int) (next int) {
	if f[attrContent].kind != absent {
		clear(f[firstPayload:firstOfScale]) // of an earlier member "data"
	}
	if at(b, i) != '{' {
		f[attrContent], next = valueAt(b, i, depth)
		return next
	}
	next = f.readMembers(b, i, depth+1, firstPayload, firstOfScale)
	f[attrContent] = token{pos: uint32(i), end: uint32(max(next, 0)), kind: object}
	return next
}

// readMembers reads the object whose brace is at i and remembers the members
// whose fields lie within [first, behind).
func (f *fields) readMembers(b []byte, i, depth int, first, behind field) int {
	i, more := openObject(b, i)
	for more {
		key, at := keyAt(b, i)
		if at < 0 {
			return at
		}
		var value token
		if value, i = valueAt(b, at, depth); i < 0 {
			return i
		}
		if name := named(b, key); name >= first && name < behind {
			f[name] = value
		}
		i, more = afterMember(b, i)
	}
	return i
}
