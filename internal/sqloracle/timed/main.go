// Command timed computes the figures of a file of events by SQL, for the bench to
// say how long that takes. With -report it compares them with what `tidemark
// report --json` has written, so that both have computed the same.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/tidemark-io/tidemark/internal/sqloracle"
)

// result is what is printed, as JSON.
type result struct {
	Figures     int      `json:"figures"`
	Seconds     float64  `json:"seconds"`
	CPUSeconds  float64  `json:"cpu_seconds"` // user and system
	Compared    int      `json:"compared"`
	Differences []string `json:"differences"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "timed:", err)
		os.Exit(1)
	}
}

func run() error {
	o := sqloracle.DefaultOptions()
	o.Dimensions = nil // the stream has no attributes
	flag.StringVar(&o.From, "from", "", "first day")
	flag.StringVar(&o.To, "to", "", "last day")
	flag.Int64Var(&o.Watermark, "watermark", 0, "Unix ms")
	flag.IntVar(&o.Threads, "threads", 1, "threads of DuckDB")
	report := flag.String("report", "", "what tidemark report --json has written of the same days")
	flag.Parse()
	start := time.Now()
	figures, err := sqloracle.Compute(context.Background(), sqloracle.Facts{Files: flag.Args()}, o)
	if err != nil {
		return err
	}
	r := result{Figures: len(figures), Seconds: time.Since(start).Seconds()}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return fmt.Errorf("ask for the processor time: %w", err)
	}
	r.CPUSeconds = time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
	if *report != "" {
		if err := r.compare(*report, figures); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

func (r *result) compare(path string, figures []sqloracle.Figure) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the report: %w", err)
	}
	var doc struct {
		KPIs []sqloracle.Shown `json:"kpis"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("read the report %s: %w", path, err)
	}
	shown := map[string]bool{}
	for _, s := range doc.KPIs {
		shown[s.KPI+" "+s.Window] = true
	}
	r.Compared = len(doc.KPIs)
	expected := func(k sqloracle.Key) bool { return shown[k.KPI+" "+k.Window] }
	for _, d := range sqloracle.Compare(doc.KPIs, figures, expected) {
		r.Differences = append(r.Differences, d.String())
	}
	return nil
}
