package aggregator

// Ids of a list of events, each written by what differs from the one before.

// isUUID is the first byte of an id that is a UUID in lower case; others begin
// with how many bytes they share with the id before.
const isUUID = 255

const uuidForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"

func appendID(dst []byte, id, before string) []byte {
	shared := 0
	for shared < min(len(id), len(before), isUUID-1) && id[shared] == before[shared] {
		shared++
	}
	if len(id) == len(uuidForm) && shared < len(id)-16 {
		if b, ok := packUUID(id); ok {
			return append(append(dst, isUUID), b[:]...)
		}
	}
	return appendString(append(dst, byte(shared)), id[shared:])
}

func (r *reader) id(before string) string {
	shared := int(r.byte())
	if shared == isUUID {
		return unpackUUID(r.bytes(16))
	}
	if shared > len(before) {
		r.fail()
		return ""
	}
	return before[:shared] + r.string()
}

const hexDigits = "0123456789abcdef"

func packUUID(id string) (b [16]byte, ok bool) {
	n := 0
	for i := range len(uuidForm) {
		d := id[i]
		switch {
		case uuidForm[i] == '-':
			if d != '-' {
				return b, false
			}
			continue
		case '0' <= d && d <= '9':
			d -= '0'
		case 'a' <= d && d <= 'f':
			d -= 'a' - 10
		default:
			return b, false
		}
		b[n/2] |= d << (4 * (1 - n%2))
		n++
	}
	return b, true
}

func unpackUUID(b []byte) string {
	if len(b) != 16 {
		return ""
	}
	out, n := []byte(uuidForm), 0
	for i := range out {
		if out[i] == '-' {
			continue
		}
		out[i] = hexDigits[b[n/2]>>(4*(1-n%2))&15]
		n++
	}
	return string(out)
}
