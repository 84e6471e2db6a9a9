package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// series are the values of one figure, one a round.
type series []float64

// String gives minimum, median and maximum.
func (s series) String() string {
	if len(s) == 0 {
		return "-"
	}
	x := slices.Sorted(slices.Values(s))
	return fmt.Sprintf("%10s %10s %10s", number(x[0]), number(x[len(x)/2]), number(x[len(x)-1]))
}

func number(v float64) string {
	switch {
	case v >= 10_000:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// ratio divides round by round.
func (s series) ratio(by series) series {
	out := make(series, min(len(s), len(by)))
	for i := range out {
		out[i] = s[i] / by[i]
	}
	return out
}

// table is a list of figures in the order of their first value.
type table struct {
	names  []string
	values map[string]series
}

func (t *table) add(name string, v float64) {
	if t.values == nil {
		t.values = map[string]series{}
	}
	if _, ok := t.values[name]; !ok {
		t.names = append(t.names, name)
	}
	t.values[name] = append(t.values[name], v)
}

func (t *table) print() {
	fmt.Printf("%-58s %10s %10s %10s\n", "", "min", "median", "max")
	for _, name := range t.names {
		fmt.Printf("%-58s %s\n", name, t.values[name])
	}
}

// machine is what the figures depend on, in a line.
func machine() string {
	model := "unknown processor"
	b, err := os.ReadFile("/proc/cpuinfo") // Linux only; elsewhere the processor stays unnamed
	if err == nil {
		for line := range strings.Lines(string(b)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				model = strings.Trim(name, "\t: \n")
				break
			}
		}
	}
	revision := "unknown revision"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	load := ""
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = ", load before " + strings.Join(strings.Fields(string(b))[:1], "")
	}
	return fmt.Sprintf("%s, %d cores, %s, %s%s", model, runtime.NumCPU(), runtime.Version(), revision, load)
}
