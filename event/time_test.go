package event

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseTime(t *testing.T) {
	cases := []struct {
		text string
		want int64
	}{
		{"1970-01-01T00:00:00Z", 0},
		{"1970-01-01T00:00:01.5Z", 1500},
		{"1970-01-02T00:00:00Z", 86_400_000},
		{"1971-01-01T00:00:00Z", 31_536_000_000},
		{"1970-01-01T02:00:00+02:00", 0},
		{"1969-12-31T18:30:00-05:30", 0},
		{"1970-01-01t00:00:00z", 0},
		{"1970-01-01T00:00:00-00:00", 0},
		{"1970-01-01T00:00:00.0019999999999Z", 1},
		{"1969-12-31T23:59:59.9999Z", -1}, // 0.1 ms before the epoch, rounded down
		{"1969-12-31T23:59:59.0001Z", -1000},
		{"2000-02-29T00:00:00Z", 951_782_400_000}, // 11,016 days
		{"2024-02-29T00:00:00Z", 1_709_164_800_000},
		{"0000-01-01T00:00:00Z", -62_167_219_200_000},
		{"9999-12-31T23:59:59.999999Z", 253_402_300_799_999},
	}
	for _, c := range cases {
		if got, ok := ParseTime([]byte(c.text)); !ok || got != c.want {
			t.Errorf("ParseTime(%q) = %d, %v; want %d", c.text, got, ok, c.want)
		}
	}
	for _, text := range []string{
		"", "2026-11-22", "2026-11-22T08:15:42", "2026-11-22 08:15:42Z", "2026-11-22T08:15Z",
		"2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z", "2016-12-31T23:59:60Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00,5Z",
		"2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+00:60", "2026-01-01T00:00:00+0000",
		"2026-01-01T00:00:00+00:00x", "2026-01-01T00:00:00Zx", "2026-01-01T00:00:00 Z", "2026-01-01T00:00:00*01:00",
		"20a6-01-01T00:00:00Z", "2026-1-01T000:00:00Z", "1763799342", "-026-01-01T00:00:00Z",
		"0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", // outside the years of UTC
	} {
		if got, ok := ParseTime([]byte(text)); ok {
			t.Errorf("ParseTime(%q) = %d, want it refused", text, got)
		}
	}
}

func TestTimeAgainstTheTimePackage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.Int64Range(minMillis/1000+86_400, maxMillis/1000-86_400).Draw(t, "seconds")
		nanos := rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")
		offset := rapid.IntRange(-23*60-59, 23*60+59).Draw(t, "offset in minutes")
		when := time.Unix(seconds, nanos).In(time.FixedZone("", offset*60))
		text := when.Format(time.RFC3339Nano)
		got, ok := ParseTime([]byte(text))
		if !ok || got != when.UnixMilli() {
			t.Fatalf("%s is %d, %v; want %d", text, got, ok, when.UnixMilli())
		}
		whole := time.UnixMilli(got).UTC()
		layout := "2006-01-02T15:04:05Z"
		if got%1000 != 0 {
			layout = "2006-01-02T15:04:05.000Z"
		}
		if written := string(AppendTime(nil, got)); written != whole.Format(layout) {
			t.Fatalf("%d is written %s, want %s", got, written, whole.Format(layout))
		}
	})
}

// Every day of 800 years, leap centuries and the years around 0 included.
func TestCivilDays(t *testing.T) {
	for _, first := range []int{-1, 1599, 1899} {
		day := time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC)
		for range 400 * 366 {
			year, month, d := day.Date()
			want := int(day.Unix() / secondsPerDay)
			if got := daysFromCivil(year, int(month), d); got != want {
				t.Fatalf("%s is day %d, want %d", day, got, want)
			}
			if y, m, dd := civilFromDays(want); y != year || m != int(month) || dd != d {
				t.Fatalf("day %d is %d-%d-%d, want %s", want, y, m, dd, day)
			}
			day = day.AddDate(0, 0, 1)
		}
	}
}

func TestAppendTimeStaysWithinFourDigits(t *testing.T) {
	if got := string(AppendTime(nil, 1<<62)); got != "9999-12-31T23:59:59.999Z" {
		t.Error(got)
	}
	if got := string(AppendTime(nil, -1<<62)); got != "0000-01-01T00:00:00Z" {
		t.Error(got)
	}
}

// What ParseTime takes, the time package takes as the same instant.
func FuzzParseTime(f *testing.F) {
	f.Add("2026-11-22T08:15:42.123+01:00")
	f.Add("2024-02-29t23:59:59z")
	f.Fuzz(func(t *testing.T, text string) {
		millis, ok := ParseTime([]byte(text))
		if !ok {
			return
		}
		upper := []byte(text)
		for i, c := range upper {
			upper[i] = upperLetter(c)
		}
		when, err := time.Parse(time.RFC3339Nano, string(upper))
		if err != nil || when.UnixMilli() != millis {
			t.Fatalf("%q is %d; the time package says %v, %v", text, millis, when, err)
		}
	})
}

func upperLetter(c byte) byte {
	if c == 't' || c == 'z' {
		return c - 32
	}
	return c
}
