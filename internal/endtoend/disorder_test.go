//go:build servers

package endtoend_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/internal/endtoend"
)

// asItLies are the purchases of CDNOW in the order of the file, which is that of
// customers, as a script would send them that doesn't think of time.
func asItLies(t *testing.T, data string) (out []*kgo.Record) {
	t.Helper()
	f, err := os.Open(filepath.Join(data, "cdnow", "CDNOW_master.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		column := strings.Fields(lines.Text())
		day, err := time.Parse("20060102", column[1])
		if err != nil {
			continue // the heading
		}
		out = append(out, cloud("purchase", column[0], day.Format(time.RFC3339), fmt.Sprintf(`{"amount":%q,"currency":"USD"}`, column[3])))
	}
	return out
}

// TestHistoryOutOfOrderIsLoud: history that is produced in any order but that of
// time is mostly older than the horizon when it comes. That must not go by
// quietly: each message stands on the late topic, is counted, and there is a
// warning with what to do.
func TestHistoryOutOfOrderIsLoud(t *testing.T) {
	data, err := endtoend.Data()
	if err != nil {
		t.Fatal(err)
	}
	if data == "" {
		t.Skipf("NOT TESTED: no published data at ../shared/data beside the project; %s names the folder", endtoend.DataEnv)
	}
	// The watermark moves with commits, so that larger ones find fewer messages late.
	s := open(t, servers{}, endtoend.Options{Lines: "customer_basis: purchases\nbatch: {live: 2000, catch_up: 2000}\n"})
	records := asItLies(t, data)
	s.feed(records...)
	w := s.ready()
	s.rest()
	c := s.counters()
	late := c.Of("late")
	if late < int64(len(records))/4 || c["applied"]+late != int64(len(records)) {
		t.Errorf("of %d messages: %s", len(records), c)
	}
	s.must(endtoend.Eventually(s.ctx, func() error {
		notes, err := s.ReadNotes(s.ctx, s.Settings.Kafka.Outputs.Late)
		if err == nil && int64(len(notes)) != late {
			err = fmt.Errorf("%d messages on the late topic, %d counted", len(notes), late)
		}
		return err
	}))
	line := s.says(w, 0, "older than the horizon", "tidemark import")
	if line.Level != "warn" {
		t.Errorf("the level of the warning is %s", line.Level)
	}
	s.end(w)
}
