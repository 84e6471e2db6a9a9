package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/store"
)

const orders = `who,day,paid
bob,2026-01-03,5.00
ann,2026-01-02,7.50
ann,2026-01-01,7.50
ann,2026-01-01,7.50
`

const ordersMapping = `
source: shop
events:
- {type: purchase, customer: who, time: {from: day, format: "2006-01-02"}, data: {amount: paid}}
- {type: login, customer: who, time: {from: day, format: "2006-01-02"}}
`

// importSetup returns the arguments that import orders into a broker of the
// test's and look at a store of the test's.
func importSetup(t *testing.T) (args []string, broker string, redis *miniredis.Miniredis) {
	t.Helper()
	broker, redis = startKfake(t), miniredis.RunT(t)
	settings := write(t, "tidemark.yaml", "time_zone: America/New_York\npartitioner: fnv1a\nkafka: {brokers: ['"+broker+"']}\nredis: {addrs: ['"+redis.Addr()+"']}\n")
	return []string{write(t, "orders.csv", orders), "--mapping", write(t, "m.yaml", ordersMapping), "--config", settings}, broker, redis
}

func TestImport(t *testing.T) {
	args, broker, _ := importSetup(t)
	out, err := execute(newImportCommand(), append(args, "--create-topics", "4")...)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"orders.csv: 4 rows, 8 events, 2026-01-01T05:00:00Z to 2026-01-03T05:00:00Z\n",
		"created topic logins with 4 partitions\n", "created topic purchases with 4 partitions\n",
		"sent 8 events: logins 4, purchases 4\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q does not say %q", out, want)
		}
	}
	again := append(args[:len(args):len(args)], "--allow-late")
	if _, err := execute(newImportCommand(), again...); err != nil {
		t.Fatal(err)
	}
	values := map[string]int{}
	for partition, list := range records(t, broker, "purchases", 8) {
		for _, r := range list {
			want, err := consumer.Partition("fnv1a", r.Key, 4)
			if err != nil || int32(want) != partition {
				t.Errorf("%s is on partition %d, want %d", r.Key, partition, want)
			}
			values[string(r.Value)]++
		}
	}
	if len(values) != 4 {
		t.Errorf("twice the same import made %d events, want 4", len(values))
	}
	want := `{"specversion":"1.0","type":"purchase","source":"shop","id":"orders.csv#000000002","subject":"ann","time":"2026-01-02T05:00:00Z","data":{"amount":"7.50"}}`
	if values[want] != 2 {
		t.Errorf("there is no %s in %v", want, values)
	}
}

func TestImportDryRun(t *testing.T) {
	args, broker, redis := importSetup(t)
	redis.Close() // nothing is asked of the store or the broker
	out, err := execute(newImportCommand(), append(args, "--dry-run")...)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(out, `"specversion"`) != 3 || !strings.HasSuffix(out, "nothing was sent (--dry-run)\n") {
		t.Errorf("got %s", out)
	}
	if out, err = execute(newImportCommand(), args...); err == nil || !strings.HasPrefix(err.Error(), "look up the stored watermark (--allow-late sends without): ") {
		t.Errorf("without a store: %s, %v", out, err)
	}
	if _, err = execute(newImportCommand(), append(args, "--allow-late")...); err == nil || err.Error() != "there is no topic logins, purchases; create it, or let --create-topics do so" {
		t.Errorf("got %v from the broker %s", err, broker)
	}
}

func TestImportRefusesWhatIsTooOld(t *testing.T) {
	args, broker, redis := importSetup(t)
	// The second of three shards stands 101 days after the first event's day.
	s, err := store.Open(context.Background(), store.Options{Addrs: []string{redis.Addr()}, Namespace: "tidemark"})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if err := s.SetPartitions(ctx, 3); err != nil {
		t.Fatal(err)
	}
	for shard, day := range []int{1, 12, 3} {
		claimed, err := s.Claim(ctx, shard)
		if err != nil {
			t.Fatal(err)
		}
		watermark := time.Date(2026, 4, day, 12, 0, 0, 0, time.UTC).UnixMilli()
		if _, err := s.Commit(ctx, shard, claimed.Tenure, &store.Commit{Head: store.Head{Version: 1, Watermark: watermark}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	args = append(args, "--create-topics", "1")
	_, err = execute(newImportCommand(), args...)
	if want := "orders.csv begins on 2026-01-01, and the stored state stands at 2026-04-12: events before 2026-01-02 are beyond the horizon of 100d"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err = execute(newImportCommand(), append(args, "--allow-late")...); err != nil || ends(t, broker, "logins") != 4 {
		t.Errorf("with --allow-late: %v", err)
	}
}

func TestImportSendsNothingOfABadFile(t *testing.T) {
	args, _, _ := importSetup(t)
	if err := os.WriteFile(args[0], []byte(orders+"eve,someday,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := execute(newImportCommand(), append(args, "--create-topics", "1")...)
	if err == nil || !strings.Contains(err.Error(), `orders.csv:6: column 2 (day): "someday" is not written as 2006-01-02`) || !strings.HasSuffix(err.Error(), "1 row is wrong; nothing was sent") {
		t.Errorf("got %v", err)
	}
}

func TestImportNamesWhatItLeavesOut(t *testing.T) {
	args, _, _ := importSetup(t)
	lines := ""
	for i, name := range []string{"page_viewed", "login", "page_viewed", "x"} {
		lines += fmt.Sprintf(`{"specversion":"1.0","type":%q,"source":"s","id":"%d","time":"2026-01-01T00:00:00Z","subject":"a"}`+"\n", name, i)
	}
	out, err := execute(newImportCommand(), append(args, write(t, "more.jsonl", lines), "--dry-run")...)
	if err != nil || !strings.Contains(out, "left out events of types that are none of Tidemark's: page_viewed (2), x (1)\n") {
		t.Errorf("got %s, %v", out, err)
	}
}

func TestImportUsage(t *testing.T) {
	for _, args := range [][]string{
		{"f", "--config", write(t, "x.yaml", "horizon: 1")},
		{"f", "--mapping", write(t, "m.yaml", "events: []")},
		{"f", "--create-topics", "-1"},
	} {
		_, err := execute(newImportCommand(), args...)
		var code interface{ ExitCode() int }
		if !errors.As(err, &code) || code.ExitCode() != 2 {
			t.Errorf("%v: got %v, want a mistake of usage", args, err)
		}
	}
}

// TestMeterWithoutATerminal: lines now and then, not one a call.
func TestMeterWithoutATerminal(t *testing.T) {
	var out strings.Builder
	m := newMeter(&out, "sending")
	m.show(1, 10)
	m.next = time.Now().Add(-time.Second)
	m.show(2, 10)
	m.show(3, 10)
	if err := m.end(); err != nil || out.String() != "sending: 2 of 10\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}
