package config

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// Decimal is an exact decimal number, Num/Den; Den is a power of ten from 1 to
// 10^9. The zero value is not a number: use Decimal{0, 1} for 0.
type Decimal struct{ Num, Den int64 }

var errDecimal = errors.New("not a decimal number such as 0.08, with at most 9 digits behind the point")

// parseDecimal reads an optional sign, digits and an optional fraction.
func parseDecimal(s string) (Decimal, error) {
	unsigned := strings.TrimPrefix(s, "-")
	whole, fraction, point := strings.Cut(unsigned, ".")
	if whole == "" || point && fraction == "" || len(fraction) > 9 || strings.Trim(whole+fraction, "0123456789") != "" {
		return Decimal{}, errDecimal
	}
	num, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil {
		return Decimal{}, errDecimal
	}
	if unsigned != s {
		num = -num
	}
	den := int64(1)
	for range fraction {
		den *= 10
	}
	return Decimal{num, den}, nil
}

// Cmp compares exactly: -1, 0 or 1.
func (d Decimal) Cmp(e Decimal) int { return d.Rat().Cmp(e.Rat()) }

// Rat returns the number as a rational.
func (d Decimal) Rat() *big.Rat {
	if d.Den == 0 {
		return new(big.Rat)
	}
	return big.NewRat(d.Num, d.Den)
}

// within says whether the number has at most so many digits behind the point
// that are not 0.
func (d Decimal) within(digits int) bool {
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	return new(big.Rat).Mul(d.Rat(), new(big.Rat).SetInt(power)).IsInt()
}

// String writes the number as it was written in the settings.
func (d Decimal) String() string {
	digits := len(strconv.FormatInt(d.Den, 10)) - 1
	return d.Rat().FloatString(digits)
}
