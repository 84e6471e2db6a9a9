package main

import (
	"math"
	"math/rand/v2"
	"sort"
	"strconv"

	"github.com/tidemark-io/tidemark/event"
)

// Shares of the kinds of events, in hundredths; what is left are logins.
const (
	purchasePercent     = 5
	cancellationPercent = 1
	npsPercent          = 2
	ticketPercent       = 2
	yearlyPercent       = 15 // of purchases
	latePercent         = 1
	maxLate             = 2 * msDay
	msDay               = 86_400_000
	msHour              = 3_600_000
	customersDrawn      = 100_000
	usersEach           = 2
)

// streamStart is the first moment of every stream: 2026-09-01T00:00:00Z.
const streamStart = 1_788_220_800_000

var source = []byte("/acme/web")

var currencyUSD = event.Currency{'U', 'S', 'D'}

// prices are those of the plans, in cents a month; a year costs ten months.
var prices = []int64{1900, 4900, 9900, 19900}

// generator draws events of a stream in the order in which they are produced.
// The same seed gives the same stream.
type generator struct {
	rnd       *rand.Rand
	cumulated []float64 // of the customers' probabilities, p(k) ~ (50+k)^-1.1
	accounts  []account
	events    int   // of the whole stream
	span      int64 // ms of event time that they lie in
	made      int
	id        []byte
	customer  []byte
	user      []byte
	ref       []byte
}

// account is what the generator knows of a customer, so that cancellations and
// resolved tickets have something to end.
type account struct {
	pays    bool
	opened  int32 // tickets
	resolve int32 // the next ticket that is resolved
}

func newGenerator(seed uint64, events, days int) *generator {
	g := &generator{rnd: rand.New(rand.NewPCG(seed, 1)), events: events, span: int64(days) * msDay,
		cumulated: make([]float64, customersDrawn), accounts: make([]account, customersDrawn)}
	sum := 0.0
	for k := range g.cumulated {
		sum += math.Pow(float64(50+k), -1.1)
		g.cumulated[k] = sum
	}
	return g
}

// draw draws a customer. Ids are numbered so that they say nothing of how often
// a customer is drawn.
func (g *generator) draw() int {
	x := g.rnd.Float64() * g.cumulated[len(g.cumulated)-1]
	return min(sort.SearchFloat64s(g.cumulated, x), len(g.cumulated)-1)
}

// next draws an event; its texts are valid until the next call.
func (g *generator) next(ev *event.Event) {
	at := streamStart + int64(float64(g.made)/float64(g.events)*float64(g.span))
	g.at(ev, at)
}

// at draws an event of the given moment, or, where it is a late one, before.
func (g *generator) at(ev *event.Event, at int64) {
	*ev = event.Event{Source: source, Time: at}
	if g.rnd.IntN(100) < latePercent {
		ev.Time = max(at-g.rnd.Int64N(maxLate), streamStart)
	}
	k := g.draw()
	switch x := g.rnd.IntN(100); {
	case x < purchasePercent:
		g.purchase(ev, k)
	case x < purchasePercent+cancellationPercent:
		k = g.cancellation(ev, k)
	case x < purchasePercent+cancellationPercent+npsPercent:
		ev.Kind = event.Survey
		ev.Survey = event.SurveyData{Kind: event.NPS, Score: g.npsScore(), Min: 0, Max: 10_000, Respondent: g.userID(k)}
	case x < purchasePercent+cancellationPercent+npsPercent+ticketPercent:
		g.ticket(ev, k)
	default:
		ev.Kind = event.Login
		ev.User = g.userID(k)
	}
	g.made++
	g.id = appendNumber(append(g.id[:0], "01J9ZK"...), g.made, 10)
	g.customer = customerID(g.customer[:0], k)
	ev.ID, ev.Customer = g.id, g.customer
}

func (g *generator) userID(k int) []byte {
	g.user = userID(g.user[:0], k, g.rnd.IntN(usersEach))
	return g.user
}

func customerID(dst []byte, k int) []byte {
	return appendNumber(append(dst, "cust-"...), scramble(k), 7)
}

// userID is 16 bytes long.
func userID(dst []byte, k, user int) []byte {
	dst = appendNumber(append(dst, "user-"...), scramble(k), 9)
	return append(dst, '-', '0'+byte(user))
}

// appendNumber writes a number with zeros before it. It makes no garbage, which
// would be collected at the expense of what is measured.
func appendNumber(dst []byte, n, digits int) []byte {
	at := len(dst)
	for range digits {
		dst = append(dst, '0')
	}
	for i := len(dst) - 1; n > 0 && i >= at; i-- {
		dst[i] = '0' + byte(n%10)
		n /= 10
	}
	return dst
}

// scramble numbers customers in an order without meaning: 7,368,787 is prime.
func scramble(k int) int { return int(int64(k+1) * 1_299_709 % 7_368_787) }

func (g *generator) purchase(ev *event.Event, k int) {
	ev.Kind = event.Purchase
	price := prices[k%len(prices)]
	p := event.PurchaseData{Amount: price, Currency: currencyUSD, Interval: event.Month, Count: 1}
	if g.rnd.IntN(100) < yearlyPercent {
		p.Interval, p.Amount = event.Year, 10*price
	}
	p.Monthly, _ = event.Monthly(p.Amount, p.Interval, p.Count) // exact for months and years
	ev.Purchase = p
	g.accounts[k].pays = true
}

// cancellation ends the subscriptions of a customer that has one. Where none is
// found (at the very beginning) the event is a purchase.
func (g *generator) cancellation(ev *event.Event, k int) int {
	for range 100 {
		if g.accounts[k].pays {
			ev.Kind = event.Cancellation
			ev.Cancellation.Effective = ev.Time
			g.accounts[k].pays = false
			return k
		}
		k = g.draw()
	}
	g.purchase(ev, k)
	return k
}

// npsScore: half promoters, a quarter passives, a quarter detractors.
func (g *generator) npsScore() int32 {
	switch g.rnd.IntN(4) {
	case 0:
		return int32(g.rnd.IntN(7)) * 1000
	case 1:
		return int32(7+g.rnd.IntN(2)) * 1000
	}
	return int32(9+g.rnd.IntN(2)) * 1000
}

// ticket opens a ticket, or resolves the customer's oldest open one.
func (g *generator) ticket(ev *event.Event, k int) {
	a := &g.accounts[k]
	ev.Kind = event.Signal
	n := a.opened
	if a.resolve < a.opened && g.rnd.IntN(10) < 7 {
		n, ev.Signal.Name = a.resolve, []byte("ticket_resolved")
		a.resolve++
	} else {
		ev.Signal.Name = []byte("ticket_opened")
		a.opened++
	}
	ev.Signal.Value = 1000
	g.ref = strconv.AppendInt(append(g.ref[:0], "t-"...), int64(n), 10)
	ev.Signal.Ref = g.ref
}
