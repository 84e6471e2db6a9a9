package event

import (
	"strings"
	"testing"

	iso "github.com/bojanz/currency"
)

func TestCurrencies(t *testing.T) {
	for code, digits := range map[string]int{"USD": 2, "eur": 2, "Jpy": 0, "KWD": 3, "CLF": 4, "BGN": 2} {
		c, ok := ParseCurrency(code)
		if !ok || c.String() != strings.ToUpper(code) || c.Digits() != digits {
			t.Errorf("%s: %s with %d digits, %v; want %d", code, c, c.Digits(), ok, digits)
		}
	}
	for _, code := range []string{"", "US", "USDT", "XXX", "U$D", "usd ", "\x00\x00\x00", "[[[", "ÄÄ"} {
		if c, ok := ParseCurrency(code); ok {
			t.Errorf("%q is taken for the currency %s", code, c)
		}
	}
	if s := (Currency{}).String(); s != "" {
		t.Errorf("the zero currency is written %q", s)
	}
}

// The table against the list of the currency package, both ways.
func TestCurrenciesAgainstISO4217(t *testing.T) {
	known := map[string]bool{}
	for _, code := range iso.GetCurrencyCodes() {
		known[code] = true
		want, _ := iso.GetDigits(code)
		if c, ok := ParseCurrency(code); !ok || c.Digits() != int(want) {
			t.Errorf("%s: %d digits, %v; want %d", code, c.Digits(), ok, want)
		}
	}
	for i, digits := range exponents {
		code := string([]byte{byte('A' + i/letters/letters), byte('A' + i/letters%letters), byte('A' + i%letters)})
		if digits > 0 && !known[code] && !strings.Contains(retired, code) {
			t.Errorf("%s is in the table and no currency", code)
		}
	}
}
