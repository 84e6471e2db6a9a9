//go:build servers

package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/tidemark-io/tidemark/internal/endtoend"
	"github.com/tidemark-io/tidemark/internal/testserver"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := endtoend.RemoveBinary(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// The schedules of CI: `go run ./internal/crash -n 1 -seed S` plays one again.
const (
	firstSeed = 1
	seeds     = 20
)

// TestSchedules: whatever is killed, paused or restarted, and although Redis
// loses commits, figures, alerts, notes and counters end as the batch oracle
// and the fed messages say. Each kind of fault is met at least once, and some
// zombie is refused and some publication held, or the schedules show nothing.
func TestSchedules(t *testing.T) {
	kafka := testserver.StartKafka(t)
	if _, err := endtoend.Binary(); err != nil {
		t.Fatal(err)
	}
	sum := playAll(t.Context(), kafka, schedules(firstSeed, seeds), 2, t.TempDir(), func(o outcome) {
		if o.err != nil {
			t.Errorf("%s\n%v", o, o.err)
			return
		}
		t.Log(o)
	})
	t.Log(sum)
	if missing := sum.missing(); len(missing) > 0 || sum.held == 0 || sum.fenced == 0 {
		t.Errorf("never played: %v; %s", missing, sum)
	}
}
