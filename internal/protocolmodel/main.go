// Command protocolmodel explores every reachable state of one shard's commit,
// publication and take-over protocol, as docs/protocol.md numbers its steps. It
// exits with 0 where the protocol and its variants hold and each seeded mistake
// breaks the property that it should, else with 1.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// most states of one configuration; the largest has about half of it.
const most = 12e6

func main() {
	only := flag.String("only", "", "explore only what has this in its name, and print its trace")
	flag.Parse()
	start := time.Now()
	ok := true
	for _, s := range suites() {
		ok = run(os.Stdout, s, *only) && ok
	}
	fmt.Printf("\n%v\n", time.Since(start).Round(time.Second))
	if !ok {
		fmt.Println("FAILED")
		os.Exit(1)
	}
	fmt.Println("all as expected")
}

// outcome is one configuration's result.
type outcome struct {
	Result
	took time.Duration
}

// run explores a suite and says whether all of it came out as it should.
func run(w io.Writer, s suite, only string) bool {
	var cs []Config
	for _, c := range s.cs {
		if strings.Contains(c.Name, only) {
			cs = append(cs, c)
		}
	}
	if len(cs) == 0 {
		return true
	}
	fmt.Fprintf(w, "\n%s\n", s.title)
	ok := true
	var states, steps uint64
	for i, o := range exploreAll(cs) {
		states, steps = states+o.States, steps+o.Steps
		good := asExpected(cs[i], o.Result)
		ok = ok && good
		report(w, cs[i], o, good, only != "" || !good)
	}
	fmt.Fprintf(w, "  %-66s %10d states %11d steps\n", "together", states, steps)
	return ok
}

// exploreAll explores two configurations at a time: each takes up to 800 MB.
func exploreAll(cs []Config) []outcome {
	outcomes := make([]outcome, len(cs))
	gate := make(chan bool, 2)
	var wg sync.WaitGroup
	for i, c := range cs {
		wg.Go(func() {
			gate <- true
			start := time.Now()
			outcomes[i] = outcome{explore(c, most), time.Since(start)}
			<-gate
		})
	}
	wg.Wait()
	return outcomes
}

// asExpected: what should hold was explored to its end, and what should break
// breaks the property that it names.
func asExpected(c Config, r Result) bool {
	return r.Broken == c.Breaks && (r.Full || r.Broken != fine)
}

func report(w io.Writer, c Config, o outcome, good, withTrace bool) {
	verdict := "holds"
	if o.Broken != fine {
		verdict = "breaks " + propertyName[o.Broken]
		if o.Why != "" {
			verdict += " (" + o.Why + ")"
		}
	}
	if !o.Full {
		verdict += ", not explored to its end"
	}
	if !good {
		verdict += "  <- NOT EXPECTED"
	}
	if c.Breaks == fine {
		verdict += fmt.Sprintf("; fenced commits %d", o.Strict)
		if c.Ghost {
			verdict += fmt.Sprintf(", without a rollback %d", o.StrictAlone)
		}
	}
	fmt.Fprintf(w, "  %-66s %10d states %11d steps  depth %2d %5.1fs  %s\n",
		c.Name, o.States, o.Steps, o.Depth, o.took.Seconds(), verdict)
	if withTrace {
		for _, l := range o.Trace {
			fmt.Fprintln(w, "    "+l)
		}
	}
}
