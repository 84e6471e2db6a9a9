package main

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/endtoend"
)

// set is a published data set and what is known of it.
type set struct {
	name, what string
	files      []string
	mapping    string     // of examples/
	own        string     // a mapping of our own, in place of it
	lines      string     // of the configuration
	show       [][]string // further commands to show
	check      func(context.Context, *trial) error
}

var sets = []set{
	{
		name: "cdnow", what: "purchases of a music shop, 1997-01 to 1998-06",
		files: []string{"cdnow/CDNOW_master.txt"}, mapping: "cdnow.yaml",
		lines: "customer_basis: purchases\n",
		show:  [][]string{{"kpi", "customers", "--from", "1997-03-25", "--to", "1997-04-05"}},
		check: checkCDNOW,
	},
	{
		name: "college", what: "messages of an online community, a login of sender and receiver each",
		files: []string{"college_msg/CollegeMsg.txt"}, mapping: "college_msg.yaml", check: checkCollege,
	},
	{
		name: "senders", what: "the same, senders alone",
		files: []string{"college_msg/CollegeMsg.txt"}, check: checkSenders,
		own: "files: [\"CollegeMsg*.txt\"]\nsource: senders\nformat: {separator: whitespace}\nevents:\n" +
			"  - {type: login, customer: src, time: {from: time, format: unix}}\n",
	},
	{
		name: "oulad", what: "registrations of the Open University, 2013 and 2014",
		files: []string{"oulad/studentRegistration.csv"}, mapping: "oulad.yaml", check: checkOULAD,
		// The first cancellation lies 3 years and 24 days before the last event:
		// by default its row would not be kept.
		lines: "dimensions: [module]\nretain_rows: 4y\n",
	},
	{
		name: "conference", what: "NPS answers after a conference (case 040)",
		files: []string{"prepbench_nps/case_040_input_02.csv"}, mapping: "nps_conference.yaml", check: checkConference,
	},
	{
		name: "airlines", what: "NPS answers by airline (case 122)",
		files:   []string{"prepbench_nps/case_122_input_01.csv", "prepbench_nps/case_122_input_02.csv"},
		mapping: "nps_airlines.yaml", lines: "dimensions: [airline]\n",
		show: [][]string{{"kpi", "nps", "--segment", "airline=Prep Air", "--from", "2021-11-24"}}, check: checkAirlines,
	},
}

// monthlyPurchases are the published purchases of each month, 1997-01 to 1998-06.
var monthlyPurchases = []int{8928, 11272, 11598, 3781, 2895, 3054, 2942, 2320, 2296, 2562, 2750, 2504, 2032, 2026, 2793, 1878, 1985, 2043}

func checkCDNOW(ctx context.Context, t *trial) error {
	at, err := t.figure(ctx, "customers", "1997-03-31")
	if err != nil {
		return err
	}
	ever, err := t.figure(ctx, "customers_ever", "")
	if err != nil {
		return err
	}
	total, months, err := t.sent(ctx, t.space.Settings.Kafka.Topics.Purchases)
	if err != nil {
		return err
	}
	t.is("customers on 1997-03-31", at.Value, 23570)
	t.is("customers ever", ever.Value, 23570)
	t.is("purchases on the topic", total, 69659)
	t.is("purchases applied, none a duplicate", t.counters["applied"], 69659)
	t.is("purchases by month", months, monthlyPurchases)
	return nil
}

func checkCollege(ctx context.Context, t *trial) error {
	ever, err := t.figure(ctx, "users_ever", "")
	if err != nil {
		return err
	}
	days, err := t.series(ctx, "dau", "--from", "2004-04-15", "--to", "2004-10-26")
	if err != nil {
		return err
	}
	active := 0
	for _, d := range days {
		if d.Numerator > 0 {
			active++
		}
	}
	t.is("users ever", ever.Value, 1899)
	t.is("days from the first to the last", len(days), 195)
	t.is("active days of them", active, 193)
	return nil
}

func checkSenders(ctx context.Context, t *trial) error {
	ever, err := t.figure(ctx, "users_ever", "")
	if err != nil {
		return err
	}
	t.is("users ever", ever.Value, 1350)
	return nil
}

func checkOULAD(ctx context.Context, t *trial) error {
	// No course run begins before 2013-02-01, none lasts until 2016; people
	// register up to 322 days ahead.
	days, err := t.series(ctx, "cancellations", "--window", "1d", "--from", "2012-01-01", "--to", "2016-12-31")
	if err != nil {
		return err
	}
	effective := int64(0)
	for _, d := range days {
		effective += d.Numerator
	}
	late, err := t.space.ReadNotes(ctx, t.space.Settings.Kafka.Outputs.Late)
	if err != nil {
		return err
	}
	unknown := 0
	for _, n := range late {
		if n.Reason == string(event.UnknownTarget) {
			unknown++
		}
	}
	t.is("cancellations taking effect, all days", effective, 10033)
	t.is("cancellations without a registration, on the late topic", unknown, 39)
	t.is("nothing else there", len(late)-unknown, 0)
	return nil
}

func checkConference(ctx context.Context, t *trial) error {
	f, err := t.figure(ctx, "nps", "", "--window", "90d")
	if err != nil {
		return err
	}
	value, err := f.Value.Float64()
	if err != nil {
		return fmt.Errorf("NPS %q: %w", f.Value, err)
	}
	levels, err := t.space.LevelsAtRest(ctx)
	if err != nil {
		return err
	}
	t.is("NPS, to one decimal", strconv.FormatFloat(value, 'f', 1, 64), "-35.9")
	t.is("answers", f.Denominator, 39)
	t.is("promoters", levels[endtoend.Level{Counter: "NPSPromoters90"}], 8)
	t.is("detractors", levels[endtoend.Level{Counter: "NPSDetractors90"}], 22)
	return nil
}

func checkAirlines(ctx context.Context, t *trial) error {
	f, err := t.figure(ctx, "nps", "", "--window", "90d", "--segment", "airline=Prep Air")
	if err != nil {
		return err
	}
	value, err := f.Value.Float64()
	if err != nil {
		return fmt.Errorf("NPS %q: %w", f.Value, err)
	}
	t.is("NPS of Prep Air, whole", math.Round(value), 21)
	t.is("answers of Prep Air", f.Denominator, 184)
	return nil
}
