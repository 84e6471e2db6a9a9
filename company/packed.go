package company

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/tidemark-io/tidemark/alert"
)

// What was said of a segment's day is stored in one piece, by figure in the order
// of their kinds (a KPI in a window) and buckets:
//
//	a byte: the version,
//	the number of different causes as uvarint, and of each the topic, the partition
//	and the offset as varints, or an empty topic and the due time,
//	the number of figures as uvarint, and of each
//	  the number of its kind less that of the one before as uvarint,
//	  a byte: whether it was complete and whether it is settled, the form of the
//	  value (3 bits), whether the denominator is 1, whether it is a first saying,
//	  whether there is a bucket,
//	  the bucket, the numerator as varint, the denominator unless 1 as varint,
//	  the value as far as the numbers don't give it,
//	  and unless it is a first saying seq and revision as uvarints, the number of the
//	  cause (0: none) and the form of the prior value (3 bits) as one uvarint, and
//	  the prior value.
//
// Texts are a uvarint length and bytes. Which kind has which number stands in
// the head, which is stored beside the days (head.go).
const saidVersion = 1

const (
	saidComplete = 1 << iota
	saidSettled
	saidForm // and the next two bits
	_
	_
	saidWhole  // the denominator is 1
	saidFirst  // seq 1, no revision, no prior value, no cause
	saidBucket // there is one
)

// form is how a value is stored.
type form uint8

const (
	formNull     form = iota
	formKnown         // the numerator's digits; of a prior value: it is the value
	formQuotient      // numerator / denominator
	formHundred       // 100 × numerator / denominator
	formInteger       // as varint
	formFloat         // the shortest decimal of a float64, 8 bytes
	formText
)

// ErrDamaged: what is stored of what was said is not what a feed can go on from. In
// doubt: another owner may have written it, or the store has lost commits.
var ErrDamaged = errors.New("what was said on the topic of KPIs cannot be read from the store")

// saidFigure is what was last said of one figure of a day. Its kind is a number
// of the head.
type saidFigure struct {
	kind   int
	bucket string
	Sent
}

// saidDay is what was said of a segment's day, by kind and bucket.
type saidDay []saidFigure

func (d saidDay) search(kind int, bucket string) (int, bool) {
	return slices.BinarySearchFunc(d, bucket, func(f saidFigure, bucket string) int {
		return cmp.Or(cmp.Compare(f.kind, kind), cmp.Compare(f.bucket, bucket))
	})
}

// append writes what parseDay reads.
func (d saidDay) append(b []byte) []byte {
	number := map[alert.Cause]int{{}: 0}
	var causes []byte
	for i := range d {
		c := d[i].Cause
		if _, ok := number[c]; ok {
			continue
		}
		number[c] = len(number)
		if causes = appendText(causes, c.Topic); c.Topic == "" {
			causes = appendText(causes, c.Timer)
			continue
		}
		causes = binary.AppendVarint(binary.AppendVarint(causes, int64(c.Partition)), c.Offset)
	}
	b = binary.AppendUvarint(append(b, saidVersion), uint64(len(number)-1))
	b = binary.AppendUvarint(append(b, causes...), uint64(len(d)))
	last := 0
	for i := range d {
		b = binary.AppendUvarint(b, uint64(d[i].kind-last))
		b = d[i].append(b, number[d[i].Cause])
		last = d[i].kind
	}
	return b
}

func (f *saidFigure) append(b []byte, cause int) []byte {
	how, value := f.form()
	flags := byte(how) * saidForm
	set := func(bit byte, is bool) {
		if is {
			flags |= bit
		}
	}
	first := f.Seq == 1 && f.Revision == 0 && f.Prior == "" && cause == 0
	set(saidComplete, f.Complete)
	set(saidSettled, f.Settled)
	set(saidWhole, f.Denominator == 1)
	set(saidFirst, first)
	set(saidBucket, f.bucket != "")
	b = append(b, flags)
	if f.bucket != "" {
		b = appendText(b, f.bucket)
	}
	b = binary.AppendVarint(b, f.Numerator)
	if f.Denominator != 1 {
		b = binary.AppendVarint(b, f.Denominator)
	}
	b = append(b, value...)
	if first {
		return b
	}
	b = binary.AppendUvarint(binary.AppendUvarint(b, f.Seq), uint64(f.Revision))
	how, value = formOf(f.Prior)
	if f.Prior == f.Value && f.Prior != "" {
		how, value = formKnown, nil
	}
	return append(binary.AppendUvarint(b, uint64(cause)<<3|uint64(how)), value...)
}

// form is the shortest one that gives the value back, and what it has to store.
func (f *saidFigure) form() (form, []byte) {
	for _, how := range []form{formKnown, formQuotient, formHundred} {
		if f.Value != "" && f.Value == f.from(how) {
			return how, nil
		}
	}
	return formOf(f.Value)
}

// from is the value that the numbers give, "" where they give none. Below 2^53 one
// division rounds as the exact quotient does.
func (f *saidFigure) from(how form) json.Number {
	const exact = 1 << 53
	n, d := f.Numerator, f.Denominator
	switch {
	case how == formKnown:
		return json.Number(strconv.FormatInt(n, 10))
	case d == 0 || max(n, d) >= exact/100 || min(n, d) <= -exact/100:
		return ""
	case how == formHundred:
		n *= 100
	}
	return shortest(float64(n) / float64(d))
}

func shortest(f float64) json.Number { return json.Number(strconv.FormatFloat(f, 'f', -1, 64)) }

// formOf is how a value is stored of which nothing else is known.
func formOf(v json.Number) (form, []byte) {
	if v == "" {
		return formNull, nil
	}
	if n, err := strconv.ParseInt(string(v), 10, 64); err == nil && strconv.FormatInt(n, 10) == string(v) {
		return formInteger, binary.AppendVarint(nil, n)
	}
	if f, err := strconv.ParseFloat(string(v), 64); err == nil && len(v) > 8 && shortest(f) == v {
		return formFloat, binary.LittleEndian.AppendUint64(nil, math.Float64bits(f))
	}
	return formText, appendText(nil, string(v))
}

// parseDay reads what saidDay.append wrote, of that many kinds.
func parseDay(b []byte, kinds int) (saidDay, error) {
	r, err := newSaidReader(b)
	if err != nil {
		return nil, err
	}
	causes := make([]alert.Cause, 1+r.count()) // the first is none
	for i := range causes[1:] {
		causes[1+i] = r.cause()
	}
	d := make(saidDay, r.count())
	last := uint64(0)
	for i := range d {
		last += r.uvarint()
		r.bad = r.bad || last >= uint64(kinds)
		d[i].kind = int(last)
		r.figure(&d[i], causes)
		if i > 0 && d[i-1].kind == d[i].kind && d[i-1].bucket >= d[i].bucket {
			r.bad = true
		}
		if r.bad {
			break
		}
	}
	if r.bad || len(r.b) > 0 {
		return nil, fmt.Errorf("%w: it is damaged", ErrDamaged)
	}
	return d, nil
}

// saidReader reads a stored value from its beginning; bad stays set once something
// was not there.
type saidReader struct {
	b   []byte
	bad bool
}

func newSaidReader(b []byte) (*saidReader, error) {
	if len(b) == 0 || b[0] != saidVersion {
		return nil, fmt.Errorf("%w: it does not begin with version %d; use the release that wrote it, or another redis.namespace and the log from its beginning", ErrDamaged, saidVersion)
	}
	return &saidReader{b: b[1:]}, nil
}

func (r *saidReader) figure(f *saidFigure, causes []alert.Cause) {
	flags := r.take(1)
	if r.bad {
		return
	}
	has := func(bit byte) bool { return flags[0]&bit != 0 }
	f.Complete, f.Settled, f.Denominator, f.Seq = has(saidComplete), has(saidSettled), 1, 1
	if has(saidBucket) {
		f.bucket = r.text()
	}
	f.Numerator = r.varint()
	if !has(saidWhole) {
		f.Denominator = r.varint()
	}
	switch how := form(flags[0] / saidForm % 8); how {
	case formKnown, formQuotient, formHundred:
		f.Value = f.from(how)
		r.bad = r.bad || f.Value == ""
	default:
		f.Value = r.value(how)
	}
	if has(saidFirst) {
		return
	}
	f.Seq, f.Revision = r.uvarint(), int(r.uvarint())
	x := r.uvarint()
	if f.Prior = f.Value; form(x%8) != formKnown {
		f.Prior = r.value(form(x % 8))
	}
	if x /= 8; x >= uint64(len(causes)) {
		r.bad = true
		return
	}
	f.Cause = causes[x]
}

func (r *saidReader) value(how form) json.Number {
	switch how {
	case formNull:
		return ""
	case formInteger:
		return json.Number(strconv.FormatInt(r.varint(), 10))
	case formFloat:
		if b := r.take(8); !r.bad {
			return shortest(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	case formText:
		return json.Number(r.text())
	default:
		r.bad = true
	}
	return ""
}

func (r *saidReader) cause() (c alert.Cause) {
	if c.Topic = r.text(); c.Topic == "" {
		c.Timer = r.text()
		return c
	}
	partition := r.varint()
	r.bad = r.bad || int64(int32(partition)) != partition
	c.Partition, c.Offset = int32(partition), r.varint()
	return c
}

func (r *saidReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.skip(n)
	return v
}

func (r *saidReader) varint() int64 {
	v, n := binary.Varint(r.b)
	r.skip(n)
	return v
}

// skip is over a number of n bytes, 0 or less where there was none.
func (r *saidReader) skip(n int) {
	if n <= 0 {
		n = -1
	}
	r.take(n)
}

func (r *saidReader) text() string {
	return string(r.take(int(min(r.uvarint(), math.MaxInt32))))
}

// count is the length of a list of entries of at least one byte each.
func (r *saidReader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	return int(n)
}

// take is the next n bytes; nothing from the first that are not there.
func (r *saidReader) take(n int) []byte {
	if n < 0 || n > len(r.b) || r.bad {
		r.b, r.bad = nil, true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
