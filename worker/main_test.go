package worker_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain lets more tests run at once than there are processors: they mostly
// wait, for the look of each second and for time-outs.
func TestMain(m *testing.M) {
	flag.DurationVar(&patient, "patient", patient, "how long a condition is waited for")
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
