package segment

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNames(t *testing.T) {
	for _, c := range []struct {
		name, dimension string
		values          []string
	}{
		{"plan=pro", "plan", []string{"pro"}},
		{"plan=", "plan", []string{""}},
		{"plan=a=b|c*d", "plan", []string{"a=b|c*d"}},
		{"city=Paris,, France", "city", []string{"Paris, France"}},
		{"plan=pro,country=DE", "plan*country", []string{"pro", "DE"}},
		{"plan=,country=", "plan*country", []string{"", ""}},
		{"plan=pro,,country=DE", "plan", []string{"pro,country=DE"}},
		{"plan=pro,,,country=,,", "plan*country", []string{"pro,", ","}},
	} {
		dimension, values, ok := Parse(c.name)
		if !ok || dimension != c.dimension || !slices.Equal(values, c.values) {
			t.Errorf("%q is %q %q, %v", c.name, dimension, values, ok)
		}
		attributes := Attributes(c.dimension)
		if got := Name(c.dimension, func(a string) string { return c.values[slices.Index(attributes, a)] }); got != c.name {
			t.Errorf("%s %q is written %q, not %q", c.dimension, c.values, got, c.name)
		}
	}
	for _, name := range []string{"", "plan", "=pro", "plan=pro,", "plan=Paris, France", "a=1,b=2,c=3", "pl|an=x", "a*b=1"} {
		if dimension, values, ok := Parse(name); ok {
			t.Errorf("%q is taken for %q %q", name, dimension, values)
		}
	}
	if OtherOf("plan") != "plan=other" || OtherOf("plan*country") != "plan=other,country=other" {
		t.Error(OtherOf("plan"), OtherOf("plan*country"))
	}
}

// TestNoValueIsTakenForAnother: different values, whatever they hold, have
// different names, and each name gives its values back.
func TestNoValueIsTakenForAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringOfN(rapid.RuneFrom([]rune(`,=|*a"\`+"\n")), 0, 6, -1)
		dimension := rapid.SampledFrom([]string{"a", "b", "a*b", "b*a"}).Draw(t, "dimension")
		values := map[string]string{}
		var want []string
		for _, x := range Attributes(dimension) {
			values[x] = value.Draw(t, x)
			want = append(want, values[x])
		}
		name := Name(dimension, func(a string) string { return values[a] })
		if got, gotValues, ok := Parse(name); !ok || got != dimension || !slices.Equal(gotValues, want) {
			t.Fatalf("%s %q is written %q and read as %s %q, %v", dimension, want, name, got, gotValues, ok)
		}
		if strings.HasPrefix(name, "|") || Dimension(name) != dimension {
			t.Fatal(name)
		}
	})
}
