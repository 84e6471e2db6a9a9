package company

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/aggregator"
	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/store"
)

func fig(value string, num int64, complete bool) kpi.Figure {
	return kpi.Figure{KPI: "dau", Window: "1d", Day: "2026-11-22", Value: json.Number(value), Unit: kpi.Count,
		Numerator: num, Denominator: 1, Complete: complete, Watermark: "2026-11-22T10:00:00Z", Formula: "dau/1"}
}

// never is a Why that knows nothing.
func never(kpi.Figure, Sent) alert.Cause { return alert.Cause{} }

// The life of one figure: while its day runs changes are no revisions, from its
// first completeness on each is one.
func TestRevisions(t *testing.T) {
	sent := map[string]Sent{}
	before := func(f kpi.Figure) (Sent, bool) { s, ok := sent[Key(f)]; return s, ok }
	for i, step := range []struct {
		figure   kpi.Figure
		said     bool
		prior    json.Number
		revision int
		seq      uint64
	}{
		{fig("1", 1, false), true, "", 0, 1},
		{fig("1", 1, false), false, "", 0, 0},
		{fig("5", 5, false), true, "1", 0, 2},
		{fig("5", 5, true), true, "5", 0, 3}, // complete, unchanged: said, no revision
		{fig("5", 5, true), false, "", 0, 0},
		{fig("6", 6, true), true, "5", 1, 4},
		{fig("6", 6, false), true, "6", 1, 5}, // the store has lost commits
		{fig("4", 4, false), true, "6", 2, 6}, // whoever read it as complete must hear of it
		{fig("6", 6, true), true, "4", 3, 7},
		{fig("", 0, true), true, "6", 4, 8},
	} {
		changes := Changes(before, []kpi.Figure{step.figure}, false, never)
		if len(changes) != 0 != step.said {
			t.Fatalf("step %d: said %v", i, changes)
		}
		for _, c := range changes {
			if c.Key != "dau|1d||2026-11-22" || c.Sent.Prior != step.prior || c.Figure.Revision != step.revision || c.Sent.Revision != step.revision || c.Sent.Seq != step.seq {
				t.Errorf("step %d: %+v", i, c)
			}
			back, err := parseDay(saidDay{{0, "", c.Sent}}.append(nil), 1)
			if err != nil || len(back) != 1 || back[0].Sent != c.Sent {
				t.Errorf("step %d: %+v is read back as %+v (%v)", i, c.Sent, back, err)
			}
			sent[c.Key] = c.Sent
		}
	}
	again := Changes(before, []kpi.Figure{fig("", 0, true)}, true, never)
	if len(again) != 1 || again[0].Sent != sent[again[0].Key] || again[0].Figure.Revision != 4 {
		t.Errorf("said again: %+v", again)
	}
}

func TestSameValueOfOtherPartsIsAChange(t *testing.T) {
	f := kpi.Figure{KPI: "stickiness", Value: "0.25", Numerator: 1, Denominator: 4, Complete: true}
	before := func(kpi.Figure) (Sent, bool) {
		return Sent{Value: "0.25", Numerator: 250, Denominator: 1000, Complete: true, Settled: true}, true
	}
	if c := Changes(before, []kpi.Figure{f}, false, never); len(c) != 1 || c[0].Figure.Revision != 1 {
		t.Errorf("250 of 1,000 became 1 of 4: %+v", c)
	}
}

func TestChangeAsEvent(t *testing.T) {
	c := Changes(func(kpi.Figure) (Sent, bool) { return Sent{}, false }, []kpi.Figure{fig("5", 5, true)}, false, never)[0]
	b, err := c.Encode("tidemark/prod")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"specversion":"1.0","id":"dau|1d||2026-11-22|1","source":"tidemark/prod","type":"tidemark.kpi.changed","subject":"dau|1d||2026-11-22",` +
		`"time":"2026-11-22T10:00:00Z","datacontenttype":"application/json","data":{"kpi":"dau","window":"1d","segment":"","day":"2026-11-22","value":5,` +
		`"unit":"count","currency":"","numerator":5,"denominator":1,"complete":true,"revision":0,"watermark":"2026-11-22T10:00:00Z","formula":"dau/1","prior_value":null,"cause":null}}`
	if string(b) != want {
		t.Errorf("\n got %s\nwant %s", b, want)
	}
}

// said lists the keys of one KPI among the changes.
func said(b Batch, name string) string {
	var keys []string
	for _, c := range b.Changes {
		if c.Figure.KPI == name {
			day := strings.TrimPrefix(c.Figure.Day, "2026-11-")
			keys = append(keys, c.Figure.Segment+"@"+day+"="+c.Figure.Value.String())
		}
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

// kept lists the days of November that something is stored of for a level.
func kept(t *testing.T, s *sentStore, name, segment string) string {
	t.Helper()
	var days []string
	for day := 1; day <= 30; day++ {
		f := kpi.Figure{KPI: name, Segment: segment, Day: fmt.Sprintf("2026-11-%02d", day)}
		if _, ok := s.of(t, f); ok {
			days = append(days, strconv.Itoa(day))
		}
	}
	return strings.Join(days, " ")
}

func TestFeed(t *testing.T) {
	store := twoShards()
	a, b := store.shards[0], store.shards[1]
	r := newReader(t, store)
	feed := newFeed(t, r, newSentStore())
	now := int64(5_000_000)
	if b := next(t, feed, now); len(b.Changes) != 0 {
		t.Errorf("before the reader is ready: %s", said(b, "customers"))
	}
	poll(t, r)
	batch := next(t, feed, now)
	if got := said(batch, "customers"); got != "@19=14 @20=15 @21=17 @22=16 plan=pro@19=3 plan=pro@20=3 plan=pro@21=3 plan=pro@22=3" {
		t.Errorf("at first every unfrozen day once, got %s", got)
	}
	if got := said(batch, "users_ever"); got != "@22=42 plan=pro@22=0" {
		t.Errorf("what has no day is said for the running one only, got %s", got)
	}

	// A change of the running day and one of a past day.
	customers := cell(aggregator.Customers)
	b.commit(map[string]aggregator.Row{dayRow(today, ""): {customers: 4}})
	a.commit(map[string]aggregator.Row{dayRow(today-1, ""): {customers: 3}})
	poll(t, r)
	if got := said(next(t, feed, now+999), "customers"); got != "" {
		t.Errorf("before the interval is over: %s", got)
	}
	if got := said(next(t, feed, now+1000), "customers"); got != "@22=21" { // 16 + 4 + 1
		t.Errorf("the running day after the interval: %s", got)
	}
	if got := said(next(t, feed, now+30_000), "customers"); got != "" {
		t.Errorf("past days come once a minute, got %s", got)
	}
	batch = next(t, feed, now+60_000)
	if got := said(batch, "customers"); got != "@21=18" {
		t.Errorf("past days after a minute: %s", got)
	}
	if c := batch.Changes[slices.IndexFunc(batch.Changes, func(c Change) bool { return c.Figure.KPI == "customers" })]; c.Figure.Revision != 1 || c.Sent.Prior != "17" {
		t.Errorf("a complete day that changes is a revision: %+v", c)
	}

	// The day ends in both shards: its figures are complete.
	a.at("2026-11-23T00:00:01Z", today-3, 120)
	b.at("2026-11-23T00:00:00Z", today-2, 60)
	a.commit(nil)
	b.commit(nil)
	poll(t, r)
	batch = next(t, feed, now+61_000)
	if got := said(batch, "customers"); got != "@22=21 @23=21 plan=pro@22=3 plan=pro@23=3" {
		t.Errorf("when the day has ended: %s", got)
	}

	// Freezing drops what was said of the day, but not where it was revised.
	for _, s := range store.shards {
		for s.head.FirstDay < today {
			s.advance()
		}
	}
	poll(t, r)
	batch = next(t, feed, now+62_000)
	if got := kept(t, feed.store, "customers", ""); got != "21 22 23" {
		t.Errorf("what was said is kept of the days %s", got)
	}
	for _, c := range next(t, feed, now+200_000).Changes {
		if c.Figure.Day < "2026-11-22" {
			t.Errorf("said of a frozen day: %s", c.Key)
		}
	}
}

func TestFeedGoesOnAfterATakeOver(t *testing.T) {
	store := twoShards()
	r := newReader(t, store)
	poll(t, r)
	first := newFeed(t, r, newSentStore())
	stored := len(next(t, first, 0).Changes)
	second := newFeed(t, r, first.store.clone())
	b := next(t, second, 0)
	if len(b.Changes) != stored {
		t.Errorf("%d figures are said again of %d", len(b.Changes), stored)
	}
	for _, c := range b.Changes {
		if c.Sent.Seq != 1 || c.Figure.Revision != 0 {
			t.Fatalf("said again as if it were new: %+v", c)
		}
	}
	if b = next(t, second, 1000); len(b.Changes) != 0 {
		t.Errorf("said a third time: %d", len(b.Changes))
	}
}

func TestFeedSaysMuchInParts(t *testing.T) {
	store := twoShards()
	store.shards[0].at("2026-11-22T10:00:00Z", today-100, 1)
	store.shards[1].at("2026-11-22T10:00:00Z", today-100, 1)
	store.shards[0].commit(nil)
	store.shards[1].commit(nil)
	store.scores = fmt.Appendf(nil, `{"at":%d,"segments":{"":{"customers":2,"sum":"101/2"}}}`, store.shards[0].head.Watermark)
	r := newReader(t, store)
	poll(t, r)
	feed := newFeed(t, r, newSentStore())
	total, calls, keys := 0, 0, map[string]bool{}
	for {
		b := next(t, feed, 0)
		if len(b.Changes) == 0 {
			break
		}
		if len(b.Changes) > feedBatch+200 { // and the figures of a day
			t.Errorf("%d changes in one batch", len(b.Changes))
		}
		for _, c := range b.Changes {
			keys[c.Key] = true
		}
		total, calls = total+len(b.Changes), calls+1
	}
	// 101 days, 14 August to 22 November. Calendar windows are said on their last
	// day and on the running one; what is for now only, on the running day.
	ends := map[string]int{"month": 3 + 1, "quarter": 1 + 1, "week": 15 + 1}
	want := 0
	for _, k := range kpi.All() {
		for _, w := range k.Windows {
			switch {
			case k.Bucketed(): // no row has a bucket
			case k.NowOnly:
				want++
			case ends[w] > 0:
				want += ends[w]
			default:
				want += 101
			}
		}
	}
	want *= 2 // the whole, and one segment
	if total != want || len(keys) != want || calls < 3 {
		t.Errorf("%d figures (%d keys) in %d calls, want %d", total, len(keys), calls, want)
	}
}

func TestFeedSaysOtherAnewWhenItsMembersChange(t *testing.T) {
	store := newFake(1)
	s := store.shards[0]
	s.claim("a")
	s.at("2026-11-22T10:00:00Z", today-1, 1)
	customers := cell(aggregator.Customers)
	s.commit(map[string]aggregator.Row{opening("plan=a"): {customers: 3}, opening("plan=b"): {customers: 2}, opening("plan=c"): {customers: 1}})
	r := NewReader(store, Options{Location: newReader(t, store).opts.Location, Currency: usd, SegmentCap: 1})
	poll(t, r)
	feed := newFeed(t, r, newSentStore())
	if got := said(next(t, feed, 0), "customers"); got != "@21=0 @22=0 plan=a@21=3 plan=a@22=3 plan=other@21=3 plan=other@22=3" {
		t.Errorf("at first: %s", got)
	}
	s.commit(map[string]aggregator.Row{dayRow(today, "plan=c"): {customers: 7}}) // c has 8 now, a goes to other
	poll(t, r)
	if got := said(next(t, feed, 1000), "customers"); got != "plan=c@22=8 plan=other@22=5" {
		t.Errorf("the running day, regrouped: %s", got)
	}
	if got := said(next(t, feed, 60_000), "customers"); got != "plan=c@21=1 plan=other@21=5" {
		t.Errorf("past days, regrouped: %s", got)
	}
}

// A late event's figures are said with the message that brought them, by day and
// segment; what time brings, with the moment.
func TestFeedNamesCauses(t *testing.T) {
	fakes := twoShards()
	a := fakes.shards[0]
	r := newReader(t, fakes)
	poll(t, r)
	feed := newFeed(t, r, newSentStore())
	find := func(b Batch, key string) Change {
		t.Helper()
		i := slices.IndexFunc(b.Changes, func(c Change) bool { return c.Key == key })
		if i < 0 {
			t.Fatalf("%s is not said", key)
		}
		return b.Changes[i]
	}
	if c := find(next(t, feed, 0), "customers|||2026-11-21"); c.Sent.Cause != (alert.Cause{}) {
		t.Errorf("the cause of history is %+v", c.Sent.Cause)
	}
	// Late for the 21st, of plan=pro; then for the 22nd, of no plan of interest.
	customers := cell(aggregator.Customers)
	a.causes = []store.Cause{{Topic: "money", Offset: 7, Day: today - 1, Segments: []string{"plan=pro"}}, {Topic: "logins", Offset: 9, Day: today}}
	a.commit(map[string]aggregator.Row{dayRow(today-1, ""): {customers: 3}, dayRow(today-1, "plan=pro"): {customers: 1}})
	poll(t, r)
	b := next(t, feed, 60_000)
	for key, want := range map[string]alert.Cause{
		"customers|||2026-11-21": {Topic: "money", Offset: 7}, "customers||plan=pro|2026-11-21": {Topic: "money", Offset: 7},
		"customers|||2026-11-22": {Topic: "logins", Offset: 9}, "customers||plan=pro|2026-11-22": {Topic: "money", Offset: 7},
	} {
		c := find(b, key)
		if back, ok := feed.store.of(t, c.Figure); c.Sent.Cause != want || !ok || back != c.Sent {
			t.Errorf("the cause of %s is %+v, want %+v; read back %+v", key, c.Sent.Cause, want, back)
		}
	}
	if c := find(b, "customers|||2026-11-21"); c.Sent.Prior != "17" || c.Figure.Revision != 1 {
		t.Errorf("the whole on the 21st: %+v", c)
	}
	// The day ends: nothing but time.
	a.causes = nil
	for i, s := range fakes.shards {
		s.at("2026-11-23T00:00:01Z", s.head.FirstDay, int64(130+i))
		s.commit(nil)
	}
	poll(t, r)
	b = next(t, feed, 61_000)
	for _, key := range []string{"customers|||2026-11-22", "customers|||2026-11-23"} {
		if c := find(b, key); c.Sent.Cause != (alert.Cause{Timer: "2026-11-23T00:00:00Z"}) {
			t.Errorf("the cause of %s is %+v", key, c.Sent.Cause)
		}
	}
}

// Of several messages in one publication each KPI names the latest that moves it.
func TestCausesAreMatchedByKPI(t *testing.T) {
	fakes := twoShards()
	a := fakes.shards[0]
	r := newReader(t, fakes)
	poll(t, r)
	feed := newFeed(t, r, newSentStore())
	next(t, feed, 0)
	login, purchase, survey := CauseKind(event.Login, true), CauseKind(event.Purchase, false), CauseKind(event.Survey, false)
	a.causes = []store.Cause{
		{Topic: "logins", Offset: 9, Kind: login, Day: today - 1}, {Topic: "money", Offset: 7, Kind: purchase, Day: today - 1},
		{Topic: "surveys", Offset: 4, Kind: survey, Day: today - 1}, {Topic: "logins", Offset: 10, Kind: login, Day: today}, // of a later day
	}
	a.commit(map[string]aggregator.Row{dayRow(today-1, ""): {cell(aggregator.UsersActive1): 1, cell(aggregator.Customers): 1,
		cell(aggregator.NPSPromoters90): 1, cell(aggregator.Silent): 1}})
	poll(t, r)
	b := next(t, feed, 60_000)
	for key, want := range map[string]alert.Cause{
		"dau|1d||2026-11-21":            {Topic: "logins", Offset: 9},
		"customers|||2026-11-21":        {Topic: "money", Offset: 7},
		"promoters|90d||2026-11-21":     {Topic: "surveys", Offset: 4},
		"silent_customers|||2026-11-21": {Topic: "surveys", Offset: 4}, // any may have moved it
	} {
		i := slices.IndexFunc(b.Changes, func(c Change) bool { return c.Key == key })
		if i < 0 || b.Changes[i].Sent.Cause != want {
			t.Errorf("the cause of %s is not %+v (%d)", key, want, i)
			continue
		}
	}
}

// A change of the last unfrozen day is said although the day freezes before the
// minute is over, and by the next feed where the one before did not get to it.
func TestFeedSaysWhatFreezes(t *testing.T) {
	fakes := newFake(1)
	s := fakes.shards[0]
	s.claim("a")
	s.at("2026-11-22T10:00:00Z", today-3, 1)
	customers := cell(aggregator.Customers)
	s.commit(map[string]aggregator.Row{opening(""): {customers: 5}})
	r := newReader(t, fakes)
	poll(t, r)
	feed := newFeed(t, r, newSentStore())
	next(t, feed, 0)
	stored := feed.store.clone()
	s.commit(map[string]aggregator.Row{opening(""): {customers: 6}})
	s.advance() // freezes the 19th
	poll(t, r)
	successor := newFeed(t, r, stored)
	// In this order: the first takes from their reader what has changed, and the
	// second looks at everything anyway.
	for _, x := range []struct {
		name string
		feed testFeed
	}{{"the same feed", feed}, {"the next feed", successor}} {
		name, b := x.name, next(t, x.feed, 2000)
		i := slices.IndexFunc(b.Changes, func(c Change) bool { return c.Key == "customers|||2026-11-19" })
		if i < 0 || b.Changes[i].Figure.Value != "6" || b.Changes[i].Figure.Revision != 1 || b.Changes[i].Sent.Prior != "5" {
			t.Errorf("%s: the frozen day is not said as a revision: %s", name, said(b, "customers"))
		}
		if got := kept(t, x.feed.store, "customers", ""); got != "19 20 21 22" {
			t.Errorf("%s: what was revised is kept of the days %s", name, got)
		}
		if got := kept(t, x.feed.store, "mrr", ""); got != "20 21 22" {
			t.Errorf("%s: what was not revised is kept of the days %s", name, got)
		}
	}
}

// What was said of a segment is corrected when its last customer has left it.
func TestFeedSaysSegmentsThatAreEmpty(t *testing.T) {
	fakes := newFake(1)
	s := fakes.shards[0]
	s.claim("a")
	s.at("2026-11-22T10:00:00Z", today-1, 1)
	customers := cell(aggregator.Customers)
	s.commit(map[string]aggregator.Row{opening("plan=a"): {customers: 1}, opening("plan=b"): {customers: 1}})
	r := newReader(t, fakes)
	poll(t, r)
	feed := newFeed(t, r, newSentStore())
	next(t, feed, 0)
	s.commit(map[string]aggregator.Row{opening("plan=a"): nil, opening("plan=b"): {customers: 2}})
	poll(t, r)
	if got := said(next(t, feed, 60_000), "customers"); got != "plan=a@21=0 plan=a@22=0 plan=b@21=2 plan=b@22=2" {
		t.Errorf("said %s", got)
	}
}

// HTTP and the command line say the revision that the topic says, or will say.
func TestFiguresCarryRevisions(t *testing.T) {
	fakes := twoShards()
	stored := newSentStore()
	r := NewReader(fakes, Options{Location: newReader(t, fakes).opts.Location, Currency: usd, Said: stored.read})
	poll(t, r)
	k, err := kpi.Find("customers")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name     string
		sent     *Sent
		revision int
		complete bool
	}{ // on the 21st there are 17 customers
		{"never said", nil, 0, true},
		{"said as it is", &Sent{Value: "17", Numerator: 17, Denominator: 1, Complete: true, Settled: true, Revision: 2}, 2, true},
		{"to be said", &Sent{Value: "16", Numerator: 16, Denominator: 1, Complete: true, Settled: true, Revision: 2}, 3, true},
		{"not yet said to be complete", &Sent{Value: "16", Numerator: 16, Denominator: 1}, 0, false},
	} {
		if x.sent != nil {
			stored.say(t, kpi.Figure{KPI: "customers", Day: "2026-11-21"}, *x.sent)
		}
		figures, err := r.Figures(context.Background(), Query{KPI: k, From: today - 1, To: today - 1})
		if err != nil || len(figures) != 1 || figures[0].Revision != x.revision || figures[0].Complete != x.complete {
			t.Errorf("%s: %+v, %v", x.name, figures, err)
		}
	}
}
