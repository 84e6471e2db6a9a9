package oracle_test

import (
	"fmt"
	"testing"

	"github.com/tidemark-io/tidemark/event"
	"github.com/tidemark-io/tidemark/internal/oracle"
)

// 250 of 1,000 -> 0.25, as 2 of 8.
func TestStickiness(t *testing.T) {
	s := scenario(t, "UTC")
	for i := range 8 {
		s.login("c1", fmt.Sprintf("u%d", i), "2024-03-01 09:00")
	}
	s.login("c1", "u0", "2024-03-30 09:00")
	s.login("c1", "u1", "2024-03-30 23:59:59")
	s.login("c1", "u1", "2024-03-30 23:59:59") // twice a day is once
	r := s.rest("2024-03-31")
	r.level("UsersActive1", "2024-03-30", 2)
	r.level("UsersActive30", "2024-03-30", 8) // 1 to 30 March are 30 days
	r.level("UsersActive30", "2024-03-31", 2) // 1 March has left
	r.level("UsersActive7", "2024-03-07", 8)
	r.level("UsersActive7", "2024-03-08", 0)
	// 8 users on 1 March and 2 on the 30th: 10 active days, also the sum of DAU.
	r.level("UserDays30", "2024-03-30", 10)
	r.level("UserDays30", "2024-03-31", 2)
	if got := r.Standing[oracle.Key{Counter: "UsersEver"}]; got != 8 {
		t.Errorf("users ever: %d, want 8", got)
	}
}

func TestUsersAndCustomers(t *testing.T) {
	s := scenario(t, "UTC")
	s.cfg.Activity = []string{"login", "signal:feature_used"}
	s.login("a", "u", "2024-03-01 09:00")
	s.login("b", "u", "2024-03-01 09:00") // another user of the same name
	s.login("b", "", "2024-03-01 10:00")  // the customer itself
	s.login("b", "b", "2024-03-01 11:00") // the same, named
	s.signals("d", "feature_used", "", "2024-03-02 09:00")
	s.signals("d", "help_viewed", "", "2024-03-04 09:00") // no activity
	s.buys("e", "", 100, "2024-03-02 09:00")              // no activity
	r := s.rest("2024-03-05")
	r.level("UsersActive1", "2024-03-01", 3) // a/u, b/u, b/b
	r.level("CustomersActive1", "2024-03-01", 2)
	r.level("UsersActive1", "2024-03-02", 1)
	r.level("UsersActive1", "2024-03-04", 0)
	r.level("CustomersActive7", "2024-03-04", 3)
	r.level("CustomersActive7", "2024-03-08", 1) // only d, until the 8th
	r.level("CustomersActive7", "2024-03-09", 0)
	r.level("CustomersActive30", "2024-03-31", 1)
	if got := r.Customers["d"]; !got.Active || got.LastSeen != s.ms("2024-03-02 09:00") || got.LastActiveDay != day("2024-03-02") {
		t.Errorf("customer d last seen %d on day %d", got.LastSeen, got.LastActiveDay)
	}
	if r.Customers["e"].Active {
		t.Error("a purchase is no activity")
	}
}

func TestSegmentsHoldForAllDays(t *testing.T) {
	s := scenario(t, "UTC")
	s.cfg.Dimensions = []string{"plan", "country"}
	s.login("a", "u", "2024-03-01 09:00")
	e := s.add(event.Signal, "signal", "a", "2024-03-05 09:00")
	e.Attrs = []event.Attr{{Name: []byte("plan"), Value: []byte("pro")}, {Name: []byte("country"), Value: []byte("US")}}
	e = s.add(event.Login, "login", "a", "2024-03-03 09:00") // earlier: does not hold
	e.User = []byte("u")
	e.Attrs = []event.Attr{{Name: []byte("plan"), Value: []byte("free")}}
	e = s.add(event.Survey, "survey", "a", "2024-03-06 09:00")
	e.Attrs = []event.Attr{{Name: []byte("country"), Null: true}}
	s.buys("b", "", 100, "2024-03-01 09:00")
	r := s.rest("2024-03-07")
	r.segment("UsersActive1", "plan=pro", "2024-03-01", 1)
	r.segment("UsersActive1", "plan=free", "2024-03-03", 0)
	r.segment("UsersActive1", "country=US", "2024-03-01", 0)
	r.segment("UsersActive1", "country=", "2024-03-01", 1)
	r.segment("Customers", "plan=", "2024-03-01", 1)
	for segment, want := range map[string]int64{"": 1, "plan=pro": 1, "country=": 1, "plan=": 0} {
		if got := r.Standing[oracle.Key{Counter: "UsersEver", Segment: segment}]; got != want {
			t.Errorf("users ever of %q: %d, want %d", segment, got, want)
		}
	}
}

// Of two attributes at the same millisecond the later kind holds, then the
// later source, then the later id.
func TestAttributesAtOneMoment(t *testing.T) {
	s := scenario(t, "UTC")
	s.cfg.Dimensions = []string{"plan"}
	for _, c := range []struct {
		kind       event.Kind
		source, id string
		plan       string
	}{
		{event.Survey, "a", "1", "survey"},
		{event.Signal, "a", "2", "earlier source"},
		{event.Signal, "b", "1", "this"},
		{event.Signal, "b", "0", "earlier id"},
		{event.Login, "z", "9", "login"},
	} {
		e := s.add(c.kind, "x", "a", "2024-03-01 09:00")
		e.Source, e.ID = []byte(c.source), []byte(c.id)
		e.Attrs = []event.Attr{{Name: []byte("plan"), Value: []byte(c.plan)}}
	}
	s.rest("2024-03-02").segment("UsersActive1", "plan=this", "2024-03-01", 1)
}
