package worker_test

import "testing"

// P2: a customer who has left, and whose subscription ends later, leaves no timer
// behind. While one is due nothing is published.
func TestWhoHasLeftHoldsUpNothing(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.purchases = 7
	s.own()
	s.send(s.subscribe("acme", "pro", day(1, 1)), s.leaveLater("acme", day(1, 2), 19))
	for _, n := range []int{12, 25} {
		s.tick(n)
		s.send(s.garbage(day(n, 4)))
		s.atRest()
	}
}
