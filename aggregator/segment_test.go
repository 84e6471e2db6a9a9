package aggregator

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/event"
)

const someDay = int64(1_700_000_000_000) // 2023-11-14

func login(customer, user string, at int64, plan string) event.Event {
	ev := event.Event{Kind: event.Login, ID: []byte("e"), Source: []byte("app"), Customer: []byte(customer), User: []byte(user), Time: at}
	if plan != "" {
		ev.Attrs = []event.Attr{{Name: []byte("plan"), Value: []byte(plan)}}
	}
	return ev
}

func apply(t *testing.T, s *Shard, ev event.Event) {
	t.Helper()
	s.Need([]event.Event{ev})
	if _, err := s.Apply(0, &ev, Cause{}); err != nil {
		t.Fatal(err)
	}
}

// TestMoveIsAJob: a customer with 10,000 users changes its plan. Each step
// moves at most movedPerStep users and leaves cells and records in agreement;
// at the end all count under the new plan.
func TestMoveIsAJob(t *testing.T) {
	const users = 10_000
	s, err := New(testOptions())
	if err != nil {
		t.Fatal(err)
	}
	for i := range users {
		apply(t, s, login("acme", fmt.Sprint("u", i), someDay+int64(i), "free"))
	}
	s.Advance(someDay+users, 100)
	s.Changes()
	apply(t, s, login("acme", "u0", someDay+2*users, "pro"))
	steps := 0
	for more := true; more; steps++ {
		if !s.Busy() {
			t.Fatal("no job is open")
		}
		more = s.Advance(someDay+2*users, 100)
		if n := len(s.Changes().Records); n > movedPerStep/perPage*3 {
			t.Fatalf("step %d wrote %d records", steps, n)
		}
		if wrong := s.Audit(); len(wrong) > 0 {
			t.Fatalf("after step %d: %v", steps, wrong)
		}
	}
	if steps < users/movedPerStep {
		t.Fatalf("%d users were moved in %d steps", users, steps)
	}
	ever := func(segment string) int64 {
		return s.cells.snapshot()[RowName{Kind: 's', Segment: segment}.String()][Cell{Counter: UsersEver}]
	}
	if s.Busy() || ever("plan=pro") != users || ever("plan=free") != 0 || ever("") != users {
		t.Fatalf("busy %v, pro %d, free %d, all %d", s.Busy(), ever("plan=pro"), ever("plan=free"), ever(""))
	}
}

// TestTooManyValues: a dimension with over a thousand values is switched off,
// with one sentence, and what is left still agrees with the records.
func TestTooManyValues(t *testing.T) {
	s, err := New(testOptions())
	if err != nil {
		t.Fatal(err)
	}
	for i := range MaxDimensionValues + 10 {
		apply(t, s, login(fmt.Sprint("c", i), "u", someDay+int64(i), fmt.Sprint("plan", i)))
	}
	s.Advance(someDay+10_000, 100)
	warnings := s.Changes().Warnings
	if len(warnings) != 1 || !strings.Contains(warnings[0], "dimension plan") {
		t.Fatalf("warnings: %q", warnings)
	}
	if wrong := s.Audit(); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	for name, row := range s.cells.snapshot() {
		if !strings.HasSuffix(name, "|") {
			t.Fatalf("%s still holds %v", name, row)
		}
	}
}
