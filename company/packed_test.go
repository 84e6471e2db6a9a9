package company

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/kpi"
)

// drawValue is a value as KPIs write them, or any other text.
func drawValue(t *rapid.T, label string, num, den int64) json.Number {
	switch rapid.IntRange(0, 6).Draw(t, label) {
	case 0:
		return ""
	case 1:
		return json.Number(strconv.FormatInt(num, 10))
	case 2:
		return shortest(float64(num) / float64(den))
	case 3:
		return shortest(float64(100*num) / float64(den))
	case 4:
		return json.Number(strconv.FormatInt(rapid.Int64().Draw(t, "integer"), 10))
	case 5:
		return shortest(rapid.Float64().Draw(t, "float"))
	}
	return json.Number(rapid.String().Draw(t, "text"))
}

func drawCause(t *rapid.T) alert.Cause {
	switch rapid.IntRange(0, 3).Draw(t, "cause") {
	case 0:
		return alert.Cause{Timer: alert.Moment(rapid.Int64Range(0, 4e12).Draw(t, "due"))}
	case 1:
		return alert.Cause{Topic: rapid.SampledFrom([]string{"logins", "a/b"}).Draw(t, "topic"), Partition: rapid.Int32().Draw(t, "partition"), Offset: rapid.Int64().Draw(t, "offset")}
	}
	return alert.Cause{}
}

func drawDay(t *rapid.T) (d saidDay, kinds int) {
	n := rapid.IntRange(0, 20).Draw(t, "figures")
	for range n {
		kinds += rapid.SampledFrom([]int{0, 1, 1, 300}).Draw(t, "gap")
		f := saidFigure{kind: kinds}
		if rapid.Bool().Draw(t, "bucketed") {
			f.bucket = rapid.String().Draw(t, "bucket")
		}
		i, found := d.search(f.kind, f.bucket)
		if found {
			continue
		}
		f.Numerator, f.Denominator = rapid.Int64().Draw(t, "numerator"), rapid.SampledFrom([]int64{1, 1, 0, 7, -3, math.MaxInt64}).Draw(t, "denominator")
		f.Value = drawValue(t, "value", f.Numerator, f.Denominator)
		f.Complete, f.Settled, f.Seq = rapid.Bool().Draw(t, "complete"), rapid.Bool().Draw(t, "settled"), 1
		if rapid.Bool().Draw(t, "again") {
			f.Seq, f.Revision = rapid.Uint64().Draw(t, "seq"), rapid.IntRange(0, math.MaxInt).Draw(t, "revision")
			f.Prior, f.Cause = drawValue(t, "prior", f.Numerator, f.Denominator), drawCause(t)
			if rapid.Bool().Draw(t, "same") {
				f.Prior = f.Value
			}
		}
		d = slices.Insert(d, i, f)
	}
	return d, kinds + 1
}

// TestPackedDays: what is packed is read back, and nothing that it begins with is.
func TestPackedDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, kinds := drawDay(t)
		b := d.append(nil)
		back, err := parseDay(b, kinds)
		if err != nil || !slices.Equal(back, d) {
			t.Fatalf("%+v\nis read back as\n%+v (%v)", d, back, err)
		}
		if _, err := parseDay(b[:rapid.IntRange(0, len(b)-1).Draw(t, "length")], kinds); !errors.Is(err, ErrDamaged) {
			t.Fatalf("a part was read: %v", err)
		}
		if _, err := parseDay(append(b, 0), kinds); !errors.Is(err, ErrDamaged) {
			t.Fatalf("more was read: %v", err)
		}
		if len(d) > 0 {
			if _, err := parseDay(b, d[len(d)-1].kind); !errors.Is(err, ErrDamaged) {
				t.Fatalf("a kind that there is not was read: %v", err)
			}
		}
	})
}

func TestPackedHead(t *testing.T) {
	h := newHead()
	h.thinned = -5
	h.add(figureKind{"dau", "1d"})
	h.add(figureKind{"customers", ""})
	b := h.append(nil)
	back, err := parseHead(b)
	if err != nil || back.thinned != -5 || !slices.Equal(back.kinds, h.kinds) || back.numbers[figureKind{"customers", ""}] != 1 {
		t.Errorf("read back as %+v (%v)", back, err)
	}
	for n := range len(b) {
		if back, err := parseHead(b[:n]); err == nil && len(back.kinds) == 2 {
			t.Errorf("the first %d bytes are read as all of it", n)
		}
	}
	h.add(figureKind{"dau", "1d"}) // twice
	if _, err := parseHead(h.append(nil)); !errors.Is(err, ErrDamaged) {
		t.Errorf("a kind with two numbers was read: %v", err)
	}
}

// FuzzPackedDays: what can be read is packed as it was, up to numbers that were
// written longer than they need be, and nothing makes it fail otherwise.
func FuzzPackedDays(f *testing.F) {
	d := saidDay{{0, "", Sent{Value: "5", Numerator: 5, Denominator: 1, Seq: 1}}, {3, "a", Sent{Value: "0.25", Numerator: 1, Denominator: 4, Seq: 2, Prior: "0.5", Cause: alert.Cause{Topic: "logins"}}}}
	f.Add(d.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseDay(b, 1000)
		if err != nil {
			return
		}
		if back, err := parseDay(d.append(nil), 1000); err != nil || !slices.Equal(back, d) {
			t.Errorf("%+v is read back as %+v (%v)", d, back, err)
		}
	})
}

// TestBytesOfAFigure: said once, a figure takes some 4 bytes with its share of the
// field, since most numbers of a small company are small; once it has changed and
// its day is over, some 9. As a field of its own it took 70.
func TestBytesOfAFigure(t *testing.T) {
	fakes := twoShards()
	r := newReader(t, fakes)
	poll(t, r)
	feed := newFeed(t, r, newSentStore())
	b := next(t, feed, 0)
	check := func(name string, figures, most int) {
		t.Helper()
		bytes := 0
		for field, value := range feed.store.fields {
			if field != headField {
				bytes += len(field) + len(value)
			}
		}
		t.Logf("%s: %.1f bytes a figure", name, float64(bytes)/float64(figures))
		if bytes > most*figures {
			t.Errorf("%s: %d bytes, want at most %d of each of %d figures", name, bytes, most, figures)
		}
	}
	check("first said", len(b.Changes), 5)
	for field, value := range feed.store.fields { // all have changed, by themselves and by the day's end
		if field == headField {
			continue
		}
		d, err := parseDay(value, len(feed.said.head.kinds))
		if err != nil {
			t.Fatal(err)
		}
		for i := range d {
			d[i].Seq, d[i].Prior, d[i].Complete, d[i].Settled = 17, "123", true, true
			d[i].Cause = alert.Cause{Timer: "2026-11-23T00:00:00Z"}
		}
		feed.store.fields[field] = d.append(nil)
	}
	check("changed", len(b.Changes), 10)
}

// TestOtherReleasesAreRefused: in one sentence, wherever they are met.
func TestOtherReleasesAreRefused(t *testing.T) {
	r := newReader(t, newFake(1))
	_, err := NewFeed(r, FeedOptions{Interval: 1000, Retain: 10, Stored: []string{"dau|1d||2026-11-22"}})
	refused(t, "fields of single figures", err, `field "dau|1d||2026-11-22" is not of this release`)
	fakes := twoShards()
	r = newReader(t, fakes)
	poll(t, r)
	for _, x := range []struct{ name, field, value, sentence string }{
		{"days without a head", "20779|", "\x01\x00\x00", "it has no head"},
		{"a later release's head", headField, "\x02", "it does not begin with version 1"},
		{"a damaged head", headField, "\x01\x00\x09", "its head is damaged"},
	} {
		s := newSentStore()
		s.fields[x.field] = []byte(x.value)
		_, err := newFeed(t, r, s).Next(t.Context(), 0)
		refused(t, x.name, err, x.sentence)
	}
	feed := newFeed(t, r, newSentStore())
	next(t, feed, 0)
	field := place{"plan=pro", today - 1}.field()
	for name, value := range map[string]string{"it does not begin with version 1": "5 5 1 3 0 1", "it is damaged": "\x01\x00\x05"} {
		feed.store.fields[field] = []byte(value)
		_, err = newFeed(t, r, feed.store.clone()).Next(t.Context(), 0)
		refused(t, "a damaged day", err, name)
		if !strings.Contains(err.Error(), strconv.Quote(field)) {
			t.Errorf("the field is not named: %v", err)
		}
		figures := Reader{opts: Options{Said: feed.store.read}}
		refused(t, "over HTTP", figures.revise(t.Context(), []kpi.Figure{{KPI: "customers", Segment: "plan=pro", Day: "2026-11-21"}}), name)
	}
}

func refused(t *testing.T, name string, err error, sentence string) {
	t.Helper()
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), sentence) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: %v, want %q", name, err, sentence)
	}
}
