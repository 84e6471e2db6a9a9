package company

import (
	"fmt"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/kpi"
	names "github.com/tidemark-io/tidemark/segment"
)

// CheckSegment says in a sentence why a segment has no figures; nil where it has.
// One that is part of "other" has. What no customer has been in is unknown, a
// *kpi.UnknownError with the nearest there is.
func (r *Reader) CheckSegment(segment string) error {
	unknown, listed, err := r.checkSegment(segment)
	if unknown != nil && unknown.Nearest == "" { // looked for while nobody waits
		unknown.Nearest = kpi.NearestOf(segment, listed)
	}
	if unknown != nil {
		return unknown
	}
	return err
}

// checkSegment is CheckSegment but for the nearest of the segments listed.
func (r *Reader) checkSegment(segment string) (unknown *kpi.UnknownError, listed []string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.group()
	dimension, values, _ := names.Parse(segment)
	switch {
	case segment == "" || r.view.groups[segment] != nil:
		return nil, nil, nil
	case r.view.off()[dimension]:
		return nil, nil, fmt.Errorf("figures by %s are switched off, since a shard has more than %d values of it: map them to fewer, or take it out of dimensions", dimension, aggregator.MaxDimensionValues)
	case r.view.has(segment):
		return nil, nil, nil
	}
	unknown = &kpi.UnknownError{What: "segment", Given: segment}
	if a := names.Attributes(dimension); len(a) == 2 { // the other way round?
		turned := names.Name(a[1]+names.Times+a[0], func(x string) string {
			if x == a[0] {
				return values[0]
			}
			return values[1]
		})
		if r.view.has(turned) {
			unknown.Nearest = turned
		}
	}
	return unknown, r.view.listed, nil
}

// SwitchedOff says whether a segment is of a dimension that some shard has
// switched off.
func (r *Reader) SwitchedOff(segment string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.off(segment)
}

// off is SwitchedOff for whoever holds mu.
func (r *Reader) off(segment string) bool {
	return segment != "" && r.view.off()[names.Dimension(segment)]
}

// isOther says whether a segment stands for those beyond a dimension's largest.
func isOther(segment string) bool {
	dimension := names.Dimension(segment)
	return dimension != "" && segment == names.OtherOf(dimension)
}
