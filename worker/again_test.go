package worker_test

import "testing"

// C1: what was applied is not late when it is read again in smaller commits. Its
// copy would count as said, and be written by nobody.
func TestTimeStandsStillWhileTheLogIsReadAgain(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.send(s.login("initech", "", day(0, 4))) // so that the other topics are read first
	a := s.own()
	s.atRest()
	a.die()
	<-a.ended
	kept := s.commits()
	// Together in one commit: the second is applied before the first one's time.
	s.send(s.login("initech", "", day(horizon+5, 1)), s.login("acme", "", day(1, 1)), s.garbage(day(horizon+5, 2)))
	b := s.start()
	s.check()
	if n := s.counted("late"); n != 0 {
		t.Fatalf("%d messages are late when they are read for the first time: it shows nothing", n)
	}
	b.die()
	<-b.ended
	if n := s.commits() - kept; s.rollBack(n, true) != n {
		t.Fatal("there was less to lose")
	}
	s.batch = 1
	s.start()
	s.check()
	if n := s.counted("late"); n != 0 {
		t.Errorf("%d messages are late that were applied before, and have no copy", n)
	}
}

// counted is how many messages the state has counted as something.
func (s *script) counted(name string) int64 {
	s.t.Helper()
	counters, err := s.ws.CheckCounters(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return counters.Of(name)
}
