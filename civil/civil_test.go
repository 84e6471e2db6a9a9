package civil

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

func zone(t rapid.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// day is a day by the calendar alone: no zone takes part.
func day(t rapid.TB, s string) Day {
	t.Helper()
	d, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func moment(t rapid.TB, s string) int64 {
	t.Helper()
	m, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return m.UnixMilli()
}

func TestFormatAndParse(t *testing.T) {
	for s, want := range map[string]Day{
		"1970-01-01": 0,
		"1969-12-31": -1,
		"1970-03-01": 59, // 31 + 28
		"2000-03-01": 11_017,
		"2026-11-22": 20_779, // 56 years of 365 days, 14 leap days 1972-2024, and 31+28+31+30+31+30+31+31+30+31+21 days
	} {
		if got := day(t, s); got != want {
			t.Errorf("Parse(%s) = %d, want %d", s, got, want)
		}
		if got := Format(want); got != s {
			t.Errorf("Format(%d) = %s, want %s", want, got, s)
		}
	}
	for _, s := range []string{"", "2026-13-01", "2026-02-29", "22.11.2026", "2026-11-22T00:00:00Z"} {
		if _, err := Parse(s); err == nil {
			t.Errorf("Parse(%q) gave no error", s)
		}
	}
}

// The odd days, each with the moment at which it begins and its length, looked
// up in the zones' histories.
func TestOddDays(t *testing.T) {
	for _, tc := range []struct {
		zone, day, start string
		hours            float64
	}{
		{"UTC", "2026-11-22", "2026-11-22T00:00:00Z", 24},
		{"America/New_York", "2026-03-08", "2026-03-08T00:00:00-05:00", 23},
		{"America/New_York", "2026-11-01", "2026-11-01T00:00:00-04:00", 25},
		// Samoa moved over the date line: 30 December 2011 was left out.
		{"Pacific/Apia", "2011-12-29", "2011-12-29T00:00:00-10:00", 24},
		{"Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00", 0},
		{"Pacific/Apia", "2011-12-31", "2011-12-31T00:00:00+14:00", 24},
		{"Pacific/Kwajalein", "1993-08-21", "1993-08-22T00:00:00+12:00", 0},
		// Lord Howe Island moves its clocks by half an hour.
		{"Australia/Lord_Howe", "2026-10-04", "2026-10-04T00:00:00+10:30", 23.5},
		{"Australia/Lord_Howe", "2026-04-05", "2026-04-05T00:00:00+11:00", 24.5},
		// Midnight does not exist: 23:59:59 is followed by 01:00.
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00", 23},
		{"Asia/Beirut", "2022-03-27", "2022-03-27T01:00:00+03:00", 23},
		// 23:59:59 is followed by 23:00 of the same day.
		{"America/Sao_Paulo", "2018-02-17", "2018-02-17T00:00:00-02:00", 25},
		// 00:00:59 is followed by 23:01 of the day before: that hour stays with the new day.
		{"America/St_Johns", "2010-11-07", "2010-11-07T00:00:00-02:30", 25},
		{"America/St_Johns", "2010-11-06", "2010-11-06T00:00:00-02:30", 24},
		// Liberia's offset had seconds until 1972-01-07.
		{"Africa/Monrovia", "1972-01-06", "1972-01-06T00:44:30Z", 24},
	} {
		c := NewCalendar(zone(t, tc.zone))
		d := day(t, tc.day)
		from, to := c.Start(d), c.Start(d+1)
		if want := moment(t, tc.start); from != want {
			t.Errorf("%s: %s begins at %s, want %s", tc.zone, tc.day, time.UnixMilli(from).UTC(), tc.start)
		}
		if got := float64(to-from) / msHour; got != tc.hours {
			t.Errorf("%s: %s has %v hours, want %v", tc.zone, tc.day, got, tc.hours)
		}
		if tc.hours == 0 {
			continue
		}
		if got := c.Day(from); got != d {
			t.Errorf("%s: its first moment lies on %s, want %s", tc.zone, Format(got), tc.day)
		}
		if got := c.Day(to - 1); got != d {
			t.Errorf("%s: its last moment lies on %s, want %s", tc.zone, Format(got), tc.day)
		}
		if got, want := c.Hour(to-1), int(float64(to-1-from)/msHour); got != want {
			t.Errorf("%s: the last hour of %s is %d, want %d", tc.zone, tc.day, got, want)
		}
	}
}

func TestHourOfAVeryLongDay(t *testing.T) {
	c := NewCalendar(zone(t, "Antarctica/Casey")) // 2010-03-05 02:00+11 became 2010-03-04 23:00+08
	d := day(t, "2010-03-05")
	if got := float64(c.Start(d+1)-c.Start(d)) / msHour; got != 27 {
		t.Fatalf("the day has %v hours, want 27", got)
	}
	if got := c.Hour(c.Start(d+1) - 1); got != LastHour {
		t.Errorf("its last hour is %d, want %d", got, LastHour)
	}
}

var zones = []string{
	"UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Apia",
	"Pacific/Kwajalein", "Pacific/Kiritimati", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Beirut",
	"America/St_Johns", "Antarctica/Casey", "Antarctica/Troll", "Africa/Cairo", "Africa/Monrovia",
	"America/Havana", "America/Santiago", "Asia/Gaza", "Africa/Casablanca", "Asia/Pyongyang", "America/Caracas",
}

// drawMoment prefers what lies near a change of the zone's offset.
func drawMoment(t *rapid.T, loc *time.Location) int64 {
	lo := time.Date(1970, 1, 3, 0, 0, 0, 0, time.UTC).UnixMilli()
	hi := time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	ms := rapid.Int64Range(lo, hi).Draw(t, "ms")
	if rapid.Bool().Draw(t, "near a change") {
		if _, to := time.UnixMilli(ms).In(loc).ZoneBounds(); !to.IsZero() {
			ms = to.UnixMilli() + rapid.Int64Range(-30*msHour, 30*msHour).Draw(t, "after")
		}
	}
	return ms
}

// latestDate is the reference: the latest date that the zone's clocks have shown
// in the two days up to ms, by looking at each half minute.
func latestDate(ms int64, loc *time.Location) string {
	latest := time.UnixMilli(ms).In(loc).Format(time.DateOnly)
	for s := ms - ms%30_000; s > ms-2*msDay; s -= 30_000 {
		latest = max(latest, time.UnixMilli(s).In(loc).Format(time.DateOnly))
	}
	return latest
}

func TestDayIsTheDateThatClocksShow(t *testing.T) {
	calendars := map[string]*Calendar{} // kept over the cases, so that caches are hit in every order
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(zones).Draw(t, "zone")
		loc := zone(t, name)
		if calendars[name] == nil {
			calendars[name] = NewCalendar(loc)
		}
		ms := drawMoment(t, loc)
		got := calendars[name].Day(ms)
		if want := latestDate(ms, loc); Format(got) != want {
			t.Fatalf("%s in %s lies on %s, want %s", time.UnixMilli(ms).UTC(), name, Format(got), want)
		}
		if again := Of(ms, loc); again != got {
			t.Fatalf("Of says %d, a calendar in use %d", again, got)
		}
	})
}

func TestStartIsTheFirstMomentOfItsDay(t *testing.T) {
	calendars := map[string]*Calendar{}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(zones).Draw(t, "zone")
		loc := zone(t, name)
		if calendars[name] == nil {
			calendars[name] = NewCalendar(loc)
		}
		c := calendars[name]
		ms := drawMoment(t, loc)
		d := c.Day(ms)
		from, to := c.Start(d), c.Start(d+1)
		if ms < from || ms >= to {
			t.Fatalf("%d lies on day %d, which is [%d, %d)", ms, d, from, to)
		}
		if shown := time.UnixMilli(from).In(loc).Format(time.DateOnly); shown != Format(d) {
			t.Fatalf("clocks show %s at the start of %s", shown, Format(d))
		}
		if before := time.UnixMilli(from - 1).In(loc).Format(time.DateOnly); before >= Format(d) {
			t.Fatalf("clocks show %s just before the start of %s", before, Format(d))
		}
		if h := c.Hour(ms); h != int(min((ms-from)/msHour, LastHour)) || h < 0 {
			t.Fatalf("hour %d at %d ms after the start", h, ms-from)
		}
	})
}

func TestARepeatedHourStaysWithTheNewDay(t *testing.T) {
	for _, tc := range []struct{ zone, moment, day string }{
		{"America/St_Johns", "2010-11-07T00:00:30-02:30", "2010-11-07"},
		{"America/St_Johns", "2010-11-06T23:30:00-03:30", "2010-11-07"}, // 59 minutes after midnight
		{"America/St_Johns", "2010-11-06T23:30:00-02:30", "2010-11-06"},
		{"Antarctica/Casey", "2010-03-04T23:30:00+08:00", "2010-03-05"},
	} {
		ms := moment(t, tc.moment)
		if got := Format(Of(ms, zone(t, tc.zone))); got != tc.day {
			t.Errorf("%s in %s lies on %s, want %s", tc.moment, tc.zone, got, tc.day)
		}
		if want := latestDate(ms, zone(t, tc.zone)); want != tc.day {
			t.Errorf("the reference puts %s in %s on %s, want %s", tc.moment, tc.zone, want, tc.day)
		}
	}
}

func TestADateNobodyHadIsEmpty(t *testing.T) {
	c := NewCalendar(zone(t, "Pacific/Apia"))
	d := day(t, "2011-12-30")
	for ms := c.Start(d-1) - msDay; ms < c.Start(d+1)+msDay; ms += 60_000 {
		if c.Day(ms) == d {
			t.Fatalf("%s lies on a day that Samoa left out", time.UnixMilli(ms).UTC())
		}
	}
}

func BenchmarkDay(b *testing.B) {
	c := NewCalendar(zone(b, "America/New_York"))
	ms := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	var sum Day
	for i := 0; b.Loop(); i++ {
		sum += c.Day(ms + int64(i&1023)*1000)
	}
	_ = sum
}

func BenchmarkHour(b *testing.B) {
	c := NewCalendar(zone(b, "America/New_York"))
	ms := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	var sum int
	for i := 0; b.Loop(); i++ {
		sum += c.Hour(ms + int64(i&1023)*1000)
	}
	_ = sum
}
