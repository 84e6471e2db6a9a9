package alert

import (
	"encoding/json"
	"fmt"
)

// The states of an alert that has been told.
const (
	StateFiring   = "firing"
	StateResolved = "resolved"
	StateNoted    = "noted" // said once
)

// Told is an alert as readers see it: what Encode wrote, read back.
type Told struct {
	Rule          string       `json:"rule"`
	Subject       string       `json:"subject"` // customer id or KPI name
	State         string       `json:"state"`   // firing, resolved or noted
	Severity      string       `json:"severity,omitempty"`
	Episode       uint64       `json:"episode,omitempty"` // publication number of the firing
	Since         string       `json:"since"`
	Time          string       `json:"time,omitempty"` // of the transition, RFC 3339
	Value         *json.Number `json:"value" nullable:"true"`
	Threshold     *json.Number `json:"threshold" nullable:"true"`
	Provisional   bool         `json:"provisional,omitempty"`
	Reason        string       `json:"reason,omitempty"`
	MRR           *Amount      `json:"mrr,omitempty"`
	Contributions []Printed    `json:"contributions,omitempty"`
	Subscription  *string      `json:"subscription,omitempty"` // that is cancelled; absent: all
	Effective     string       `json:"effective,omitempty"`    // when a cancellation takes effect, RFC 3339
}

// Decode reads an alert event.
func Decode(b []byte) (Told, error) {
	var e struct {
		Type    string  `json:"type"`
		Subject string  `json:"subject"`
		Time    string  `json:"time"`
		Data    payload `json:"data"`
	}
	if err := json.Unmarshal(b, &e); err != nil {
		return Told{}, fmt.Errorf("decode alert: %w", err)
	}
	t := Told{
		Rule: e.Data.Rule, Subject: e.Subject, State: StateResolved, Severity: e.Data.Severity, Episode: e.Data.Episode,
		Since: e.Data.Since, Time: e.Time, Value: e.Data.Value, Threshold: e.Data.Threshold,
		Provisional: e.Data.Provisional, Reason: e.Data.Reason, MRR: e.Data.MRR, Contributions: e.Data.Contributions,
		Subscription: e.Data.Subscription, Effective: e.Data.Effective,
	}
	switch e.Type {
	case TypeFiring:
		t.State = StateFiring
	case TypeNote:
		t.State = StateNoted
	case TypeResolved:
	default:
		return Told{}, fmt.Errorf("decode alert: the type is %q", e.Type)
	}
	return t, nil
}
