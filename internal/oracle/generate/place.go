// Package generate draws small believable histories of customers for property
// tests, with ties of time, midnights and changes of the clock among them.
package generate

import (
	"time"
	_ "time/tzdata" // the zones of Places, on machines without a database too

	"pgregory.net/rapid"
)

// Place is a time zone and a civil day (since 1970-01-01) from which on a
// history of some weeks meets what is special about it.
type Place struct {
	Zone     *time.Location
	FirstDay int32
}

// places by zone and first date.
var places = []struct{ zone, first string }{
	{"UTC", "2024-02-12"},                 // 29 February
	{"America/New_York", "2024-02-26"},    // a day of 23 hours on 10 March
	{"America/New_York", "2023-10-20"},    // a day of 25 hours on 5 November
	{"Asia/Kolkata", "2023-12-15"},        // half an hour off UTC's hours
	{"Australia/Lord_Howe", "2024-03-25"}, // a day of 24.5 hours on 7 April
	{"Pacific/Apia", "2011-12-18"},        // no 30 December
	{"America/Sao_Paulo", "2017-10-02"},   // 15 October starts at one o'clock
}

// DrawPlace draws one of the places that days are difficult in.
func DrawPlace(t *rapid.T) Place {
	p := rapid.SampledFrom(places).Draw(t, "place")
	zone, err := time.LoadLocation(p.zone)
	if err != nil {
		t.Fatalf("load zone %s: %v", p.zone, err)
	}
	first, err := time.Parse(time.DateOnly, p.first)
	if err != nil {
		t.Fatalf("first day of %s: %v", p.zone, err)
	}
	return Place{Zone: zone, FirstDay: int32(first.Unix() / 86400)}
}

// startOf is the first moment of a civil day, Unix ms; of one that the zone
// skips, about the first of the next.
func startOf(zone *time.Location, day int32) int64 {
	start := time.Date(1970, time.January, 1+int(day), 0, 0, 0, 0, zone)
	if dayOf(zone, start.UnixMilli()) < day { // midnight is skipped: when the clock jumps
		_, start = start.ZoneBounds()
	}
	return start.UnixMilli()
}

// dayOf is the civil day of a moment.
func dayOf(zone *time.Location, ms int64) int32 {
	y, m, d := time.UnixMilli(ms).In(zone).Date()
	return int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// clockChanges are the moments of a span at which the zone's clock is set.
func clockChanges(zone *time.Location, from, to int64) []int64 {
	var list []int64
	for t := time.UnixMilli(from).In(zone); ; {
		_, end := t.ZoneBounds()
		if end.IsZero() || end.UnixMilli() >= to {
			return list
		}
		list = append(list, end.UnixMilli())
		t = end
	}
}
