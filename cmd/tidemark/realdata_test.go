package main

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/civil"
	"github.com/tidemark-io/tidemark/config"
	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/ingest"
	"github.com/tidemark-io/tidemark/kpi"
	"github.com/tidemark-io/tidemark/report"
)

// published opens a file of the folder of published data sets. Without the
// folder the test is skipped; where TIDEMARK_DATA names one, it must be there.
func published(t *testing.T, name string) string {
	t.Helper()
	folder, set := os.LookupEnv("TIDEMARK_DATA")
	if !set {
		folder = "../../../shared/data"
		if _, err := os.Stat(folder); err != nil {
			t.Skip("NOT TESTED: no published data at ../shared/data beside the project; TIDEMARK_DATA names the folder")
		}
	}
	path := filepath.Join(folder, name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("published data: %v", err)
	}
	return path
}

// exampleFile is a mapping of examples/.
func exampleFile(name string) string { return filepath.Join("..", "..", "examples", name) }

func TestReportOfCDNOW(t *testing.T) {
	file := published(t, "cdnow/CDNOW_master.txt")
	t.Setenv("TIDEMARK_CUSTOMER_BASIS", "purchases")
	d := document(t, file, "--mapping", exampleFile("cdnow.yaml"), "--from", "1997-01-01", "--window", "month", "--kpi", "revenue,orders")
	if d.AsOf != "1998-06-30" || d.Events != (report.Events{Read: 69659, Applied: 69659}) {
		t.Errorf("%s, %+v", d.AsOf, d.Events)
	}
	var revenue, orders []string
	for _, f := range d.KPIs {
		if f.KPI == "revenue" {
			revenue = append(revenue, f.Value.String())
		} else {
			orders = append(orders, f.Value.String())
		}
	}
	wantRevenue := []int{29906017, 37959003, 39315527, 14282449, 10793330, 10839587, 12207888, 8836769, 8194880,
		8978077, 11544864, 9557735, 7675678, 7709696, 10897015, 6623152, 7098966, 7610930}
	wantOrders := []int{8928, 11272, 11598, 3781, 2895, 3054, 2942, 2320, 2296, 2562, 2750, 2504, 2032, 2026, 2793, 1878, 1985, 2043}
	if len(revenue) != 18 || len(orders) != 18 {
		t.Fatalf("%d months of revenue, %d of orders", len(revenue), len(orders))
	}
	for i := range 18 {
		if revenue[i] != strconv.Itoa(wantRevenue[i]) || orders[i] != strconv.Itoa(wantOrders[i]) {
			t.Errorf("month %d: %s cents in %s orders, published are %d in %d", i+1, revenue[i], orders[i], wantRevenue[i], wantOrders[i])
		}
	}
	d = document(t, file, "--mapping", exampleFile("cdnow.yaml"), "--as-of", "1997-03-31", "--kpi", "customers,customers_ever")
	for _, f := range d.KPIs {
		if f.Value != "23570" {
			t.Errorf("%+v", f)
		}
	}
	// 11,908 of 23,570 customers have one row, so 11,662 have several.
	d = document(t, file, "--mapping", exampleFile("cdnow.yaml"), "--kpi", "repeat_purchase_rate_lifetime")
	if f := d.KPIs[0]; f.Numerator != 23570-11908 || f.Denominator != 23570 {
		t.Errorf("%+v", f)
	}
}

// TestRecordsOfCDNOW: the published summaries of the 2,357 customers of the sample
// at the end of 39 weeks, 1997-09-30, each: on how many days it bought again, the
// weeks from its first purchase to its last, and its age in weeks. Purchases are
// activity, and the horizon holds all of it.
func TestRecordsOfCDNOW(t *testing.T) {
	file, summaries := published(t, "cdnow/CDNOW_sample.txt"), published(t, "cdnow/cdnow_customers_summary.csv")
	c, err := config.Parse([]byte("{customer_basis: purchases, activity: [purchase], horizon: 300d}"), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o, err := engineOptions(c)
	if err != nil {
		t.Fatal(err)
	}
	o.Cache = 0 // all records stay in memory
	m, err := ingest.LoadMapping(exampleFile("cdnow_sample.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	end, err := civil.Parse("1997-09-30")
	if err != nil {
		t.Fatal(err)
	}
	files := report.Files{Names: []string{file}, Options: ingest.Options{Mappings: []*ingest.Mapping{m}, Decoder: event.Options{Currency: c.Currency}}}
	r, err := report.Make(t.Context(), files, o, report.Query{AsOf: end, From: report.Unset, To: report.Unset, Segments: []string{""}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(summaries)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+2357 || strings.Join(rows[0], ",") != "ID,frequency,recency,T" {
		t.Fatalf("%d rows, the first %v", len(rows), rows[0])
	}
	weeks := func(days int32) string { // to two decimals, as they are published
		s := strconv.FormatFloat(math.RoundToEven(float64(days)/7*100)/100, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	wrong := 0
	for _, row := range rows[1:] {
		id := fmt.Sprintf("%04s", row[0])
		v := r.Customer(id)
		if v == nil {
			t.Errorf("customer %s is not there", id)
			continue
		}
		got := []string{row[0], strconv.Itoa(v.ActiveDays - 1), weeks(v.LastActiveDay - v.FirstDay), weeks(end - v.FirstDay)}
		if v.FirstPaidDay != v.FirstDay || !slices.Equal(got, row) {
			if wrong++; wrong <= 10 {
				t.Errorf("customer %s: %v, published is %v; first paid on %s", id, got, row, civil.Format(v.FirstPaidDay))
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of 2357 customers differ", wrong)
	}
}

func TestReportOfCollegeMsg(t *testing.T) {
	file := published(t, "college_msg/CollegeMsg.txt")
	d := document(t, file, "--mapping", exampleFile("college_msg.yaml"), "--from", "2004-04-15", "--kpi", "dau,users_ever")
	active, days := 0, 0
	for _, f := range d.KPIs {
		switch f.KPI {
		case "dau":
			days++
			if f.Numerator > 0 {
				active++
			}
		case "users_ever":
			if f.Value != "1899" {
				t.Errorf("%+v", f)
			}
		}
	}
	if days != 195 || active != 193 || d.Events.Read != 2*59835 {
		t.Errorf("%d days, %d active; %+v", days, active, d.Events)
	}
	d = document(t, file, "--mapping", exampleFile("college_msg.yaml"), "--cohorts", "month", "--kpi", "dau")
	// Counted by hand in another language: users by the month of their first
	// message, and in how many of the months after it they were there.
	for i, want := range [][]int64{{522, 431, 254, 157, 134, 96, 76}, {1002, 525, 278, 202, 149, 115}, {207, 64, 46, 42, 25}, {49, 18, 15, 8}, {48, 18, 7}, {47, 12}, {24}} {
		if len(d.Cohorts) != 7 || !slices.Equal(d.Cohorts[i].Active, want) || d.Cohorts[i].Size != want[0] {
			t.Errorf("cohort %d: %+v, want %v", i, d.Cohorts[i], want)
		}
	}
	senders := write(t, "senders.yaml", "format: {separator: whitespace}\nevents:\n- {type: login, customer: src, time: {from: time, format: unix}}\n")
	if d = document(t, file, "--mapping", senders, "--kpi", "users_ever"); d.KPIs[0].Value != "1350" {
		t.Errorf("%+v", d.KPIs)
	}
}

func TestReportOfOULAD(t *testing.T) {
	d := document(t, published(t, "oulad/studentRegistration.csv"), "--mapping", exampleFile("oulad.yaml"), "--from", "2012-01-01", "--kpi", "cancellations", "--window", "1d")
	var effective int64
	for _, f := range d.KPIs {
		effective += f.Numerator
	}
	// 10,033 withdrawals have a registration; 39 have none, and wait for it in vain.
	if effective != 10033 || d.Events.Read != 32593-45+10072 || d.Events.Applied != d.Events.Read || d.Events.Expired != 39 {
		t.Errorf("%d withdrawals, %+v", effective, d.Events)
	}
}

func TestReportOfSurveys(t *testing.T) {
	d := document(t, published(t, "prepbench_nps/case_040_input_02.csv"), "--mapping", exampleFile("nps_conference.yaml"), "--kpi", "nps", "--window", "90d")
	if f := d.KPIs[0]; f.Numerator != 8-22 || f.Denominator != 39 || rounded(t, f, 1) != "-35.9" {
		t.Errorf("%+v", f)
	}
	d = document(t, published(t, "prepbench_nps/case_122_input_01.csv"), published(t, "prepbench_nps/case_122_input_02.csv"),
		"--mapping", exampleFile("nps_airlines.yaml"), "--kpi", "nps", "--window", "90d", "--segment", "airline=Prep Air")
	if f := d.KPIs[0]; f.Numerator != 74-35 || f.Denominator != 184 || rounded(t, f, 0) != "21" {
		t.Errorf("%+v", f)
	}
}

func rounded(t *testing.T, f kpi.Figure, digits int) string {
	t.Helper()
	v, err := f.Value.Float64()
	if err != nil {
		t.Fatal(err)
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

func TestReportOfTelco(t *testing.T) {
	args := []string{published(t, "telco/Telco-Customer-Churn.csv"), "--mapping", exampleFile("telco.yaml"), "--kpi", "mrr,customers,customer_churn_rate,mrr_churn", "--as-of"}
	before := document(t, append(args, "2018-01-30")...)
	after := document(t, append(args, "2018-01-31")...)
	if f := only(t, before.KPIs, "mrr", "", "", "2018-01-30"); f.Value != "45611660" {
		t.Errorf("%+v", f)
	}
	if f := only(t, after.KPIs, "mrr", "", "", "2018-01-31"); f.Value.String() != strconv.Itoa(45611660-13913085) {
		t.Errorf("%+v", f)
	}
	if f := only(t, after.KPIs, "mrr_churn", "1d", "", "2018-01-31"); f.Value != "-13913085" {
		t.Errorf("%+v", f)
	}
	if f := only(t, after.KPIs, "customer_churn_rate", "30d", "", "2018-01-31"); f.Numerator != 1869 || f.Denominator != 7043 || rounded(t, f, 4) != "0.2654" {
		t.Errorf("%+v", f)
	}
}
