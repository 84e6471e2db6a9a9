package sqloracle

import (
	"cmp"
	"math/big"
	"strconv"
)

// Key names a figure.
type Key struct {
	KPI     string // name, as in kpis.md
	Window  string // "" for levels, "30d", "month"
	Segment string // "" for the whole, "plan=pro"
	Day     string // civil day; of a calendar window the period's last
	Bucket  string // "" unless the KPI has several values: a reason, a number of days, a cohort
}

func (k Key) String() string {
	s := k.KPI + " "
	if k.Window != "" {
		s += k.Window + " "
	}
	if k.Segment != "" {
		s += k.Segment + " "
	}
	if k.Bucket != "" {
		s += "[" + k.Bucket + "] "
	}
	return s + "on " + k.Day
}

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.KPI, b.KPI), cmp.Compare(a.Window, b.Window), cmp.Compare(a.Segment, b.Segment),
		cmp.Compare(a.Day, b.Day), cmp.Compare(a.Bucket, b.Bucket))
}

// Figure is one KPI of one window, segment and day, exactly: nothing is rounded.
// Money is in minor units of Currency.
type Figure struct {
	Key
	Unit        string   // "count", "ratio", "money", "points" or "days"
	Currency    string   // of money, else ""
	Numerator   *big.Rat // nil where a rate is missing or nothing is there
	Denominator *big.Rat // 1 where the figure is no quotient; nil where a rate is missing
	Complete    bool     // the watermark has reached the end of Day
}

// Value is the figure's value before it is rounded, nil for null. Points are
// 100 × numerator / denominator.
func (f Figure) Value() *big.Rat {
	if f.Numerator == nil || f.Denominator == nil || f.Denominator.Sign() == 0 {
		return nil
	}
	v := new(big.Rat).Quo(f.Numerator, f.Denominator)
	if f.Unit == "points" {
		v.Mul(v, big.NewRat(100, 1))
	}
	return v
}

// Published is the value as it is published: money rounded to minor units,
// halves away from zero; others the shortest decimal that is read back as the
// float64 nearest to the exact value; "" for null.
func (f Figure) Published() string {
	v := f.Value()
	switch {
	case v == nil:
		return ""
	case f.Unit == "money":
		return rounded(v).String()
	}
	n, _ := v.Float64()
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// rounded is the nearest integer, halves away from zero.
func rounded(r *big.Rat) *big.Int {
	half := big.NewRat(1, 2)
	if r.Sign() < 0 {
		half.Neg(half)
	}
	x := half.Add(half, r)
	return new(big.Int).Quo(x.Num(), x.Denom()) // Quo cuts towards zero
}
