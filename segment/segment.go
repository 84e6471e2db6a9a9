// Package segment writes and reads the names of segments: which customers a
// figure is of. It knows no state.
//
// A dimension is an attribute of customers, "plan", or two of them at once,
// "plan*country". The customers that have one value of it are a segment,
// "plan=pro" or "plan=pro,country=DE"; the whole is "". A comma within a value
// is written twice, so that no value can be taken for a second attribute;
// anything else stands as it is.
package segment

import "strings"

// Other is the value under which the segments of a dimension beyond the largest
// are added up.
const Other = "other"

// Times stands between the two attributes of a dimension.
const Times = "*"

// Reserved are the characters that no attribute of a dimension has in its name.
const Reserved = "=|,*"

// Attributes are the names of the attributes that a dimension is made of.
func Attributes(dimension string) []string { return strings.Split(dimension, Times) }

// Name is the segment of a dimension whose attributes have the values that value
// gives; "" for none.
func Name(dimension string, value func(attribute string) string) string {
	first, second, two := strings.Cut(dimension, Times)
	name := first + "=" + double(value(first))
	if two {
		name += "," + second + "=" + double(value(second))
	}
	return name
}

func double(value string) string {
	if strings.IndexByte(value, ',') < 0 {
		return value
	}
	return strings.ReplaceAll(value, ",", ",,")
}

// OtherOf is the segment of what is beyond a dimension's largest.
func OtherOf(dimension string) string {
	return Name(dimension, func(string) string { return Other })
}

// Parse gives a segment's dimension and the values of its attributes, in their
// order. ok is false where the name is no segment's: the whole, a comma too few,
// or more than two attributes.
func Parse(name string) (dimension string, values []string, ok bool) {
	for rest, more := name, true; more; {
		attribute, text, found := strings.Cut(rest, "=")
		if !found || attribute == "" || strings.ContainsAny(attribute, Reserved) || len(values) == 2 {
			return "", nil, false
		}
		if dimension != "" {
			dimension += Times
		}
		var value string
		value, rest, more = cutValue(text)
		dimension, values = dimension+attribute, append(values, value)
	}
	return dimension, values, true
}

// cutValue cuts before the first comma that stands alone. Commas in a row are
// taken two by two from the left.
func cutValue(text string) (value, rest string, more bool) {
	var b strings.Builder
	for {
		i := strings.IndexByte(text, ',')
		if i < 0 {
			return b.String() + text, "", false
		}
		b.WriteString(text[:i])
		if !strings.HasPrefix(text[i+1:], ",") {
			return b.String(), text[i+1:], true
		}
		b.WriteByte(',')
		text = text[i+2:]
	}
}

// Dimension is the dimension that a segment is of, "" for what is none.
func Dimension(name string) string {
	dimension, _, _ := Parse(name)
	return dimension
}
