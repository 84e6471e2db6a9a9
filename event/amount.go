package event

import (
	"math"
	"math/bits"
)

// ParseAmount reads a decimal, as a JSON number or as the text of a string, as
// an amount in minor units of a currency with so many digits: "12.5" with 2 is
// 1250. It is exact: false for what isn't a decimal, is negative, doesn't fit
// into an int64, or has more decimals than the currency (zeros apart: "1.500"
// is good). An exponent is read: "1e2" is 100.
func ParseAmount(text []byte, digits int) (minor int64, ok bool) {
	dec, ok := parseDecimal(text)
	if !ok || dec.negative {
		return 0, false
	}
	return dec.scaled(digits)
}

// decimal is (mantissa + ε) × 10^exponent: the first 19 significant digits are
// in the mantissa, and ε, at least 0 and under 1, is what the digits behind
// them are worth. inexact says that it isn't 0. Zero has no sign.
type decimal struct {
	mantissa uint64
	exponent int
	negative bool
	inexact  bool
}

// fullMantissa: from here on a mantissa takes no further digit.
const fullMantissa = 1e18

// maxExponent keeps sums of exponents and lengths within an int; a number that
// reaches it is zero or far beyond any amount.
const maxExponent = 1 << 30

// parseDecimal reads -?digits(.digits)?([eE][+-]?digits)?, which JSON's numbers
// are a part of. Leading zeros are read: exports pad with them.
func parseDecimal(text []byte) (dec decimal, ok bool) {
	i := 0
	if i < len(text) && text[i] == '-' {
		dec.negative = true
		i++
	}
	start := i
	if i = dec.digits(text, start); i == start {
		return dec, false
	}
	if i < len(text) && text[i] == '.' {
		start = i + 1
		if i = dec.digits(text, start); i == start {
			return dec, false
		}
		dec.exponent -= i - start
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		exponent, next := parseExponent(text, i+1)
		if next < 0 {
			return dec, false
		}
		i = next
		dec.exponent += exponent
	}
	if dec.mantissa == 0 {
		dec = decimal{}
	}
	return dec, i == len(text)
}

// digits takes the digits from i on into the mantissa and gives the index
// behind them.
func (dec *decimal) digits(text []byte, i int) int {
	for ; i < len(text); i++ {
		digit := text[i] - '0'
		if digit > 9 {
			break
		}
		if dec.mantissa < fullMantissa {
			dec.mantissa = dec.mantissa*10 + uint64(digit)
			continue
		}
		dec.exponent++
		dec.inexact = dec.inexact || digit != 0
	}
	return i
}

// parseExponent reads what follows the e. next is -1 if that isn't an integer.
func parseExponent(text []byte, i int) (exponent, next int) {
	negative := false
	if i < len(text) && (text[i] == '+' || text[i] == '-') {
		negative = text[i] == '-'
		i++
	}
	start := i
	for ; i < len(text) && text[i]-'0' <= 9; i++ {
		exponent = min(exponent*10+int(text[i]-'0'), maxExponent)
	}
	if i == start {
		return 0, -1
	}
	if negative {
		exponent = -exponent
	}
	return exponent, i
}

// scaled is the decimal times 10^digits; false if that is no integer or doesn't
// fit. (An inexact one is neither: it has 20 significant digits or more.)
func (dec decimal) scaled(digits int) (int64, bool) {
	if dec.mantissa == 0 {
		return 0, true
	}
	if dec.inexact {
		return 0, false
	}
	value, shift := dec.mantissa, dec.exponent+digits
	switch {
	case shift <= -len(powersOfTen) || shift >= len(powersOfTen):
		return 0, false
	case shift < 0:
		power := powersOfTen[-shift]
		if value%power != 0 {
			return 0, false
		}
		value /= power
	default:
		high, low := bits.Mul64(value, powersOfTen[shift])
		if high != 0 {
			return 0, false
		}
		value = low
	}
	if value > math.MaxInt64 {
		return 0, false
	}
	if dec.negative {
		return -int64(value), true
	}
	return int64(value), true
}

var powersOfTen = func() (table [20]uint64) {
	for i, p := 0, uint64(1); i < len(table); i, p = i+1, p*10 {
		table[i] = p
	}
	return table
}()

// thousandths is a decimal cut behind its third decimal. rest says what was cut
// off, so that 10.0001 is seen to lie outside a scale that ends at 10.
type thousandths struct {
	cut      int64 // towards zero
	rest     rest
	negative bool
}

type rest uint8

const (
	nothing rest = iota
	underHalf
	halfOrMore
)

// parseThousandths reads a decimal with any number of decimals; false if it is
// none or doesn't fit.
func parseThousandths(text []byte) (t thousandths, ok bool) {
	if len(text) == 1 && text[0]-'0' <= 9 { // nearly all scores
		return thousandths{cut: int64(text[0]-'0') * 1000}, true
	}
	dec, ok := parseDecimal(text)
	if !ok {
		return thousandths{}, false
	}
	t.negative = dec.negative
	shift := dec.exponent + 3
	if shift >= 0 || dec.mantissa == 0 {
		t.cut, ok = dec.scaled(3)
		return t, ok
	}
	t.rest = underHalf
	if -shift >= len(powersOfTen) {
		return t, true // under 10^19 / 10^20
	}
	power := powersOfTen[-shift]
	remainder := dec.mantissa % power
	t.cut = int64(dec.mantissa / power)
	switch {
	case remainder >= power/2: // ε is under 1 and can't carry it over
		t.rest = halfOrMore
	case remainder == 0 && !dec.inexact:
		t.rest = nothing
	}
	if dec.negative {
		t.cut = -t.cut
	}
	return t, true
}

// rounded is half away from zero.
func (t thousandths) rounded() int64 {
	switch {
	case t.rest != halfOrMore:
		return t.cut
	case t.negative:
		return t.cut - 1
	default:
		return t.cut + 1
	}
}

// outside says whether the decimal, before rounding, lies outside [low, high],
// in thousandths.
func (t thousandths) outside(low, high int64) bool {
	if t.rest == nothing {
		return t.cut < low || t.cut > high
	}
	if t.negative {
		return t.cut <= low || t.cut > high
	}
	return t.cut < low || t.cut >= high
}
