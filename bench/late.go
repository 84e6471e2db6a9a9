package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// lateBenchmark is where the measured case is, with its horizon of 400 days.
const lateBenchmark = "BenchmarkALateYear"

var nsAnOp = regexp.MustCompile(lateBenchmark + `\S*\s+\d+\s+([0-9.]+) ns/op`)

// runLate prints what the aggregator's own benchmark of such an event measures.
func runLate(ctx context.Context, b *bench) error {
	var t table
	for range b.rounds {
		out, err := exec.CommandContext(ctx, "go", "test", "./aggregator", "-run", "^$", "-bench", lateBenchmark+"$", "-benchtime", "2000x", "-cpu", "1").CombinedOutput()
		if err != nil {
			return fmt.Errorf("run %s (the bench runs from the repository's root): %w:\n%s", lateBenchmark, err, out)
		}
		m := nsAnOp.FindSubmatch(out)
		if m == nil {
			return fmt.Errorf("%s gave no figure:\n%s", lateBenchmark, out)
		}
		ns, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			return err
		}
		t.add("a payment a year late, horizon 400 days, ms", ns/1e6)
	}
	t.print()
	return nil
}
