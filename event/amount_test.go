package event

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseAmount(t *testing.T) {
	const refused = -1
	cases := []struct {
		text   string
		digits int
		want   int64
	}{
		{"12.5", 2, 1250},
		{"12.50", 2, 1250},
		{"0", 2, 0},
		{"0.01", 2, 1},
		{"007.50", 2, 750},
		{"1.500000000000000000000000000", 2, 150},
		{"49.90", 2, 4990},
		{"500", 0, 500},          // yen
		{"500.0", 0, 500},        // no half yen in it
		{"1.234", 3, 1234},       // Kuwaiti dinar
		{"1e2", 2, 10000},        // a hundred
		{"1E+2", 2, 10000},       // the same
		{"125e-1", 2, 1250},      // 12.5
		{"100e-4", 2, 1},         // one cent
		{"0e999999999999", 2, 0}, // however large, nothing
		{"-0", 2, 0},             // JavaScript writes it
		{"-0.00", 2, 0},          //
		{"1" + zeros(30), 2, refused},
		{"1" + zeros(30) + "e-30", 2, 100},
		{"92233720368547758.07", 2, 1<<63 - 1},
		{"92233720368547758.08", 2, refused}, // one more than an int64 holds
		{"9223372036854775807", 0, 1<<63 - 1},
		{"18446744073709551616", 0, refused}, // 2^64, 0 if it wrapped
		{"18446744073709551617", 0, refused},
		{"1e17", 2, refused},
		{"1e16", 2, 1_000_000_000_000_000_000},
		{"1e99999999999999999999", 2, refused},
		{"12.345", 2, refused},
		{"0.001", 2, refused},
		{"1.0000000000000000001", 2, refused}, // the twentieth digit counts
		{"0." + zeros(30) + "1", 2, refused},
		{"1e-99999999999999999999", 2, refused},
		{"0.5", 0, refused},
		{"-1", 2, refused},
		{"-0.01", 2, refused},
		{"", 2, refused},
		{"-", 2, refused},
		{".5", 2, refused},
		{"5.", 2, refused},
		{"1e", 2, refused},
		{"1e+", 2, refused},
		{"1,50", 2, refused},
		{"+1", 2, refused},
		{" 1", 2, refused},
		{"1 ", 2, refused},
		{"0x10", 2, refused},
		{"NaN", 2, refused},
		{"1.2.3", 2, refused},
		{"1e2e3", 2, refused},
		{"٣", 2, refused}, // an Arabic digit
	}
	for _, c := range cases {
		got, ok := ParseAmount([]byte(c.text), c.digits)
		if !ok {
			got = refused
		}
		if got != c.want {
			t.Errorf("ParseAmount(%q, %d) = %d, want %d", c.text, c.digits, got, c.want)
		}
	}
}

func zeros(n int) string { return strings.Repeat("0", n) }

// decimalTexts draws decimals around the limits of int64 and of the mantissa.
func decimalTexts() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		s := rapid.StringMatching(`-?[0-9]{1,21}(\.[0-9]{1,24})?`).Draw(t, "number")
		if rapid.Bool().Draw(t, "padded") && strings.Contains(s, ".") {
			s += zeros(rapid.IntRange(0, 30).Draw(t, "zeros"))
		}
		if rapid.Bool().Draw(t, "exponent") {
			s += fmt.Sprintf("e%d", rapid.IntRange(-30, 30).Draw(t, "exponent"))
		}
		return s
	})
}

func TestParseAmountAgainstRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := decimalTexts().Draw(t, "text")
		digits := rapid.IntRange(0, 4).Draw(t, "digits")
		want, _ := new(big.Rat).SetString(s)
		want.Mul(want, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)))
		wantOK := want.Sign() >= 0 && want.IsInt() && want.Num().IsInt64()
		got, ok := ParseAmount([]byte(s), digits)
		if ok != wantOK || ok && want.Num().Int64() != got {
			t.Fatalf("ParseAmount(%q, %d) = %d, %v; it is %s", s, digits, got, ok, want)
		}
	})
}

func TestParseThousandths(t *testing.T) {
	cases := []struct {
		text    string
		rounded int64
		ok      bool
	}{
		{"9", 9000, true},
		{"8.5", 8500, true},
		{"8.3333333333333333333333333333333333", 8333, true},
		{"8.6666666666666666666666666666666666", 8667, true},
		{"0.0005", 1, true},
		{"0.00049999999999999999999999999999999", 0, true},
		{"0.00050000000000000000000000000000001", 1, true},
		{"-0.0005", -1, true},
		{"-0.00049", 0, true},
		{"-1.2345", -1235, true},
		{"1e3", 1_000_000, true},
		{"1e-40", 0, true},
		{"9223372036854775.807", 1<<63 - 1, true},
		{"9223372036854775.808", 0, false},
		{"1e16", 0, false},
		{"", 0, false},
		{"x", 0, false},
		{"1.", 0, false},
	}
	for _, c := range cases {
		got, ok := parseThousandths([]byte(c.text))
		if ok != c.ok || ok && got.rounded() != c.rounded {
			t.Errorf("parseThousandths(%q) = %d, %v; want %d, %v", c.text, got.rounded(), ok, c.rounded, c.ok)
		}
	}
}

// Rounding and the comparison with a scale, against rational numbers.
func TestThousandthsAgainstRationals(t *testing.T) {
	thousand, half := big.NewRat(1000, 1), big.NewRat(1, 2)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`-?[0-9]{1,5}(\.[0-9]{1,25})?(e-[0-9])?`).Draw(t, "text")
		exact, _ := new(big.Rat).SetString(s)
		exact.Mul(exact, thousand)
		magnitude := new(big.Rat).Abs(exact)
		magnitude.Add(magnitude, half)
		want := new(big.Int).Quo(magnitude.Num(), magnitude.Denom()).Int64()
		if exact.Sign() < 0 {
			want = -want
		}
		got, ok := parseThousandths([]byte(s))
		if !ok || got.rounded() != want {
			t.Fatalf("%q is %d, %v; want %d", s, got.rounded(), ok, want)
		}
		low := want + rapid.Int64Range(-2, 2).Draw(t, "low")
		high := low + rapid.Int64Range(0, 3).Draw(t, "length")
		outside := exact.Cmp(big.NewRat(low, 1)) < 0 || exact.Cmp(big.NewRat(high, 1)) > 0
		if got.outside(low, high) != outside {
			t.Fatalf("%q outside [%d, %d]: got %v", s, low, high, !outside)
		}
	})
}

func TestAppendAmount(t *testing.T) {
	cases := []struct {
		minor  int64
		digits int
		want   string
	}{
		{1250, 2, "12.50"}, {5, 2, "0.05"}, {0, 2, "0.00"}, {500, 0, "500"}, {0, 0, "0"},
		{1, 3, "0.001"}, {1234567, 3, "1234.567"}, {-5, 2, "-0.05"}, {-1 << 63, 2, "-92233720368547758.08"},
	}
	for _, c := range cases {
		if got := string(AppendAmount([]byte("x"), c.minor, c.digits)); got != "x"+c.want {
			t.Errorf("AppendAmount(%d, %d) = %q, want x%s", c.minor, c.digits, got, c.want)
		}
	}
}
