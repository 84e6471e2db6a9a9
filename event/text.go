package event

import "unicode/utf8"

// unescape writes the text of a JSON string that the scanner has passed, without
// its quotes, to dst. The text is never longer than what writes it.
func unescape(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		c := raw[i]
		if c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		i += 2
		switch c = raw[i-1]; c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r := hexUnit(raw, i)
			i += 4
			if r >= surrogates && r < afterSurrogates {
				r = 0x10000 + (r-surrogates)<<10 + hexUnit(raw, i+2) - lowSurrogates
				i += 6
			}
			dst = utf8.AppendRune(dst, rune(r))
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

const (
	chunkSize = 64 << 10
	// keptChunks of an arena outlive a reset: 1 MiB. What a batch of unusual
	// messages took beyond that is given back.
	keptChunks = 16
)

// arena keeps texts that are not in the message as they are. It grows by
// chunks, so that no text that was handed out moves.
type arena struct {
	chunks  [][]byte // those behind current are empty
	current int
}

// take gives n bytes of room, with a length of 0.
func (a *arena) take(n int) []byte {
	for a.current < len(a.chunks) {
		chunk := a.chunks[a.current]
		if cap(chunk)-len(chunk) >= n {
			used := len(chunk)
			a.chunks[a.current] = chunk[:used+n]
			return chunk[used : used : used+n]
		}
		a.current++
	}
	a.chunks = append(a.chunks, make([]byte, 0, max(chunkSize, n)))
	return a.take(n)
}

func (a *arena) reset() {
	if len(a.chunks) > keptChunks {
		clear(a.chunks[keptChunks:])
		a.chunks = a.chunks[:keptChunks]
	}
	for i, chunk := range a.chunks {
		a.chunks[i] = chunk[:0]
	}
	a.current = 0
}
