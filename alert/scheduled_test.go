package alert

import (
	"strings"
	"testing"
)

// TestScheduledIsReadBack: what is said once is read as that, with what is
// cancelled; its id ends in its position.
func TestScheduledIsReadBack(t *testing.T) {
	base, none := "base", ""
	for sentence, s := range map[string]Scheduled{
		"acme: has cancelled subscription base, which ends on 2026-12-31: too expensive": {Subscription: &base, Why: "too expensive"},
		"acme: has cancelled its subscription, which ends on 2026-12-31":                 {Subscription: &none},
		"acme: has cancelled all subscriptions, which end on 2026-12-31":                 {},
	} {
		s.Source, s.Customer, s.Time, s.Effective, s.Day = "tidemark/prod", "acme", 1_795_305_600_500, 1_798_675_200_000, "2026-12-31"
		s.Cause, s.MRR = Cause{Topic: "cancellations", Partition: 3, Offset: 17}, &Amount{2900, "USD"}
		b, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if string(s.Key()) != "cancellation_scheduled|acme" || !strings.Contains(string(b), `"id":"cancellation_scheduled|acme|cancellations/3/17"`) {
			t.Errorf("key %s of %s", s.Key(), b)
		}
		if strings.Contains(string(b), "episode") {
			t.Errorf("%s has an episode", b)
		}
		told, err := Decode(b)
		if err != nil || told.State != StateNoted || told.Rule != CancellationScheduled || told.Subject != "acme" || told.Reason != sentence ||
			told.Time != "2026-11-22T00:00:00.5Z" || told.Effective != "2026-12-31T00:00:00Z" || told.MRR.Amount != 2900 {
			t.Errorf("read back: %+v (%v), want %q", told, err, sentence)
		}
		if (told.Subscription == nil) != (s.Subscription == nil) || told.Subscription != nil && *told.Subscription != *s.Subscription {
			t.Errorf("the subscription is %v, want %v", told.Subscription, s.Subscription)
		}
	}
}
