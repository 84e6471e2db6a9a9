package event

import (
	"encoding/binary"
	"math/bits"
)

// The JSON scanner. Strict RFC 8259, in one pass and without copying: an object
// is walked member by member, and a member is remembered as a token, the place
// of its value in the message. Every byte is checked, those of skipped values
// too. The functions take the message and an index and give the index behind
// what they read, or one of these:
const (
	badSyntax    = -1
	badSurrogate = -2 // half a surrogate pair: an escape that no UTF-8 can write
)

// maxDepth is how deep arrays and objects may lie within each other, so that a
// message of 1 MiB brackets can't use up the stack.
const maxDepth = 256

// tokenKind is the JSON type of a value.
type tokenKind uint8

const (
	absent tokenKind = iota
	null
	text        // pos and end lie within the quotes
	escapedText // text with escapes in it
	number
	boolean
	object
	array
)

// token is a value's type and place in the message.
type token struct {
	pos, end uint32
	kind     tokenKind
}

// at is the byte at i, 0 behind the end; no JSON token begins with a 0.
func at(b []byte, i int) byte {
	if uint(i) < uint(len(b)) {
		return b[i]
	}
	return 0
}

// space gives the index of the next byte that is not white space.
func space(b []byte, i int) int {
	if uint(i) < uint(len(b)) && b[i] > ' ' {
		return i
	}
	return longSpace(b, i)
}

func longSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// openObject steps behind the brace at i. more says that a key follows at
// next; otherwise next lies behind the object or is an error.
func openObject(b []byte, i int) (next int, more bool) {
	i = space(b, i+1)
	switch at(b, i) {
	case '"':
		return i, true
	case '}':
		return i + 1, false
	}
	return badSyntax, false
}

// afterMember steps behind a member whose value ended before i, as openObject.
func afterMember(b []byte, i int) (next int, more bool) {
	i = space(b, i)
	switch at(b, i) {
	case ',':
		i = space(b, i+1)
		if at(b, i) == '"' {
			return i, true
		}
	case '}':
		return i + 1, false
	}
	return badSyntax, false
}

// keyAt reads the key whose quote is at i. value is where its value begins.
func keyAt(b []byte, i int) (key token, value int) {
	end, kind := stringEnd(b, i+1)
	if end < 0 {
		return token{}, end
	}
	key = token{pos: uint32(i + 1), end: uint32(end), kind: kind}
	i = space(b, end+1)
	if at(b, i) != ':' {
		return token{}, badSyntax
	}
	return key, space(b, i+1)
}

// valueAt reads the value at i. depth is how deep it lies.
func valueAt(b []byte, i, depth int) (value token, next int) {
	value.pos = uint32(i)
	switch c := at(b, i); c {
	case '"':
		end, kind := stringEnd(b, i+1)
		if end < 0 {
			return token{}, end
		}
		return token{pos: uint32(i + 1), end: uint32(end), kind: kind}, end + 1
	case '{':
		value.kind, next = object, skipObject(b, i, depth+1)
	case '[':
		value.kind, next = array, skipArray(b, i, depth+1)
	case 't':
		value.kind, next = boolean, literal(b, i, "true")
	case 'f':
		value.kind, next = boolean, literal(b, i, "false")
	case 'n':
		value.kind, next = null, literal(b, i, "null")
	default:
		value.kind, next = number, numberEnd(b, i)
	}
	value.end = uint32(max(next, 0))
	return value, next
}

// skipObject reads the object whose brace is at i.
func skipObject(b []byte, i, depth int) int {
	if depth > maxDepth {
		return badSyntax
	}
	i, more := openObject(b, i)
	for more {
		if _, i = keyAt(b, i); i < 0 {
			return i
		}
		if _, i = valueAt(b, i, depth); i < 0 {
			return i
		}
		i, more = afterMember(b, i)
	}
	return i
}

// skipArray reads the array whose bracket is at i.
func skipArray(b []byte, i, depth int) int {
	if depth > maxDepth {
		return badSyntax
	}
	i = space(b, i+1)
	if at(b, i) == ']' {
		return i + 1
	}
	for {
		if _, i = valueAt(b, i, depth); i < 0 {
			return i
		}
		i = space(b, i)
		switch at(b, i) {
		case ',':
			i = space(b, i+1)
		case ']':
			return i + 1
		default:
			return badSyntax
		}
	}
}

func literal(b []byte, i int, word string) int {
	if len(b)-i >= len(word) && string(b[i:i+len(word)]) == word {
		return i + len(word)
	}
	return badSyntax
}

// numberEnd reads -?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?.
func numberEnd(b []byte, i int) int {
	if at(b, i) == '-' {
		i++
	}
	start := i
	i = digitsEnd(b, i)
	if i == start || (b[start] == '0' && i > start+1) {
		return badSyntax
	}
	if at(b, i) == '.' {
		start = i + 1
		if i = digitsEnd(b, start); i == start {
			return badSyntax
		}
	}
	if at(b, i)|0x20 == 'e' {
		i++
		if c := at(b, i); c == '+' || c == '-' {
			i++
		}
		start = i
		if i = digitsEnd(b, start); i == start {
			return badSyntax
		}
	}
	return i
}

func digitsEnd(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// eachByte times a byte is a word of eight such bytes, highBits its marks.
const (
	eachByte = 0x0101010101010101
	highBits = 0x8080808080808080
)

// marks sets the high bit of each byte of a word that ends plain text: a quote,
// a backslash, a control character. A borrow can mark bytes above the first
// marked one wrongly; the lowest mark is right.
func marks(word uint64) uint64 {
	quote := word ^ eachByte*'"'
	backslash := word ^ eachByte*'\\'
	control := word - eachByte*' '
	return ((quote-eachByte)&^quote | (backslash-eachByte)&^backslash | control&^word) & highBits
}

// stringEnd gives the index of the quote that closes the string whose text
// begins at i. The message is known to be UTF-8.
func stringEnd(b []byte, i int) (end int, kind tokenKind) {
	for ; i+8 <= len(b); i += 8 {
		if m := marks(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			i += bits.TrailingZeros64(m) >> 3
			if b[i] == '"' {
				return i, text
			}
			return escapedEnd(b, i)
		}
	}
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i, text
		case c == '\\' || c < ' ':
			return escapedEnd(b, i)
		}
	}
	return badSyntax, absent
}

// escapedEnd goes on from the first byte of a string that is not plain text.
func escapedEnd(b []byte, i int) (end int, kind tokenKind) {
	for i < len(b) {
		switch c := b[i]; {
		case c == '"':
			return i, escapedText
		case c < ' ':
			return badSyntax, absent
		case c != '\\':
			i++
		default:
			if i = escapeEnd(b, i); i < 0 {
				return i, absent
			}
		}
	}
	return badSyntax, absent
}

// escapeEnd reads one escape, or the two of a surrogate pair, at the backslash
// at i.
func escapeEnd(b []byte, i int) int {
	switch at(b, i+1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
	default:
		return badSyntax
	}
	unit := hexUnit(b, i+2)
	switch {
	case unit < 0:
		return badSyntax
	case unit < surrogates || unit >= afterSurrogates:
		return i + 6
	case unit >= lowSurrogates || at(b, i+6) != '\\' || at(b, i+7) != 'u':
		return badSurrogate
	}
	low := hexUnit(b, i+8)
	switch {
	case low < 0:
		return badSyntax
	case low < lowSurrogates || low >= afterSurrogates:
		return badSurrogate
	}
	return i + 12
}

// The UTF-16 units of surrogate pairs: a high one, then a low one.
const (
	surrogates      = 0xD800
	lowSurrogates   = 0xDC00
	afterSurrogates = 0xE000
)

// hexUnit is the number that the four hexadecimal digits at i write, or -1.
func hexUnit(b []byte, i int) int {
	if i+4 > len(b) {
		return -1
	}
	unit := 0
	for _, c := range b[i : i+4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		unit = unit<<4 | int(c)
	}
	return unit
}
