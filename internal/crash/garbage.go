package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/event"
)

// garbage adds messages that don't count: each is on its way to the dead-letter
// or the late topic, or ignored.
func (a *author) garbage() {
	for range 40 {
		n := a.r.IntN(a.s.days)
		a.messages = append(a.messages, a.refused(fmt.Sprintf("h%d", a.r.IntN(a.s.customers)), a.on(n)))
	}
}

// refused is a message that goes to the dead-letter topic by itself, is of
// nobody's type, or is older than any horizon.
func (a *author) refused(customer string, at int64) message {
	a.drawn++
	m := message{at: at, kind: event.Login, key: []byte(customer), to: "dead_letter"}
	cloud := func(kind, moment, rest string) []byte {
		return fmt.Appendf(nil, `{"specversion":"1.0","type":%q,"source":"garbage","id":"g%d","subject":%q%s%s}`, kind, a.drawn, customer, moment, rest)
	}
	now := `,"time":"` + time.UnixMilli(at).UTC().Format(time.RFC3339) + `"`
	switch a.r.IntN(10) {
	case 0:
		m.value, m.why = cloud("login", now, "")[:40], event.NotJSON
	case 1:
		m.value, m.why = cloud("login", "", ""), event.MissingTime
	case 2:
		m.kind, m.why = event.Purchase, event.BadAmount
		m.value = cloud("purchase", now, `,"data":{"amount":"12,50","currency":"USD"}`)
	case 3:
		m.kind, m.why = event.Purchase, event.UnknownCurrency
		m.value = cloud("purchase", now, `,"data":{"amount":"12.50","currency":"XXQ"}`)
	case 4:
		m.kind, m.why = event.Survey, event.BadScore
		m.value = cloud("survey", now, `,"data":{"kind":"nps","score":11}`)
	case 5:
		m.value, m.why = cloud("login", `,"time":"2199-01-01T00:00:00Z"`, ""), event.TooFarAhead
	case 6: // on the partition of its key
		m.value, m.why = []byte(strings.Replace(string(cloud("login", now, "")), customer, customer+"x", 1)), event.KeyMismatch
	case 7:
		m.value, m.to = cloud("page_view", now, ""), "ignored"
	default:
		old := time.UnixMilli(a.moment(0) - int64(a.s.horizon+3+a.r.IntN(20))*day).UTC()
		m.value, m.to, m.why = cloud("login", `,"time":"`+old.Format(time.RFC3339)+`"`, ""), "late", event.BeyondHorizon
	}
	return m
}
