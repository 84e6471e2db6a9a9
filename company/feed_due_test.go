package company

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/aggregator"
)

// TestFeedWhenTheClockIsSetBack goes on within an interval of it.
func TestFeedWhenTheClockIsSetBack(t *testing.T) {
	fakes := twoShards()
	r := newReader(t, fakes)
	poll(t, r)
	feed := newFeed(t, r, newSentStore())
	next(t, feed, 1_000_000)
	customers := cell(aggregator.Customers)
	fakes.shards[0].commit(map[string]aggregator.Row{dayRow(today, ""): {customers: 3}, dayRow(today-1, ""): {customers: 3}})
	poll(t, r)
	if got := said(next(t, feed, 1000), "customers"); got != "" {
		t.Errorf("before an interval is over: %s", got)
	}
	if got := said(next(t, feed, 2000), "customers"); got != "@22=21" { // 10 + 3 + 3, and 5
		t.Errorf("after an interval: %s", got)
	}
	if got := said(next(t, feed, 61_000), "customers"); got != "@21=18" {
		t.Errorf("past days after a minute: %s", got)
	}
}

// TestTheRunningDayDoesNotWaitForPastOnes: after a take-over, and whenever a day
// freezes, all days that are not frozen are looked at, which takes very many calls.
func TestTheRunningDayDoesNotWaitForPastOnes(t *testing.T) {
	fakes := newFake(1)
	s := fakes.shards[0]
	s.claim("a")
	s.at("2026-11-22T10:00:00Z", today-100, 1)
	customers := cell(aggregator.Customers)
	rows := map[string]aggregator.Row{opening(""): {customers: 20}}
	for n := range 20 {
		rows[opening(fmt.Sprint("plan=", n))] = aggregator.Row{customers: 1}
	}
	s.commit(rows)
	r := newReader(t, fakes)
	poll(t, r)
	feed := newFeed(t, r, newSentStore())
	feed.interval = 200
	now := int64(0)
	tick := func() string {
		now += 50
		return said(next(t, feed, now), "customers")
	}
	for range 10 { // of the 53 and more that 21 × 101 days take
		tick()
	}
	s.commit(map[string]aggregator.Row{dayRow(today, ""): {customers: 7}})
	poll(t, r)
	changed, heard := now, int64(0)
	total := 0
	for len(feed.running)+len(feed.past) > 0 {
		words := strings.Fields(tick())
		total += len(words)
		if heard == 0 && slices.Contains(words, "@22=27") {
			heard = now
			if len(feed.past) < 1000 {
				t.Errorf("only %d past days are due", len(feed.past))
			}
		}
	}
	if heard == 0 || heard-changed > 2*feed.interval {
		t.Errorf("the running day is said %d ms after its change", heard-changed)
	}
	if total < 21*101-400 {
		t.Errorf("%d figures of customers are said", total)
	}
}

// TestPastDaysAreSaidBesideARunningDayThatIsNeverDone: with very many segments it is
// due again before all have been looked at.
func TestPastDaysAreSaidBesideARunningDayThatIsNeverDone(t *testing.T) {
	_, _, r := oneShard(t)
	feed := newFeed(t, r, newSentStore())
	next(t, feed, 0)
	running, past := segmentDay{segment: "plan=a", day: today}, segmentDay{segment: "plan=a", day: today - 1}
	for range 1000 {
		feed.running, feed.past = append(feed.running, running), append(feed.past, past)
	}
	for range 20 {
		next(t, feed, 1)
	}
	// 20 calls of 40, every fourth for the past.
	if len(feed.running) != 400 || len(feed.past) != 800 {
		t.Errorf("%d of the running day and %d past days are left of 1,000 each, want 400 and 800", len(feed.running), len(feed.past))
	}
}

// TestFeedOfADimensionThatIsOffInOneShard: what the other shards still have of it is
// not the company's, and readers keep the last values that were. What was due when it
// was switched off is not said any more.
func TestFeedOfADimensionThatIsOffInOneShard(t *testing.T) {
	fakes := newFake(2)
	customers := cell(aggregator.Customers)
	for i, s := range fakes.shards {
		s.claim(fmt.Sprint(i))
		s.at("2026-11-22T10:00:00Z", today-1, 1)
		s.commit(map[string]aggregator.Row{opening("country=DE"): {customers: 1}, opening("plan=a"): {customers: int64(3 + i)}, opening("plan=b"): {customers: 1}})
	}
	r := newReader(t, fakes)
	poll(t, r)
	begun, whole := newFeed(t, r, newSentStore()), newFeed(t, r, newSentStore())
	begun.fill(0)
	if got := said(next(t, whole, 0), "customers"); got != "@21=0 @22=0 country=DE@21=2 country=DE@22=2 plan=a@21=7 plan=a@22=7 plan=b@21=2 plan=b@22=2" {
		t.Fatalf("at first: %s", got)
	}
	s := fakes.shards[1]
	s.head.Table = (&aggregator.Table{Buckets: 16, Off: []string{"plan"}}).Append(nil)
	s.commit(map[string]aggregator.Row{opening("country=DE"): {customers: 2}, opening("plan=a"): nil, opening("plan=b"): nil})
	poll(t, r)
	if got := said(next(t, whole, 60_000), "customers"); got != "country=DE@21=3 country=DE@22=3" {
		t.Errorf("when it is off: %s", got)
	}
	if got := said(next(t, begun, 0), "customers"); got != "@21=0 @22=0 country=DE@21=3 country=DE@22=3" {
		t.Errorf("what was due before: %s", got)
	}
	if got := said(next(t, newFeed(t, r, whole.store), 0), "customers"); got != "@21=0 @22=0 country=DE@21=3 country=DE@22=3" {
		t.Errorf("after a take-over: %s", got)
	}
}
