package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// reportDays is how many days the stream of the part report lies in.
const reportDays = 60

// What the part report prints of the others, and what they leave out.
const reportSettings = `tidemark report FILE --from FIRST --json: every KPI in every window, a figure a day.
DuckDB, 2 threads, in memory: the same figures by sets of facts, day by day: internal/sqloracle, which the
tests hold ours against; each round compares every figure. Reading the JSON included.
pandas: only dau 1d and mau 30d, a figure a day; read_json by pyarrow (its fastest), and by its own reader.
All read the same file of JSON Lines; 1 % of its events are late by up to 2 days, so report sorts it first.`

// reporting is what the rounds of the part report share.
type reporting struct {
	file, figures string // the stream, and what tidemark report wrote of it
	tidemark      string
	duckdb        string
	python        string // "": without pandas
	first, last   string // days
	watermark     int64  // ms: that of the report
}

// runReport is the part report: files in, every KPI of every day out.
func runReport(ctx context.Context, b *bench) (err error) {
	fmt.Println(reportSettings)
	r, err := b.newReporting(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.remove()) }()
	var t table
	for range b.rounds {
		if err := r.round(ctx, &t); err != nil {
			return err
		}
	}
	fmt.Printf("%d events over %d days:\n", b.events, reportDays)
	t.print()
	ratios := table{values: map[string]series{}}
	for _, other := range []string{"DuckDB", "pandas, pyarrow", "pandas, its own reader"} {
		for _, what := range []string{", s", ", s of processor time"} {
			if by := t.values[other+what]; by != nil {
				name := other + " / tidemark report" + what
				ratios.names = append(ratios.names, name)
				ratios.values[name] = by.ratio(t.values["tidemark report"+what])
			}
		}
	}
	ratios.print()
	return nil
}

func (b *bench) newReporting(ctx context.Context) (r *reporting, err error) {
	r = &reporting{figures: filepath.Join(b.logs, "report.json"), duckdb: filepath.Join(b.logs, "duckdb")}
	if r.tidemark, err = b.tidemarkBinary(ctx); err != nil {
		return nil, err
	}
	// A module of its own, so that nobody who builds Tidemark carries DuckDB.
	build := exec.CommandContext(ctx, "go", "build", "-o", r.duckdb, "./timed")
	build.Dir = filepath.Join("internal", "sqloracle")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build what computes by DuckDB (run the bench from the repository's root): %w:\n%s", err, out)
	}
	if r.file, err = b.streamFile(reportDays); err != nil {
		return nil, err
	}
	day := func(n int) string {
		return time.UnixMilli(streamStart + int64(n)*msDay).UTC().Format(time.DateOnly)
	}
	r.first, r.last = day(0), day(reportDays-1)
	// An event of the last day is enough: DuckDB's figures for now are at this moment.
	r.watermark = streamStart + int64(float64(b.events-1)/float64(b.events)*float64(reportDays*msDay))
	if err := os.MkdirAll("build", 0o755); err != nil {
		return nil, err
	}
	venv, err := os.MkdirTemp("build", "pandas-")
	if err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, "scripts/pandas", venv).CombinedOutput(); err != nil {
		fmt.Printf("without pandas: %s\n", strings.TrimSpace(string(out)))
		return r, os.RemoveAll(venv)
	}
	r.python = filepath.Join(venv, "bin", "python")
	return r, nil
}

// remove removes what is large.
func (r *reporting) remove() error {
	err := errors.Join(os.Remove(r.file), os.Remove(r.duckdb))
	if r.python != "" {
		err = errors.Join(err, os.RemoveAll(filepath.Dir(filepath.Dir(r.python))))
	}
	return err
}

func (r *reporting) round(ctx context.Context, t *table) error {
	if err := r.ours(ctx, t); err != nil {
		return err
	}
	for _, engine := range []struct{ name, title string }{{"pyarrow", "pandas, pyarrow"}, {"ujson", "pandas, its own reader"}} {
		if r.python == "" {
			break
		}
		u, err := measured(ctx, nil, r.python, "bench/pandas_actives.py", r.file, engine.name)
		if err != nil {
			return err
		}
		u.add(t, engine.title)
	}
	return r.byDuckDB(ctx, t)
}

func (r *reporting) ours(ctx context.Context, t *table) (err error) {
	out, err := os.Create(r.figures)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	u, err := measured(ctx, out, r.tidemark, "report", r.file, "--from", r.first, "--json")
	if err != nil {
		return err
	}
	u.add(t, "tidemark report")
	return nil
}

// byDuckDB computes the figures again, and compares them with ours after the time
// that counts.
func (r *reporting) byDuckDB(ctx context.Context, t *table) (err error) {
	out, err := os.CreateTemp(filepath.Dir(r.figures), "duckdb-*.json")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close(), os.Remove(out.Name())) }()
	u, err := measured(ctx, out, r.duckdb, "-from", r.first, "-to", r.last, "-threads", "2",
		"-watermark", fmt.Sprint(r.watermark), "-report", r.figures, r.file)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		return err
	}
	var said struct {
		Compared    int      `json:"compared"`
		Differences []string `json:"differences"`
		Seconds     float64  `json:"seconds"`
		CPU         float64  `json:"cpu_seconds"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return fmt.Errorf("read what DuckDB's program says: %w", err)
	}
	if n := len(said.Differences); n > 0 || said.Compared == 0 {
		return fmt.Errorf("%d of %d figures differ from DuckDB's: %s", n, said.Compared, strings.Join(said.Differences[:min(n, 5)], "; "))
	}
	u.wall, u.cpu = seconds(said.Seconds), seconds(said.CPU)
	u.add(t, "DuckDB")
	t.add("figures compared, all the same", float64(said.Compared))
	return nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
