package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/simulate"
	"github.com/tidemark-io/tidemark/kpi"
)

// small is a demo that is over as soon as its history has been read.
func small() demoOptions {
	return demoOptions{duration: time.Millisecond, json: true, seed: 5, customers: 80, rate: 4, listen: "127.0.0.1:0", start: time.Now()}
}

// counted is what a company's messages come to.
type counted struct{ mau, days, customers int64 }

// count counts the messages that have arrived until a time, one by one, for a
// running day.
func count(t *testing.T, o demoOptions, until time.Time, today int64) (n counted) {
	t.Helper()
	c := simulate.New(simulate.Options{Seed: o.seed, Customers: o.customers, Now: o.start, Rate: o.rate})
	decoder := event.NewDecoder(event.Options{Currency: event.Currency{'U', 'S', 'D'}})
	users, days, paid, left := map[string]bool{}, map[string]bool{}, map[string]int64{}, map[string]int64{}
	add := func(m simulate.Message) {
		var ev event.Event
		decoder.Reset()
		if decoder.Decode(&ev, m.Value, nil) != "" || ev.Time > m.Time.Add(time.Hour).UnixMilli() {
			return
		}
		customer, day := string(ev.Customer), ev.Time/86_400_000
		switch {
		case ev.Kind == event.Login && day > today-30 && day <= today:
			user := customer + "/" + string(ev.User)
			users[user], days[fmt.Sprint(user, day)] = true, true
		case ev.Kind == event.Purchase && ev.Purchase.Interval != event.None:
			paid[customer] = max(paid[customer], ev.Time)
		case ev.Kind == event.Cancellation && ev.Cancellation.Effective < (today+1)*86_400_000: // by the end of the day
			left[customer] = max(left[customer], ev.Cancellation.Effective)
		}
	}
	for m := range c.History() {
		add(m)
	}
	for m := range c.Live(until) {
		add(m)
	}
	for customer, at := range paid {
		if left[customer] < at {
			n.customers++
		}
	}
	n.mau, n.days = int64(len(users)), int64(len(days))
	return n
}

// TestDemo runs all of it: the figures at the end are those of the messages.
func TestDemo(t *testing.T) {
	var out, errOut bytes.Buffer
	o := small()
	o.duration = 4 * time.Second
	if err := runDemo(context.Background(), o, &out, &errOut); err != nil {
		t.Fatal(err)
	}
	var document struct {
		KPIs []kpi.Figure `json:"kpis"`
	}
	decoder := json.NewDecoder(&out)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&document); err != nil || decoder.More() || errOut.Len() > 0 {
		t.Fatalf("more than a document: %v, and on standard error %q", err, errOut.String())
	}
	got := map[string]kpi.Figure{}
	for _, f := range document.KPIs {
		got[f.KPI] = f
	}
	for _, name := range kpi.Names() {
		k, _ := kpi.Lookup(name)
		if _, ok := got[name]; !ok && !k.Scored() { // scores are read in the background: there may have been no time
			t.Errorf("there is no %s", name)
		}
	}
	// What happened in the last seconds may have been read or not.
	watermark, err := time.Parse(time.RFC3339, got["mau"].Watermark)
	if err != nil {
		t.Fatal(err)
	}
	today, err := time.Parse(time.DateOnly, got["mau"].Day)
	if err != nil {
		t.Fatal(err)
	}
	day := today.Unix() / 86_400
	least, most := count(t, o, watermark.Add(-time.Second), day), count(t, o, time.Now(), day)
	within := func(what string, f kpi.Figure, a, b, apart int64) {
		if f.Numerator < min(a, b) || f.Numerator > max(a, b) || a == 0 || max(a, b)-min(a, b) > apart {
			t.Errorf("%s: got %d, want %d or so up to %d", what, f.Numerator, a, b)
		}
	}
	within("active users", got["mau"], least.mau, most.mau, 10)
	within("their active days", got["stickiness_avg"], least.days, most.days, 40)
	within("customers", got["customers"], least.customers, most.customers, 3)
}

// untilSeen is a writer that ends a demo, as Ctrl-C does, once all of its
// patterns have been written.
type untilSeen struct {
	written  bytes.Buffer
	patterns []*regexp.Regexp
	stop     context.CancelFunc
}

func (w *untilSeen) Write(b []byte) (int, error) {
	n, err := w.written.Write(b)
	if !slices.ContainsFunc(w.patterns, func(p *regexp.Regexp) bool { return !p.Match(w.written.Bytes()) }) {
		w.stop()
	}
	return n, err
}

// TestDemoLines: where there is no terminal, lines with figures and alerts, and
// a busy port is no reason to fail. What stops it is no error.
func TestDemoLines(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	out := &untilSeen{stop: stop, patterns: []*regexp.Regexp{
		regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d live, \d+\.\d events/s, lag \d+ \| dau \d+ \| stickiness \d+\.\d% \| customers \d+ \| customer_churn_rate [\d.]+% \| mrr [\d,]+\.\d\d USD`),
		regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d firing at_risk: \S+: health \d+ is red since `),
	}}
	var errOut bytes.Buffer
	o := small()
	o.json, o.duration, o.listen = false, 0, busy.Addr().String()
	if err := runDemo(ctx, o, out, &errOut); err != nil {
		t.Fatal(err)
	}
	if ctx.Err() != context.Canceled {
		t.Errorf("within a minute there was not all of %v", out.patterns)
	}
	if want := o.listen + " is in use: the demo takes a free port\n"; errOut.String() != want {
		t.Errorf("on standard error %q, want %q", errOut.String(), want)
	}
	text := out.written.String()
	if !regexp.MustCompile(`\nstopped after \d+s: [\d,]+ messages, \d+ alerts\n$`).MatchString(text) || strings.Contains(text, "\x1b") {
		t.Errorf("got %q", text)
	}
}

// TestDemoIsStoppedAtOnce, before anything has started.
func TestDemoIsStoppedAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errOut bytes.Buffer
	if err := runDemo(ctx, small(), &out, &errOut); err != nil {
		t.Error(err)
	}
}

func TestDemoRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"--duration -1s: it is a time to wait, such as 20s":                               {"--duration", "-1s"},
		"--customers 0: 1 to 20000 are possible":                                          {"--customers", "0"},
		"--rate 0: more than 0 and at most 10000 events a second are possible":            {"--rate", "0"},
		"--rate NaN: more than 0 and at most 10000 events a second are possible":          {"--rate", "NaN"},
		"--listen 8080: write host:port, as 127.0.0.1:8080":                               {"--listen", "8080"},
		`invalid argument "x" for "--seed" flag: strconv.ParseUint: parsing "x": invalid`: {"--seed", "x"},
	} {
		_, err := execute(newDemoCommand(), args...)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v: got %v, want %s", args, err, want)
		}
		var code interface{ ExitCode() int }
		if args[0] != "--seed" && (!errors.As(err, &code) || code.ExitCode() != 2) {
			t.Errorf("%v: %v is no mistake of usage", args, err)
		}
	}
}
