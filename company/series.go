package company

import (
	"cmp"
	"slices"
)

// series is the changes of one counter, other than 0, on rising days, which may
// lie thousands of years apart: a cancellation takes effect on whatever day it
// names. A company has very many of them, most with few changes: what is made of
// them is added up anew each time, rather than kept.
type series []change

type change struct {
	day int32
	by  int64
}

// seriesRoom is how far a series grows at once, in changes: twice as much each
// time would leave a third of it empty.
const seriesRoom = 4

// add adds to the change of a day.
func (s series) add(day int32, by int64) series {
	i, known := slices.BinarySearchFunc(s, day, func(c change, day int32) int { return cmp.Compare(c.day, day) })
	if known {
		if s[i].by += by; s[i].by == 0 {
			s = slices.Delete(s, i, i+1)
		}
		return s
	}
	if by == 0 {
		return s
	}
	if len(s) == cap(s) {
		s = append(make(series, 0, len(s)+seriesRoom), s...)
	}
	return slices.Insert(s, i, change{day, by})
}

// level is the sum of all changes up to a day.
func (s series) level(day int32) (n int64) {
	for _, c := range s {
		if c.day > day {
			break
		}
		n += c.by
	}
	return n
}

// sum adds up the levels of the days from..to: a change counts on each of them
// from its own day on.
func (s series) sum(from, to int32) (n int64) {
	for _, c := range s {
		if c.day > to {
			break
		}
		n += c.by * (int64(to) - int64(max(c.day, from)) + 1)
	}
	return n
}
