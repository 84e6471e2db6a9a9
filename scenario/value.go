package scenario

import (
	"math/big"
	"regexp"
	"strings"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/kpi"
)

// value is a number that is expected.
type value struct {
	text   string
	null   bool
	rat    *big.Rat
	digits int  // decimals that were written, which is how exactly it is compared
	exact  bool // a fraction is compared as exactly as figures are written
}

var (
	decimalForm  = regexp.MustCompile(`^-?\d+(\.\d+)?$`)
	groupedForm  = regexp.MustCompile(`^-?\d{1,3}(,\d{3})+(\.\d+)?$`)
	fractionForm = regexp.MustCompile(`^-?\d+/[1-9]\d*$`)
	currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)
)

const valueSyntax = "write a number (0.05, 5%, 1/3, 162,500.00), or null"

// readValue reads a number in any of its forms.
func readValue(t token) (value, error) {
	v := value{text: t.text}
	text, percent := strings.CutSuffix(t.text, "%")
	switch {
	case t.text == "null":
		v.null = true
		return v, nil
	case groupedForm.MatchString(text):
		text = strings.ReplaceAll(text, ",", "")
	case fractionForm.MatchString(t.text):
		v.exact = true
	case !decimalForm.MatchString(text):
		return v, wrongAt(t, "%q is no value; %s", t.text, valueSyntax)
	}
	var ok bool
	if v.rat, ok = new(big.Rat).SetString(text); !ok {
		return v, wrongAt(t, "%q is no value; %s", t.text, valueSyntax)
	}
	if _, decimals, ok := strings.Cut(text, "."); ok {
		v.digits = len(decimals)
	}
	if percent {
		v.rat.Quo(v.rat, big.NewRat(100, 1))
		v.digits += 2
	}
	return v, nil
}

// is compares with an exact number, to as many decimals as were written.
func (v value) is(exact *big.Rat) bool {
	if v.null || exact == nil {
		return v.null && exact == nil
	}
	if v.exact {
		want, _ := v.rat.Float64()
		have, _ := exact.Float64() // of amounts of money a figure has no more
		return want == have
	}
	// FloatString rounds halves away from zero.
	return v.rat.FloatString(v.digits) == exact.FloatString(v.digits)
}

// isAmount compares with minor units of a currency, exactly.
func (v value) isAmount(minor *big.Rat, currency string) bool {
	if v.null || minor == nil {
		return v.null && minor == nil
	}
	return v.rat.Cmp(major(minor, currency)) == 0
}

// major converts minor units.
func major(minor *big.Rat, currency string) *big.Rat {
	unit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digitsOf(currency))), nil))
	return new(big.Rat).Quo(minor, unit)
}

func digitsOf(currency string) int {
	if c, ok := event.ParseCurrency(currency); ok {
		return c.Digits()
	}
	return 2
}

// showAmount writes minor units as 29.00 USD.
func showAmount(minor *big.Rat, currency string) string {
	m := major(minor, currency)
	if digits := digitsOf(currency); new(big.Rat).Mul(minor, big.NewRat(1, 1)).IsInt() {
		return m.FloatString(digits) + " " + currency
	}
	return m.RatString() + " " + currency
}

// showFigure writes a figure's value with what it is made of.
func showFigure(f kpi.Figure) string {
	s := "null"
	if exact := f.Exact(); exact != nil {
		switch f.Unit {
		case kpi.Money:
			s = showAmount(exact, f.Currency)
		case kpi.Ratio, kpi.Points:
			s = f.Value.String()
			if text := strings.TrimRight(exact.FloatString(6), "0"); len(text) < len(s) {
				s = strings.TrimRight(text, ".")
			}
		default:
			s = f.Value.String()
		}
	}
	if ratio(f.Unit) {
		s += " (" + part{f.Numerator, f.Denominator}.show(&f) + ")"
	}
	return s
}
