package aggregator

import "testing"

func retainedOf(s *Shard, c *customer, from int32) func(Cell, int32) int64 {
	return levelsOf(s, func(e *emitter) { s.contributeRetained(e, c, from) })
}

// 30 from day 100 on, 50 from day 150, 20 from day 200, gone on day 220.
//
// 30 days: what was paid at the start is the amount 30 days before. Of those who
// paid then, the end is today's amount, and kept the smaller of the two:
//
//	days      start  end  kept
//	130-149      30   30    30
//	150-179      30   50    30
//	180-199      50   50    50
//	200-219      50   20    20
//	220-229      50    0     0
//	230-249      20    0     0
func TestRetained(t *testing.T) {
	s := testShard(t)
	c := customerOf(s, pays(100, "", 30, usd), pays(150, "", 50, usd), pays(200, "", 20, usd), leaves(220, ""))
	level := retainedOf(s, c, noDay)
	expect(t, level, Cell{Counter: StartMRR30, Currency: usd}, 90, 400, join(stretch(130, 180, 30), stretch(180, 230, 50), stretch(230, 250, 20)))
	expect(t, level, Cell{Counter: EndMRR30, Currency: usd}, 90, 400, join(stretch(130, 150, 30), stretch(150, 200, 50), stretch(200, 220, 20)))
	expect(t, level, Cell{Counter: KeptMRR30, Currency: usd}, 90, 400, join(stretch(130, 180, 30), stretch(180, 200, 50), stretch(200, 220, 20)))
	expect(t, level, Cell{Counter: StartMRR90, Currency: usd}, 90, 400, join(stretch(190, 240, 30), stretch(240, 290, 50), stretch(290, 310, 20)))
	expect(t, level, Cell{Counter: EndMRR90, Currency: usd}, 90, 400, join(stretch(190, 200, 50), stretch(200, 220, 20)))
	expect(t, level, Cell{Counter: KeptMRR90, Currency: usd}, 90, 400, join(stretch(190, 200, 30), stretch(200, 220, 20)))
}

// Months. Day 0 is 1970-01-01, day 31 1 February, day 59 1 March, day 90 1 April.
// Joined on day 10 (10 back on day 15), 30 from day 40 on, gone on day 70. January has no start; on
// the days of February the start is what was paid at the end of January, 10; in March 30.
func TestRetainedOfTheMonth(t *testing.T) {
	s := testShard(t)
	c := customerOf(s, pays(10, "", 40, usd), pays(15, "", 10, usd), pays(40, "", 30, usd), leaves(70, ""))
	level := retainedOf(s, c, noDay)
	expect(t, level, Cell{Counter: StartMRRMonth, Currency: usd}, 0, 200, join(stretch(31, 59, 10), stretch(59, 90, 30)))
	expect(t, level, Cell{Counter: EndMRRMonth, Currency: usd}, 0, 200, join(stretch(31, 40, 10), stretch(40, 70, 30)))
	expect(t, level, Cell{Counter: KeptMRRMonth, Currency: usd}, 0, 200, join(stretch(31, 59, 10), stretch(59, 70, 30)))
	expect(t, level, Cell{Counter: StartMRRQuarter, Currency: usd}, 0, 200, nil) // joined and left within the quarter
}

// Each currency by itself: 30 dollars at the start are 28 euros at the end, and
// nothing of it is kept.
func TestRetainedInTwoCurrencies(t *testing.T) {
	s := testShard(t)
	c := customerOf(s, pays(100, "", 30, usd), pays(150, "", 28, eur))
	level := retainedOf(s, c, noDay)
	expect(t, level, Cell{Counter: StartMRR30, Currency: usd}, 90, 300, stretch(130, 180, 30))
	expect(t, level, Cell{Counter: EndMRR30, Currency: usd}, 90, 300, stretch(130, 150, 30))
	expect(t, level, Cell{Counter: KeptMRR30, Currency: usd}, 90, 300, stretch(130, 150, 30))
	expect(t, level, Cell{Counter: StartMRR30, Currency: eur}, 90, 300, stretch(180, 301, 28))
	expect(t, level, Cell{Counter: EndMRR30, Currency: eur}, 90, 300, stretch(150, 301, 28))
	expect(t, level, Cell{Counter: KeptMRR30, Currency: eur}, 90, 300, stretch(180, 301, 28))
}

// What is emitted from a day on is what holds from it on.
func TestRetainedFromADayOn(t *testing.T) {
	s := testShard(t)
	c := customerOf(s, pays(100, "", 30, usd), pays(150, "", 50, usd), pays(200, "", 20, usd), leaves(220, ""), pays(230, "", 10, eur))
	whole, part := retainedOf(s, c, noDay), retainedOf(s, c, 190)
	for _, k := range []Counter{StartMRR30, EndMRR30, KeptMRR30, StartMRRMonth, EndMRRMonth, KeptMRRMonth, StartMRRQuarter, EndMRRQuarter, KeptMRRQuarter} {
		for d := int32(90); d < 400; d++ {
			x := Cell{Counter: k, Currency: usd}
			want := whole(x, d)
			if d < 190 {
				want = 0
			}
			if got := part(x, d); got != want {
				t.Errorf("%s on day %d: %d, want %d", k, d, got, want)
			}
		}
	}
}
