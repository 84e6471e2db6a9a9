package company

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidemark-io/tidemark/alert"
	"github.com/tidemark-io/tidemark/kpi"
)

// Key is the key of a figure on the tidemark.kpis topic:
// kpi|window|segment|day, and kpi|window|segment|bucket|day where there are
// buckets.
func Key(f kpi.Figure) string {
	key := f.KPI + "|" + f.Window + "|" + f.Segment + "|"
	if f.Bucket != "" {
		key += bucketEscape.Replace(f.Bucket) + "|"
	}
	return key + f.Day
}

// bucketEscape keeps what separates a key's parts out of a bucket, which may be
// any text of an event.
var bucketEscape = strings.NewReplacer("%", "%25", "|", "%7C")

// Sent is what was last said of a figure.
type Sent struct {
	Value       json.Number // "" is null
	Numerator   int64
	Denominator int64
	Complete    bool   // as it was said
	Settled     bool   // it was said to be complete once
	Revision    int    // changes since then
	Seq         uint64 // how often it was said; tells messages with the same content apart

	Prior json.Number // value said before; "" is null, and where nothing was said
	Cause alert.Cause // of the change from there; zero: it cannot be told
}

// same says whether a figure is what was said. Completeness is apart from it.
func (s Sent) same(f kpi.Figure) bool {
	return s.Value == f.Value && s.Numerator == f.Numerator && s.Denominator == f.Denominator
}

// revision is the one that a figure has beside what was said of it before.
func (s Sent) revision(f kpi.Figure) int {
	if s.Settled && !s.same(f) {
		return s.Revision + 1
	}
	return s.Revision
}

// Change is one message for the tidemark.kpis topic.
type Change struct {
	Key    string
	Figure kpi.Figure // with its revision
	Sent   Sent       // stored in the commit that precedes the sending
}

// Why tells what brought a change about. Last is what was said before, its Seq 0
// where that is nothing.
type Why func(f kpi.Figure, last Sent) alert.Cause

// Changes compares figures with what was last said of them, and returns what is
// to be said. A figure's revision counts its changes after it was first said to
// be complete. With again, what has not changed is said once more, under the
// same id: after a take-over, since the owner before may have stored what it did
// not get to send.
func Changes(before func(kpi.Figure) (Sent, bool), figures []kpi.Figure, again bool, why Why) []Change {
	var out []Change
	for _, f := range figures {
		key := Key(f)
		last, known := before(f)
		if known && last.same(f) && last.Complete == f.Complete {
			if again {
				f.Revision = last.Revision
				out = append(out, Change{Key: key, Figure: f, Sent: last})
			}
			continue
		}
		next := Sent{
			Value: f.Value, Numerator: f.Numerator, Denominator: f.Denominator, Complete: f.Complete,
			Settled: last.Settled || f.Complete, Revision: last.revision(f), Seq: last.Seq + 1,
			Prior: last.Value, Cause: why(f, last),
		}
		f.Revision = next.Revision
		out = append(out, Change{Key: key, Figure: f, Sent: next})
	}
	return out
}

// TypeKPI is the type of the events on the tidemark.kpis topic.
const TypeKPI = "tidemark.kpi.changed"

// Encode writes the change as a CloudEvent in JSON. However often it is sent, it
// has the same id and says the same, but for the watermark, which is that of the
// moment.
func (c Change) Encode(source string) ([]byte, error) {
	figure, err := json.Marshal(c.Figure)
	if err != nil {
		return nil, fmt.Errorf("encode figure %s: %w", c.Key, err)
	}
	cause := []byte("null")
	if c.Sent.Cause != (alert.Cause{}) {
		if cause, err = json.Marshal(c.Sent.Cause); err != nil {
			return nil, fmt.Errorf("encode the cause of %s: %w", c.Key, err)
		}
	}
	// The payload is the figure with two more fields.
	payload := fmt.Appendf(bytes.TrimSuffix(figure, []byte("}")), `,"prior_value":%s,"cause":%s}`, cmp.Or(c.Sent.Prior, "null"), cause)
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	err = w.Encode(struct {
		SpecVersion     string          `json:"specversion"`
		ID              string          `json:"id"`
		Source          string          `json:"source"`
		Type            string          `json:"type"`
		Subject         string          `json:"subject"`
		Time            string          `json:"time"`
		DataContentType string          `json:"datacontenttype"`
		Data            json.RawMessage `json:"data"`
	}{
		"1.0", c.Key + "|" + strconv.FormatUint(c.Sent.Seq, 10), source, TypeKPI, c.Key, c.Figure.Watermark,
		"application/json", payload,
	})
	if err != nil {
		return nil, fmt.Errorf("encode change of %s: %w", c.Key, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
