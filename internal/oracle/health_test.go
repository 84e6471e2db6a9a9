package oracle_test

import (
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/oracle"
)

// silence is a customer who pays on 1 March, logs in each day up to the 20th,
// and then no more. No survey, no ticket, no invoice: of a weight of 85 the
// last two signals with their 10 points each make 250 of 850 always.
//
//	day       activity (30)     recency (25)  tenure (5)  sum of 850
//	 1 March   1 day:   60      0 days: 250   20          580  68.2
//	 2 March   2 days: 120             250    20          640  75.3
//	20 March  20 days: 300      0 days: 250   20          820  96.47
//	22 March            300     2 days: 200   20          770  90.6
//	24 March            300     4 days: 150   20          720  84.7
//	28 March            300     8 days: 75    20          645  75.9
//	31 March  19 days: 300             75     30 (30 d.)  655  77.1
//	 4 April  15 days: 300     15 days: 25    30          605  71.2  lost below 72: amber
//	 5 April  14 days: 240             25     30          545  64.1
//	12 April   7 days: 180             25     30          485  57.1
//	16 April   3 days: 120             25     30          425  50.0  not below 50
//	17 April   2 days: 120             25     30          425
//	18 April   1 day:   60             25     30          365  42.9  red
//	19 April   none                    25     30          305  35.9
//	20 April                   31 days: 0     30          280  32.9
func silence(t *testing.T) *script {
	s := scenario(t, "UTC")
	s.buys("c", "", 1000, "2024-03-01 10:00")
	for i := range 20 {
		s.login("c", "u", date("2024-03-01", i)+" 11:00")
	}
	return s
}

func TestSilenceTurnsAmberThenRed(t *testing.T) {
	s := silence(t)
	r := s.rest("2024-04-21 12:00")
	for _, c := range []struct {
		from, to string
		band     oracle.Band
	}{
		{"2024-02-20", "2024-02-29", oracle.None},
		{"2024-03-01", "2024-03-01", oracle.Amber},
		{"2024-03-02", "2024-04-03", oracle.Green},
		{"2024-04-04", "2024-04-17", oracle.Amber},
		{"2024-04-18", "2024-04-30", oracle.Red}, // coming days carry the live band
	} {
		for d := day(c.from); d <= day(c.to); d++ {
			r.band(date(c.from, int(d-day(c.from))), c.band)
		}
	}
	r.cents("MRRAtRisk", "USD", "2024-04-17", 0)
	r.cents("MRRAtRisk", "USD", "2024-04-18", 1000)
	r.firing("2024-04-18")
	for _, c := range []struct {
		at         string
		num, of    int64
		band       oracle.Band
		firesSince string
	}{
		{"2024-03-20 23:00", 820, 850, oracle.Green, ""},
		{"2024-03-22 00:00", 770, 850, oracle.Green, ""},
		{"2024-03-24 23:59", 720, 850, oracle.Green, ""},
		{"2024-03-28 12:00", 645, 850, oracle.Green, ""},
		{"2024-03-31 12:00", 655, 850, oracle.Green, ""},
		{"2024-04-03 23:59:59", 655, 850, oracle.Green, ""}, // 16 days, 14 days ago: 3 points yet
		{"2024-04-04 00:00", 605, 850, oracle.Amber, ""},
		{"2024-04-05 00:00", 545, 850, oracle.Amber, ""},
		{"2024-04-12 00:00", 485, 850, oracle.Amber, ""},
		{"2024-04-16 00:00", 425, 850, oracle.Amber, ""},
		{"2024-04-17 23:59:59", 425, 850, oracle.Amber, ""},
		{"2024-04-18 00:00", 365, 850, oracle.Red, "2024-04-18"},
		{"2024-04-19 00:00", 305, 850, oracle.Red, "2024-04-18"},
		{"2024-04-20 00:00", 280, 850, oracle.Red, "2024-04-18"},
	} {
		r := s.rest(c.at)
		got := r.Customers["c"]
		if want := big.NewRat(100*c.num, c.of); got.Score == nil || got.Score.Cmp(want) != 0 || got.Band != c.band {
			t.Errorf("%s: score %v %s, want %v %s", c.at, got.Score, got.Band, want, c.band)
		}
		r.firing(c.firesSince)
	}
}

// The same customer logs in again on 22 April at noon, while the score is that
// of 280 of 850: from the start of that day 60 + 250 + 280 = 590, 69.4. Amber,
// not below 53. The alert goes on for 24 h after the last moment of red.
func TestReturn(t *testing.T) {
	s := silence(t)
	s.login("c", "u", "2024-04-22 12:00")
	r := s.rest("2024-04-22 23:59")
	r.band("2024-04-21", oracle.Red)
	r.band("2024-04-22", oracle.Amber)
	r.firing("2024-04-18")
	s.rest("2024-04-22 23:59:59.999").firing("2024-04-18")
	s.rest("2024-04-23 00:00").firing("")
}

// The default profile, signal by signal, and contributions that add up.
func TestContributions(t *testing.T) {
	s := scenario(t, "UTC")
	s.buys("c", "", 1000, "2024-01-01 10:00")
	s.login("c", "u", "2024-03-30 11:00")
	s.login("c", "v", "2024-03-31 11:00")
	s.answers("c", "u", event.NPS, 8, 0, 10, "2024-03-01 09:00")
	s.answers("c", "v", event.CSAT, 1, 1, 5, "2024-03-02 09:00") // an NPS answer goes first
	s.signals("c", "ticket_opened", "t", "2024-04-01 12:00")
	s.signals("c", "invoice_late", "i", "2024-04-01 12:00")
	got := s.rest("2024-04-02 12:00").Customers["c"]
	// tenure: 31 + 29 + 31 + 1 = 92 days
	want := []struct {
		signal           string
		value            int64
		points, weighted int64
	}{
		{"activity", 2, 4, 120}, {"recency", 2, 8, 200}, {"survey", 8, 6, 90},
		{"tickets", 24, 4, 60}, {"invoices", 1, 3, 30}, {"tenure", 92, 8, 40},
	} // together 540 of 1000
	if len(got.Contributions) != len(want) {
		t.Fatalf("%d contributions: %+v", len(got.Contributions), got.Contributions)
	}
	for i, w := range want {
		c := got.Contributions[i]
		if c.Signal != w.signal || c.Value.Cmp(big.NewRat(w.value, 1)) != 0 || c.Points != w.points ||
			c.Share.Cmp(big.NewRat(100*w.weighted, 1000)) != 0 {
			t.Errorf("%s: value %v, %d points, share %v, want %+v", c.Signal, c.Value, c.Points, c.Share, w)
		}
	}
	if got.Score.Cmp(big.NewRat(54, 1)) != 0 || got.Band != oracle.Amber {
		t.Errorf("score %v %s, want 54 amber", got.Score, got.Band)
	}
}

// Points of an answer, by what it is.
func TestSurveySignal(t *testing.T) {
	for _, c := range []struct {
		kind            event.SurveyKind
		score, min, max int32
		points          int64
	}{
		{event.NPS, 9000, 0, 10000, 10}, {event.NPS, 7000, 1000, 10000, 6}, {event.NPS, 6999, 0, 10000, 0}, {event.NPS, 70000, 0, 100000, 6},
		{event.CSAT, 5000, 1000, 5000, 10}, {event.CSAT, 4000, 1000, 5000, 8}, {event.CSAT, 3999, 1000, 5000, 4}, {event.CSAT, 2000, 1000, 5000, 0},
		{event.CSAT, 7750, 1000, 10000, 8}, {event.CSAT, 7749, 1000, 10000, 4}, {event.CSAT, 3000, 0, 3000, 10},
	} {
		s := scenario(t, "UTC")
		s.buys("c", "", 1000, "2024-03-01 10:00")
		a := s.answers("c", "u", c.kind, 0, 0, 0, "2024-03-01 09:00")
		a.Survey.Score, a.Survey.Min, a.Survey.Max = c.score, c.min, c.max
		got := s.rest("2024-03-02").Customers["c"].Contributions
		if len(got) != 6 || got[2].Points != c.points {
			t.Errorf("%+v: %+v", c, got)
		}
	}
	s := scenario(t, "UTC")
	s.buys("c", "", 1000, "2024-03-01 10:00")
	s.answers("c", "u", event.NPS, 9, 0, 10, "2024-03-01 09:00")
	s.answers("c", "u", event.CSAT, 5, 1, 5, "2024-03-02 09:00")
	for at, want := range map[string]int{"2024-05-29 23:59": 6, "2024-05-30 00:00": 6, "2024-05-31 00:00": 5} {
		// 1 March is the first of 90 days up to 29 May; then CSAT of 2 March, up to 30 May.
		if got := s.rest(at).Customers["c"].Contributions; len(got) != want {
			t.Errorf("%s: %d contributions, want %d", at, len(got), want)
		}
	}
	if got := s.rest("2024-05-30 00:00").Customers["c"].Contributions[2].Value; got.Cmp(big.NewRat(5, 1)) != 0 {
		t.Errorf("on 30 May the CSAT answer is read: got %v", got)
	}
}

// dial makes a profile with one signal: the number of late invoices picks the
// score, so that scenarios can say scores.
func dial(s *script, scores ...int64) {
	s.cfg.Profile = oracle.Profile{MaxPoints: 100, Amber: 50, Green: 75, Hysteresis: 3, MinCoverage: 500}
	signal := oracle.Signal{Name: "dial", Weight: 7, Reads: oracle.LateInvoices}
	for i, score := range scores {
		signal.Steps = append(signal.Steps, oracle.Step{From: int64(i), Points: score})
	}
	s.cfg.Profile.Signals = []oracle.Signal{signal}
}

// Red is left at 53, green is lost below 72, and not otherwise.
func TestHysteresis(t *testing.T) {
	s := scenario(t, "UTC")
	scores := []int64{80, 72, 71, 74, 50, 49, 52, 53, 75, 72, 49, 75, 20, 72}
	bands := []oracle.Band{oracle.Green, oracle.Green, oracle.Amber, oracle.Amber, oracle.Amber, oracle.Red, oracle.Red,
		oracle.Amber, oracle.Green, oracle.Green, oracle.Red, oracle.Green, oracle.Red, oracle.Amber}
	dial(s, scores...)
	s.buys("c", "", 1000, "2024-03-01 10:00")
	for i := 1; i < len(scores); i++ {
		s.signals("c", "invoice_late", fmt.Sprint(i), date("2024-03-01", i)+" 12:00")
	}
	r := s.rest("2024-03-14 12:00")
	for i, band := range bands {
		r.band(date("2024-03-01", i), band)
	}
}

// After a day that ended without paying the walk begins anew; within a day it
// goes on.
func TestWalkRestarts(t *testing.T) {
	s := scenario(t, "UTC")
	dial(s, 49, 52)
	s.buys("c", "", 1000, "2024-03-01 10:00")
	s.signals("c", "invoice_late", "i", "2024-03-02 12:00")
	s.cancels("c", "", "2024-03-03 12:00", "")
	s.buys("c", "", 1000, "2024-03-03 13:00") // back on the same day
	r := s.rest("2024-03-04 12:00")
	r.band("2024-03-01", oracle.Red)
	r.band("2024-03-03", oracle.Red) // 52 does not leave red

	s.cancels("c", "", "2024-03-04 12:00", "")
	s.buys("c", "", 1000, "2024-03-05 13:00")
	r = s.rest("2024-03-06 12:00")
	r.band("2024-03-04", oracle.None)
	r.band("2024-03-05", oracle.Amber)                          // but 52 is amber for who comes new
	s.rest("2024-03-05 12:00").band("2024-03-05", oracle.Amber) // its own now is that of the purchase
}

// Under half of the weight there is no band, and out of unknown no hysteresis.
func TestUnknown(t *testing.T) {
	s := scenario(t, "UTC")
	s.cfg.Profile = oracle.Profile{MaxPoints: 100, Amber: 50, Green: 75, Hysteresis: 3, MinCoverage: 501, Signals: []oracle.Signal{
		{Name: "answer", Weight: 50, Reads: oracle.LastAnswer, Window: 2, Steps: []oracle.Step{{From: 0, Points: 45}, {From: 9, Points: 52}}},
		{Name: "rest", Weight: 50, Reads: oracle.Tenure, Steps: []oracle.Step{{From: 0, Points: 52}}},
	}}
	s.buys("c", "", 1000, "2024-03-01 10:00")
	s.answers("c", "", event.NPS, 5, 0, 10, "2024-03-02 09:00")
	s.answers("c", "", event.NPS, 9, 0, 10, "2024-03-03 09:00")
	s.answers("c", "", event.NPS, 9, 0, 10, "2024-03-06 09:00")
	r := s.rest("2024-03-08 12:00")
	for i, band := range []oracle.Band{
		oracle.Unknown, // 50 of 100 is less than 50.1 %
		oracle.Red,     // (45 + 52) / 2 = 48.5
		oracle.Red,     // 52 does not leave red
		oracle.Red,     // the answer still lies in the window of two days
		oracle.Unknown,
		oracle.Amber, // 52, from unknown
		oracle.Amber,
		oracle.Unknown,
	} {
		r.band(date("2024-03-01", i), band)
	}
	if c := r.Customers["c"]; c.Score.Cmp(big.NewRat(52, 1)) != 0 || c.Band != oracle.Unknown {
		t.Errorf("score %v %s, want 52 unknown", c.Score, c.Band)
	}
	s.cfg.Profile.MinCoverage = 500 // now 50 of 100 are enough, so red is never interrupted
	r = s.rest("2024-03-08 12:00")
	r.band("2024-03-01", oracle.Amber)
	r.band("2024-03-08", oracle.Red)
}

// A ticket's points fall 24 and 48 hours after it was opened, and are back
// when it is resolved. One signal alone: 70, 40, 0 and 100.
func TestTicketTimers(t *testing.T) {
	s := scenario(t, "UTC")
	for _, signal := range oracle.DefaultProfile().Signals {
		if signal.Reads == oracle.TicketWait {
			s.cfg.Profile.Signals = []oracle.Signal{signal}
		}
	}
	s.buys("c", "", 1000, "2024-03-01 10:00")
	s.signals("c", "ticket_opened", "t", "2024-03-05 10:00")
	s.signals("c", "ticket_opened", "t", "2024-03-05 20:00")   // again: it is open already
	s.signals("c", "ticket_resolved", "t", "2024-03-04 10:00") // before it was opened
	s.signals("c", "ticket_resolved", "x", "2024-03-05 11:00")
	opened := len(s.events)
	for _, c := range []struct {
		at    string
		score int64
		since string
	}{
		{"2024-03-05 20:00", 70, ""}, {"2024-03-06 09:59:59.999", 70, ""}, {"2024-03-06 10:00", 40, "2024-03-06 10:00"},
		{"2024-03-07 09:59:59", 40, "2024-03-06 10:00"}, {"2024-03-07 10:00", 0, "2024-03-06 10:00"},
	} {
		r := s.rest(c.at)
		if got := r.Customers["c"].Score; got.Cmp(big.NewRat(c.score, 1)) != 0 {
			t.Errorf("%s: score %v, want %d", c.at, got, c.score)
		}
		r.firing(c.since)
	}
	s.rest("2024-03-06 09:59").band("2024-03-05", oracle.Amber) // 70 is no green, and green was lost below 72
	s.rest("2024-03-06 09:59").band("2024-03-04", oracle.Green) // before it was opened
	s.signals("c", "ticket_resolved", "t", "2024-03-08 08:00")
	s.signals("c", "ticket_resolved", "t", "2024-03-08 18:00") // again: it is resolved already
	s.rest("2024-03-09 07:59:59.999").firing("2024-03-06 10:00")
	s.rest("2024-03-09 08:00").firing("")
	s.rest("2024-03-09 08:00").band("2024-03-08", oracle.Green)
	s.events = s.events[:opened-3]                             // the purchase and the first opening
	s.signals("c", "ticket_resolved", "t", "2024-03-05 10:00") // at once: of one millisecond the opening comes first
	s.rest("2024-03-09 08:00").band("2024-03-05", oracle.Green)
	s.signals("c", "ticket_opened", "t", "2024-03-06 10:00") // reopened: 100 until then, 70 from then on
	s.rest("2024-03-06 12:00").firing("")
	s.rest("2024-03-07 09:59").band("2024-03-06", oracle.Amber)
}

// The oldest open ticket counts; one resolved makes way for the next.
func TestOldestTicket(t *testing.T) {
	s := scenario(t, "UTC")
	s.buys("c", "", 1000, "2024-03-01 10:00")
	s.signals("c", "ticket_opened", "a", "2024-03-05 10:00")
	s.signals("c", "ticket_opened", "", "2024-03-06 10:00") // by its own id: nothing resolves it
	s.signals("c", "ticket_resolved", "", "2024-03-06 10:10")
	s.signals("c", "ticket_resolved", "a", "2024-03-06 11:00")
	tickets := func(at string) *big.Rat {
		for _, part := range s.rest(at).Customers["c"].Contributions {
			if part.Signal == "tickets" {
				return part.Value
			}
		}
		return nil
	}
	if got := tickets("2024-03-06 12:00"); got == nil || got.Cmp(big.NewRat(2, 1)) != 0 {
		t.Errorf("after a is resolved: %v hours, want 2", got)
	}
	s.events = s.events[:len(s.events)-1]
	if got := tickets("2024-03-06 10:30"); got == nil || got.Cmp(big.NewRat(49, 2)) != 0 {
		t.Errorf("while both are open: %v hours, want 24.5", got)
	}
}

// Invoices are late from the moment they are told to be until they are paid; a
// ref counts once, and one that is paid before it is late never is.
func TestInvoices(t *testing.T) {
	s := scenario(t, "UTC")
	dial(s, 80, 60, 30)
	s.buys("c", "", 1000, "2024-03-01 10:00")
	s.signals("c", "invoice_late", "i", "2024-03-02 10:00")
	s.signals("c", "invoice_late", "i", "2024-03-03 10:00")
	s.signals("c", "invoice_paid", "j", "2024-03-03 11:00")
	s.signals("c", "invoice_late", "j", "2024-03-03 12:00")
	s.signals("c", "invoice_late", "k", "2024-03-04 10:00")
	s.signals("c", "invoice_paid", "k", "2024-03-05 10:00")
	s.signals("c", "invoice_paid", "i", "2024-03-06 10:00")
	s.signals("c", "invoice_late", "i", "2024-03-07 10:00") // late once more
	// Late at the ends of the days: none; i; i and j (paid before it was late is
	// not paid since); i, j and k; i and j; j; i and j.
	r := s.rest("2024-03-08 12:00")
	for i, band := range []oracle.Band{oracle.Green, oracle.Amber, oracle.Red, oracle.Red, oracle.Red, oracle.Amber, oracle.Red} {
		r.band(date("2024-03-01", i), band)
	}
}

// The live band starts from that of yesterday: 49 at noon is red, 52 at two
// o'clock is amber again, and the end of the day never was red.
func TestRedWithinADay(t *testing.T) {
	s := scenario(t, "UTC")
	dial(s, 50, 49, 52)
	s.buys("c", "", 1000, "2024-03-01 10:00")
	s.signals("c", "invoice_late", "1", "2024-03-02 12:00")
	if r := s.rest("2024-03-02 12:00"); r.Customers["c"].Band != oracle.Red {
		t.Errorf("at noon: %s", r.Customers["c"].Band)
	}
	s.signals("c", "invoice_late", "2", "2024-03-02 14:00")
	r := s.rest("2024-03-02 14:00")
	r.band("2024-03-02", oracle.Amber)
	r.firing("2024-03-02 12:00")
	s.rest("2024-03-03 13:59:59.999").firing("2024-03-02 12:00")
	s.rest("2024-03-03 14:00").firing("")
	s.cfg.ResolveAfter = time.Hour
	s.rest("2024-03-02 14:59:59.999").firing("2024-03-02 12:00")
	s.rest("2024-03-02 15:00").firing("")
}

// An oscillation is one episode; red again after more than 24 h is another.
func TestEpisodes(t *testing.T) {
	s := scenario(t, "UTC")
	dial(s, 50, 49, 54, 49, 54, 49)
	s.buys("c", "", 1000, "2024-03-01 10:00")
	s.signals("c", "invoice_late", "1", "2024-03-02 12:00") // red
	s.signals("c", "invoice_late", "2", "2024-03-02 14:00") // amber
	s.signals("c", "invoice_late", "3", "2024-03-03 13:59") // red, just in time
	s.signals("c", "invoice_late", "4", "2024-03-04 12:00") // amber
	s.rest("2024-03-04 13:00").firing("2024-03-02 12:00")
	s.signals("c", "invoice_late", "5", "2024-03-05 12:00") // red at the moment that the alert ends: goes on
	s.rest("2024-03-05 13:00").firing("2024-03-02 12:00")
	s.events[len(s.events)-1].Time++
	s.rest("2024-03-05 13:00").firing("2024-03-05 12:00:00.001")
}

// Who does not pay is not at risk; who comes back within the time and was red is.
func TestChurnedResolves(t *testing.T) {
	s := scenario(t, "UTC")
	dial(s, 49, 80)
	s.buys("c", "", 1000, "2024-03-01 10:00")
	s.rest("2024-03-02 12:00").firing("2024-03-01 10:00")
	s.cancels("c", "", "2024-03-02 12:00", "")
	r := s.rest("2024-03-02 12:00")
	r.firing("")
	if c := r.Customers["c"]; c.Paying || c.Band != oracle.None || c.Score != nil || c.Contributions != nil {
		t.Errorf("after leaving: %+v", c)
	}
	r.band("2024-03-01", oracle.Red)
	r.band("2024-03-02", oracle.None)
	s.signals("c", "invoice_late", "1", "2024-03-02 13:00") // 80 from now on
	s.buys("c", "", 1000, "2024-03-02 14:00")
	s.rest("2024-03-02 15:00").firing("2024-03-02 14:00") // red less than 24 h ago
	s.rest("2024-03-03 11:59:59.999").firing("2024-03-02 14:00")
	s.rest("2024-03-03 12:00").firing("")
}

// A customer's now is its latest event where that lies after the watermark;
// the health row of the watermark's day is then that day's end.
func TestNowIsTheLatestEvent(t *testing.T) {
	s := scenario(t, "UTC")
	dial(s, 80, 49)
	s.buys("c", "", 1000, "2024-03-01 10:00")
	s.signals("c", "invoice_late", "1", "2024-03-03 00:00:05")
	r := s.rest("2024-03-02 23:59:58")
	r.band("2024-03-02", oracle.Green)
	r.band("2024-03-03", oracle.Red)
	r.firing("2024-03-03 00:00:05")
	if r.Day != day("2024-03-02") || r.Customers["c"].Now != s.ms("2024-03-03 00:00:05") {
		t.Errorf("day %d, now %d", r.Day, r.Customers["c"].Now)
	}
}
