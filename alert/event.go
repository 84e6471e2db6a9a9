package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// The types of alert events.
const (
	TypeFiring   = "tidemark.alert.firing"
	TypeResolved = "tidemark.alert.resolved"
	TypeNote     = "tidemark.alert.note" // said once: it neither fires nor resolves
)

// Alert is one transition of a rule for a subject.
type Alert struct {
	Source   string // of the event: who says so, "tidemark/NAMESPACE"
	Rule     string
	Subject  string // customer id or KPI name
	Firing   bool   // false: resolved
	Severity string
	Time     int64 // of the outcome, Unix ms: the event's or the due time, not when somebody looked

	Value       json.Number // score, or the KPI's value; "" is null
	Threshold   json.Number // "" is null
	Since       string      // a day, or a moment in RFC 3339
	Provisional bool        // fired by the running day alone
	Reason      string      // a sentence

	Contributions []Printed // of a health score
	MRR           *Amount   // of the customer; nil for a KPI
	Cause         Cause
}

// Amount is money in integers of minor units of a currency.
type Amount struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// Cause is what made an alert fire or resolve: a message, or a due time.
type Cause struct {
	Topic     string `json:"topic,omitempty"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Timer     string `json:"timer,omitempty"` // due time in RFC 3339, in place of the position
}

// MarshalJSON leaves out the position where the cause is a timer: offset 0 would
// name a message that has nothing to do with it.
func (c Cause) MarshalJSON() ([]byte, error) {
	if c.Topic == "" {
		return json.Marshal(struct {
			Timer string `json:"timer,omitempty"`
		}{c.Timer})
	}
	type plain Cause
	return json.Marshal(plain(c))
}

// envelope is a CloudEvent 1.0 in structured mode.
type envelope struct {
	SpecVersion     string `json:"specversion"`
	ID              string `json:"id"`
	Source          string `json:"source"`
	Type            string `json:"type"`
	Subject         string `json:"subject"`
	Time            string `json:"time"`
	DataContentType string `json:"datacontenttype"`
	Data            any    `json:"data"`
}

type payload struct {
	Rule          string       `json:"rule"`
	Severity      string       `json:"severity"`
	Episode       uint64       `json:"episode,omitempty"` // from 1 on; notes have none
	Value         *json.Number `json:"value"`
	Threshold     *json.Number `json:"threshold"`
	Since         string       `json:"since"`
	Provisional   bool         `json:"provisional,omitempty"`
	Reason        string       `json:"reason"`
	Contributions []Printed    `json:"contributions,omitempty"`
	MRR           *Amount      `json:"mrr,omitempty"`
	Subscription  *string      `json:"subscription,omitempty"`
	Effective     string       `json:"effective,omitempty"`
	Cause         Cause        `json:"cause"`
}

// ID is the id of an alert: the same transition of the same episode has the
// same id whoever publishes it.
func (a *Alert) ID(n uint64) string {
	state := "resolved"
	if a.Firing {
		state = "firing"
	}
	return a.Rule + "|" + a.Subject + "|" + strconv.FormatUint(n, 10) + "|" + state
}

// Encode writes the alert as a CloudEvent in JSON, given n, the publication
// number of its firing. The same alert gives the same bytes.
func (a *Alert) Encode(n uint64) ([]byte, error) {
	e := envelope{
		SpecVersion: "1.0", ID: a.ID(n), Source: a.Source, Type: TypeResolved, Subject: a.Subject,
		Time: Moment(a.Time), DataContentType: "application/json",
	}
	if a.Firing {
		e.Type = TypeFiring
	}
	p := payload{
		Rule: a.Rule, Severity: a.Severity, Episode: n, Value: orNull(a.Value), Threshold: orNull(a.Threshold),
		Since: a.Since, Provisional: a.Provisional, Reason: a.Reason, Contributions: a.Contributions, MRR: a.MRR, Cause: a.Cause,
	}
	e.Data = p
	return encode(e)
}

func encode(e envelope) ([]byte, error) {
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false) // customer ids are read by people too
	if err := w.Encode(e); err != nil {
		return nil, fmt.Errorf("encode alert %s: %w", e.ID, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func orNull(n json.Number) *json.Number {
	if n == "" {
		return nil
	}
	return &n
}

// Moment writes Unix milliseconds as RFC 3339 in UTC.
func Moment(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z07:00") }
