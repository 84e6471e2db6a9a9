package company

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/kpi"
	"pgregory.net/rapid"
)

const today = 20_779 // 2026-11-22

// twoShards: shard 0 begins at today−3 with 10 customers, +2 on today−1, −1
// today; shard 1 begins at today−2 with 5, and had 4 on the day before.
func twoShards() *fake {
	f := newFake(2)
	a, b := f.shards[0], f.shards[1]
	a.claim("a")
	b.claim("b")
	a.at("2026-11-22T10:00:00Z", today-3, 100)
	b.at("2026-11-22T09:30:00Z", today-2, 50)
	customers := cell(aggregator.Customers)
	a.commit(map[string]aggregator.Row{
		opening(""):         {customers: 10},
		dayRow(today-1, ""): {customers: 2},
		dayRow(today, ""):   {customers: -1},
		opening("plan=pro"): {customers: 3},
		"s|":                {cell(aggregator.UsersEver): 40},
	})
	b.commit(map[string]aggregator.Row{opening(""): {customers: 5}, "s|": {cell(aggregator.UsersEver): 2}})
	b.frozen[aggregator.FrozenName(today-3, "")] = aggregator.Row{customers: 4}
	return f
}

func values(t *testing.T, r *Reader, name, segment string, from, to int32) string {
	t.Helper()
	k, err := kpi.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	figures, err := r.Figures(context.Background(), Query{KPI: k, Window: k.Default, Segment: segment, From: from, To: to})
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, f := range figures {
		word := f.Value.String()
		if word == "" {
			word = "null"
		}
		if !f.Complete {
			word += "?"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestFiguresAddUpOverShards(t *testing.T) {
	r := newReader(t, twoShards())
	if !poll(t, r) {
		t.Error("the first poll found nothing")
	}
	// today−3: 10 + 4 frozen; today−2: 10 + 5; today−1: 12 + 5; today: 11 + 5, running.
	if got := values(t, r, "customers", "", today-3, today+5); got != "14 15 17 16?" {
		t.Errorf("customers: %s", got)
	}
	if got := values(t, r, "customers", "", Unset, today-2); !strings.HasSuffix(got, " 0 14 15") || len(strings.Fields(got)) != 30 {
		t.Errorf("30 days of customers: %s", got)
	}
	if got := values(t, r, "customers", "", today-1, Unset); got != "17 16?" {
		t.Errorf("customers up to the running day: %s", got)
	}
	if got := values(t, r, "customers", "plan=pro", today-1, today); got != "3 3?" {
		t.Errorf("customers of plan=pro: %s", got)
	}
	if got := values(t, r, "users_ever", "", today-3, today); got != "42?" {
		t.Errorf("users_ever: %s", got)
	}
	if got := values(t, r, "customer_churn_rate", "", today, today); got != "null?" {
		t.Errorf("churn of nobody: %s", got)
	}
	if w := r.Watermark(); w != 1_795_339_800_000 { // 09:30, the lower one
		t.Errorf("watermark %d", w)
	}
	if got := r.FirstDay(); got != today-3 {
		t.Errorf("first day %d", got)
	}
}

func TestPollReadsOnlyWhatChanged(t *testing.T) {
	f := twoShards()
	r := newReader(t, f)
	poll(t, r)
	if poll(t, r) || f.full != 2 || f.partial != 0 {
		t.Errorf("nothing changed, and %d whole and %d partial reads were made", f.full, f.partial)
	}
	f.shards[1].commit(map[string]aggregator.Row{dayRow(today, ""): {cell(aggregator.Customers): 7}})
	if !poll(t, r) || f.full != 2 || f.partial != 1 {
		t.Errorf("one commit made %d whole and %d partial reads", f.full, f.partial)
	}
	if got := values(t, r, "customers", "", today, today); got != "23?" {
		t.Errorf("customers: %s, want 16 + 7", got)
	}
	before := f.cold
	values(t, r, "customers", "", today-3, today)
	values(t, r, "customers", "", today-3, today)
	if asked := f.cold - before; asked > 2*(kpi.LookBack+4) {
		t.Errorf("two equal questions read %d frozen rows: they are not kept", asked)
	}
}

var (
	propertySegments = []string{"", "plan=a", "plan=b"}
	propertyCells    = []aggregator.Cell{cell(aggregator.Customers), cell(aggregator.UsersActive30), {Counter: aggregator.MRR, Currency: usd}}
)

// The reader's levels are the definition's, whatever commits, take-overs,
// freezing and losses of commits lie between two polls.
func TestLevelsAreThoseOfTheRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const base = 20_000
		f := newFake(rapid.IntRange(1, 3).Draw(t, "shards"))
		for i, s := range f.shards {
			s.claim(fmt.Sprint("first", i))
			s.at("2024-10-20T12:00:00Z", base+rapid.Int32Range(0, 3).Draw(t, "first day"), 10)
			s.commit(nil)
		}
		r := NewReader(f, Options{Location: time.UTC, Currency: usd})
		r.mostSums = rapid.IntRange(0, 2).Draw(t, "sums kept") // fewer than are asked for, too
		for step := range rapid.IntRange(1, 30).Draw(t, "steps") {
			s := rapid.SampledFrom(f.shards).Draw(t, "shard")
			switch rapid.SampledFrom([]string{"commit", "commit", "advance", "claim", "poll", "read"}).Draw(t, "step") {
			case "commit":
				rows := map[string]aggregator.Row{}
				for range rapid.IntRange(1, 4).Draw(t, "rows") {
					segment := rapid.SampledFrom(propertySegments).Draw(t, "segment")
					name := opening(segment)
					if ahead := rapid.Int32Range(0, 6).Draw(t, "days ahead"); ahead > 0 {
						name = dayRow(s.head.FirstDay+ahead, segment)
					}
					row := aggregator.Row{}
					for _, c := range propertyCells {
						row[c] = rapid.Int64Range(-5, 5).Draw(t, "value")
					}
					rows[name] = row
					if rapid.IntRange(0, 4).Draw(t, "delete") == 0 {
						rows[name] = nil
					}
				}
				s.commit(rows)
			case "advance":
				s.advance()
			case "claim":
				s.claim(fmt.Sprint("owner", step))
			case "poll":
				if _, err := r.Poll(context.Background()); err != nil {
					t.Fatal(err)
				}
			case "read":
				checkLevels(t, f, r, base)
			}
		}
		checkLevels(t, f, r, base)
	})
}

// checkLevels polls and compares every level with the definition.
func checkLevels(t *rapid.T, f *fake, r *Reader, base int32) {
	if _, err := r.Poll(context.Background()); err != nil {
		t.Fatal(err)
	}
	segments := rapid.SliceOfNDistinct(rapid.SampledFrom(propertySegments), 1, len(propertySegments), rapid.ID).Draw(t, "asked for")
	err := r.with(context.Background(), segments, base-2, base+40, func(src *kpi.Source) {
		for _, segment := range segments {
			for _, c := range propertyCells {
				for day := base - 2; day < base+40; day++ {
					var want int64
					for _, s := range f.shards {
						want += s.level(segment, c, day)
					}
					if got := src.Levels.Level(c, segment, day); got != want {
						t.Fatalf("%v of %q on %d is %d, want %d", c, segment, day-base, got, want)
					}
				}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(r.view.sums); n > max(r.mostSums+1, len(segments)+1) {
		t.Fatalf("%d sums are kept", n)
	}
}

func TestReadiness(t *testing.T) {
	r := newReader(t, newFake(0))
	poll(t, r)
	if ok, why := r.Ready(); ok || !strings.Contains(why, "nothing is stored yet") {
		t.Errorf("ready without anything: %v %q", ok, why)
	}
	f := twoShards()
	r = newReader(t, f)
	if ok, _ := r.Ready(); ok {
		t.Error("ready before the first poll")
	}
	a, b := f.shards[0], f.shards[1]
	expect := func(what, want string) {
		t.Helper()
		poll(t, r)
		ok, why := r.Ready()
		if ok != (want == "") || why != want {
			t.Errorf("%s: ready %v, %q, want %q", what, ok, why, want)
		}
	}
	expect("both at rest", "")
	b.head.CatchingUp = true
	b.commit(nil)
	expect("one behind", "shard 1 is catching up")
	a.head.Born = false
	a.commit(nil)
	expect("one unborn as well", "shard 0 is reading its history for the first time, and 1 more shards of 2 are not ready")
	a.head.Born, b.head.CatchingUp = true, false
	a.commit(nil)
	b.commit(nil)
	expect("both at rest again", "")

	// With a few messages left to read a shard is no trouble for figures, but the
	// time that the others would take over is not known yet (clock: log).
	b.head.AtEnd = false
	b.commit(nil)
	expect("a few messages left", "")
	if ms, ok := r.Highest(); ok {
		t.Errorf("a shard that is not at its end, and Highest is %d", ms)
	}
	b.head.AtEnd = true
	b.commit(nil)
	expect("all at their ends", "")
	if _, ok := r.Highest(); !ok {
		t.Error("all shards are at their ends, and there is no highest time")
	}

	// A job of several commits: figures are not complete until it is done.
	b.head.Table = (&aggregator.Table{Buckets: 16, Jobs: []string{"acme"}}).Append(nil)
	b.commit(nil)
	expect("a job", "shard 1 is moving a customer's users to another segment")
	if got := values(t, r, "customers", "", today-1, today-1); !strings.HasSuffix(got, "?") {
		t.Errorf("during the job a past day is %s", got)
	}
	b.head.Table = (&aggregator.Table{Buckets: 16}).Append(nil)
	b.commit(nil)
	expect("the job is done", "")

	// A rollback: the owner starts over with older offsets and says it has caught up.
	old := a.head.Offsets
	a.at("2026-11-22T10:00:00Z", today-3, 90)
	a.claim("a2")
	expect("fewer messages read than before", "shard 0 was rolled back and is reading the log again")
	if got := values(t, r, "customers", "", today-1, today-1); got != "17?" {
		t.Errorf("while it is not ready a past day is %s", got)
	}
	if _, ok := r.Highest(); ok {
		t.Error("a shard that reads again tells the others the time")
	}
	a.head.Offsets = old
	a.commit(nil)
	expect("reached again", "")
	a.head.Watermark--
	a.claim("a3")
	expect("an older watermark", "shard 0 was rolled back and is reading the log again")
	if _, ok := r.Highest(); !ok {
		t.Error("a watermark that fell back is never raised again: the shard waits for the reader, which waits for the shard")
	}
	a.head.Watermark++
	a.commit(nil)
	expect("reached again", "")

	// Everything is gone.
	empty := newFake(2)
	f.shards[0], f.shards[1] = empty.shards[0], empty.shards[1]
	expect("an emptied store", "shard 0 was rolled back and is reading the log again, and 1 more shards of 2 are not ready")
	if got := values(t, r, "customers", "", today, today); got != "" {
		t.Errorf("an emptied store has figures: %s", got)
	}
}

func TestAShardThatNeverHadAnEventHoldsNobodyUp(t *testing.T) {
	f := twoShards()
	f.shards = append(f.shards, newFake(1).shards...)
	c := f.shards[2]
	c.claim("c")
	c.commit(nil)
	c.head.Born = true
	r := newReader(t, f)
	poll(t, r)
	if w := r.Watermark(); w == 0 {
		t.Error("there is no watermark")
	}
	c.head.CatchingUp = true
	c.commit(nil)
	poll(t, r)
	if w := r.Watermark(); w != 0 {
		t.Errorf("a shard that still reads has no watermark, the company %d", w)
	}
}

// A loss of commits can take back a freeze, and the day may be frozen anew with
// other levels: what was read of it before must not be kept.
func TestFrozenRowsAreReadAgainAfterATakeOver(t *testing.T) {
	f := twoShards()
	r := newReader(t, f)
	poll(t, r)
	if got := values(t, r, "customers", "", today-3, today-3); got != "14" {
		t.Fatalf("customers: %s", got)
	}
	f.shards[1].frozen[aggregator.FrozenName(today-3, "")] = aggregator.Row{cell(aggregator.Customers): 1}
	f.shards[1].claim("b2")
	poll(t, r)
	if got := values(t, r, "customers", "", today-3, today-3); got != "11" {
		t.Errorf("customers: %s, want 10 + 1", got)
	}
}

func TestOther(t *testing.T) {
	f := newFake(2)
	for i, s := range f.shards {
		s.claim(fmt.Sprint(i))
		s.at("2026-11-22T10:00:00Z", today-1, 1)
	}
	customers := cell(aggregator.Customers)
	f.shards[0].commit(map[string]aggregator.Row{
		opening("plan=a"): {customers: 5}, opening("plan=b"): {customers: 1}, opening("plan=c"): {customers: 3},
		opening("plan=d"): {customers: 3}, opening("plan=other"): {customers: 100}, opening("plan="): {customers: 4},
		opening("country=DE"): {customers: 1}, opening(""): {customers: 116},
	})
	f.shards[1].commit(map[string]aggregator.Row{opening("plan=b"): {customers: 9}, opening(""): {customers: 9}})
	r := NewReader(f, Options{Location: time.UTC, Currency: usd, SegmentCap: 4})
	poll(t, r)
	// By size: b 10, a 5, "" 4, c 3 before d 3 by name.
	if got := strings.Join(r.Segments(), " "); got != "country=DE plan= plan=a plan=b plan=c plan=other" {
		t.Errorf("segments: %s", got)
	}
	if got := values(t, r, "customers", "plan=other", today, today); got != "103?" { // d and the real "other"
		t.Errorf("customers of other: %s", got)
	}
	if got := values(t, r, "customers", "plan=d", today, today); got != "3?" {
		t.Errorf("customers of a segment within other: %s", got)
	}
	// What is added up moves along: first within the group, then with the group.
	f.shards[0].commit(map[string]aggregator.Row{opening("plan=d"): {customers: 2}})
	poll(t, r)
	if got := values(t, r, "customers", "plan=other", today, today) + values(t, r, "customers", "plan=d", today, today); got != "102?2?" {
		t.Errorf("customers of other and of a segment in it: %s", got)
	}
	f.shards[1].commit(map[string]aggregator.Row{dayRow(today, "plan=d"): {customers: 9}})
	poll(t, r)
	if got := values(t, r, "customers", "plan=other", today, today) + values(t, r, "customers", "plan=c", today, today); got != "103?3?" { // c and the real "other"
		t.Errorf("customers of other and of c, which is in it now: %s", got)
	}
	f.shards[1].commit(map[string]aggregator.Row{dayRow(today, "plan=d"): nil})
	poll(t, r)
	for segment, want := range map[string]bool{"": true, "plan=d": true, "plan=other": true, "plan=x": false, "country=other": false} {
		if err := r.CheckSegment(segment); (err == nil) != want {
			t.Errorf("CheckSegment(%q): %v", segment, err)
		}
	}
}

// TestOtherOfManyFrozenDays: a question about "other" that needs more frozen days
// than are kept is answered, whatever was asked before, and what it does not need
// is dropped.
func TestOtherOfManyFrozenDays(t *testing.T) {
	f := newFake(2)
	customers := cell(aggregator.Customers)
	for i, s := range f.shards {
		s.claim(fmt.Sprint(i))
		s.at("2026-11-22T10:00:00Z", today-10, 1)
		rows := map[string]aggregator.Row{opening(""): {customers: 30}}
		for n := range 30 {
			name := fmt.Sprintf("plan=p%02d", n)
			rows[opening(name)] = aggregator.Row{customers: 1}
			for d := range int32(300) {
				s.frozen[aggregator.FrozenName(today-11-d, name)] = aggregator.Row{customers: 1}
			}
		}
		s.commit(rows)
	}
	r := NewReader(f, Options{Location: time.UTC, Currency: usd, SegmentCap: 2})
	r.mostFrozen = 2000 // of 28 segments: not more than 72 days
	poll(t, r)
	for range 2 {
		for _, from := range []int32{today - 15, today - 100, today - 180, today - 20} {
			for segment, want := range map[string]string{"plan=other": "56", "plan=p00": "2"} {
				got := values(t, r, "customers", segment, from, from)
				if got != want {
					t.Errorf("customers of %s %d days ago: %s, want %s", segment, today-from, got, want)
				}
			}
		}
	}
	if n, most := len(r.view.frozen), 28*(kpi.LookBack+maxPeriod+1)+r.mostFrozen; n > most {
		t.Errorf("%d frozen days are kept, more than %d", n, most)
	}
}

// TestOtherOfTwoDimensions: a pair has an "other" of its own, and odd values stay
// where they belong.
func TestOtherOfTwoDimensions(t *testing.T) {
	f := newFake(1)
	f.shards[0].claim("a")
	f.shards[0].at("2026-11-22T10:00:00Z", today-1, 1)
	customers := cell(aggregator.Customers)
	f.shards[0].commit(map[string]aggregator.Row{
		opening(""): {customers: 15}, opening("plan=a|b"): {customers: 8}, opening("plan=x,,country=y"): {customers: 7},
		opening("plan=a|b,country=DE"): {customers: 5}, opening("plan=a|b,country="): {customers: 3},
		opening("plan=x,,country=y,country=,,"): {customers: 4}, opening("plan=x,,country=y,country=FR"): {customers: 3},
	})
	r := NewReader(f, Options{Location: time.UTC, Currency: usd, SegmentCap: 2})
	poll(t, r)
	if got := strings.Join(r.Segments(), " "); got != "plan=a|b plan=a|b,country=DE plan=other,country=other plan=x,,country=y plan=x,,country=y,country=,," {
		t.Errorf("segments: %s", got)
	}
	if got := values(t, r, "customers", "plan=other,country=other", today, today); got != "6?" {
		t.Errorf("customers of other: %s", got)
	}
	err := r.CheckSegment("country=DE,plan=a|b")
	if err == nil || !strings.Contains(err.Error(), `did you mean "plan=a|b,country=DE"?`) {
		t.Errorf("the other way round: %v", err)
	}
}

// TestADimensionThatIsOffInOneShard has no figures in any: the other shards' are
// not those of the company.
func TestADimensionThatIsOffInOneShard(t *testing.T) {
	f := newFake(2)
	for i, s := range f.shards {
		s.claim(fmt.Sprint(i))
		s.at("2026-11-22T10:00:00Z", today-1, 1)
	}
	customers := cell(aggregator.Customers)
	rows := map[string]aggregator.Row{opening(""): {customers: 5}, opening("plan=a"): {customers: 5}, opening("plan=a,country=DE"): {customers: 5}, opening("country=DE"): {customers: 5}}
	f.shards[0].commit(rows)
	f.shards[1].head.Table = (&aggregator.Table{Buckets: 16, Off: []string{"plan", "plan*country"}}).Append(nil)
	f.shards[1].commit(map[string]aggregator.Row{opening(""): {customers: 2}, opening("country=DE"): {customers: 2}})
	r := NewReader(f, Options{Location: time.UTC, Currency: usd})
	poll(t, r)
	if got := strings.Join(r.Segments(), " "); got != "country=DE" {
		t.Errorf("segments: %s", got)
	}
	for _, segment := range []string{"plan=a", "plan=unheard of", "plan=other", "plan=a,country=DE"} {
		if err := r.CheckSegment(segment); err == nil || !strings.Contains(err.Error(), "are switched off") {
			t.Errorf("%s: %v", segment, err)
		}
	}
	v, err := r.Evaluate(context.Background(), alert.KPIRule{Name: "few", KPI: "customers", Segment: "plan=a", Threshold: big.NewRat(10, 1)}, today-1)
	if err != nil || v.Value != nil {
		t.Errorf("a rule on it: %+v, %v", v, err)
	}
	if got := values(t, r, "customers", "country=DE", today, today); got != "7?" {
		t.Errorf("customers of another dimension: %s", got)
	}
}

func TestASegmentThatIsGoneIsNotListed(t *testing.T) {
	f := twoShards()
	r := newReader(t, f)
	poll(t, r)
	f.shards[0].commit(map[string]aggregator.Row{opening("plan=pro"): nil})
	poll(t, r)
	if got := r.Segments(); len(got) != 0 {
		t.Errorf("segments: %v", got)
	}
}

func TestErrorsNameWhatWasRead(t *testing.T) {
	f := twoShards()
	r := newReader(t, f)
	f.err = errors.New("connection refused")
	if _, err := r.Poll(context.Background()); !errors.Is(err, f.err) {
		t.Errorf("Poll says %v", err)
	}
	f.err = nil
	poll(t, r)
	f.err = errors.New("connection refused")
	k, _ := kpi.Lookup("customers")
	if _, err := r.Figures(context.Background(), Query{KPI: k, From: today - 3, To: today}); !errors.Is(err, f.err) {
		t.Errorf("Figures says %v", err)
	}
	f.err = nil
	f.shards[0].commit(map[string]aggregator.Row{"x5|": {cell(aggregator.Customers): 1}})
	if _, err := r.Poll(context.Background()); err == nil || !strings.Contains(err.Error(), "add up shard 0") {
		t.Errorf("a row of no kind gives %v", err)
	}
	f.shards[0].rows = map[string]aggregator.Row{opening(""): {cell(aggregator.Customers): 1}}
	if poll(t, r); values(t, r, "customers", "", today, today) != "6?" {
		t.Errorf("after the damage is gone: %s, want 1 + 5", values(t, r, "customers", "", today, today))
	}
}

func TestEvaluateARule(t *testing.T) {
	f := twoShards()
	r := newReader(t, f)
	poll(t, r)
	rule := alert.KPIRule{Name: "many", KPI: "customers", Above: true, Threshold: big.NewRat(14, 1), Clear: big.NewRat(14, 1), For: 2}
	v, err := r.Evaluate(context.Background(), rule, today-3) // 14 15 17 16?
	if err != nil || !v.Firing || v.Provisional || v.Since != today-2 || v.Value.Cmp(big.NewRat(16, 1)) != 0 {
		t.Errorf("%v %+v", err, v)
	}
	rule.For = 3
	if v, err = r.Evaluate(context.Background(), rule, today-3); err != nil || !v.Provisional {
		t.Errorf("%v %+v", err, v)
	}
	rule.KPI = "customer"
	if _, err = r.Evaluate(context.Background(), rule, today-3); err == nil || !strings.Contains(err.Error(), `rule many: there is no KPI "customer", did you mean "customers"?`) {
		t.Errorf("%v", err)
	}
}

// Poll belongs to one goroutine, the questions to any: run with -race.
func TestQuestionsWhilePolling(t *testing.T) {
	f := twoShards()
	r := newReader(t, f)
	poll(t, r)
	k, _ := kpi.Lookup("customers")
	values(t, r, "customers", "", today, today) // frozen rows once: the fake takes one reader at a time
	stop := make(chan struct{})
	var asking sync.WaitGroup
	for range 2 {
		asking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				figures, err := r.Figures(context.Background(), Query{KPI: k, From: today, To: today})
				if err != nil || len(figures) != 1 {
					t.Errorf("%v %v", figures, err)
					return
				}
				r.Segments()
				r.Ready()
				r.TakeChanged()
			}
		})
	}
	for i := range 200 {
		f.shards[i%2].commit(map[string]aggregator.Row{dayRow(today, ""): {cell(aggregator.Customers): int64(i)}})
		poll(t, r)
	}
	close(stop)
	asking.Wait()
	if got := values(t, r, "customers", "", today, today); got != "414?" { // 12 + 5 + 198 + 199
		t.Errorf("customers at the end: %s", got)
	}
}
