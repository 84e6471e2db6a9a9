package company

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidemark-io/tidemark/kpi"
)

// Key is the key of a figure on the tidemark.kpis topic and in the store:
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

var bucketUnescape = strings.NewReplacer("%25", "%", "%7C", "|")

// splitBucket takes the bucket out of a key; ok is false where its KPI has none.
func splitBucket(key string) (base, bucket string, ok bool) {
	name, _, _ := strings.Cut(key, "|")
	if k, known := kpi.Lookup(name); !known || !k.Bucketed() {
		return "", "", false
	}
	day := strings.LastIndexByte(key, '|')
	at := strings.LastIndexByte(key[:day], '|')
	return key[:at] + key[day:], bucketUnescape.Replace(key[at+1 : day]), true
}

// Sent is what was last said of a figure.
type Sent struct {
	Value       json.Number // "" is null
	Numerator   int64
	Denominator int64
	Complete    bool   // as it was said
	Settled     bool   // it was said to be complete once
	Revision    int    // changes since then
	Seq         uint64 // how often it was said; tells messages with the same content apart
}

// Encode writes what ParseSent reads, a few dozen bytes: there is one for each
// figure and unfrozen day.
func (s Sent) Encode() []byte {
	var flags int
	if s.Complete {
		flags |= 1
	}
	if s.Settled {
		flags |= 2
	}
	b := fmt.Appendf(nil, "%s %d %d %d %d %d", cmp.Or(s.Value, "-"), s.Numerator, s.Denominator, flags, s.Revision, s.Seq)
	return b
}

// ParseSent reads what Encode writes.
func ParseSent(b []byte) (Sent, error) {
	words := strings.Fields(string(b))
	if len(words) != 6 {
		return Sent{}, fmt.Errorf("stored figure %q: %d words, not 6", b, len(words))
	}
	var n [5]int64
	for i := range n {
		var err error
		if n[i], err = strconv.ParseInt(words[i+1], 10, 64); err != nil {
			return Sent{}, fmt.Errorf("stored figure %q: %w", b, err)
		}
	}
	s := Sent{
		Value: json.Number(words[0]), Numerator: n[0], Denominator: n[1],
		Complete: n[2]&1 != 0, Settled: n[2]&2 != 0, Revision: int(n[3]), Seq: uint64(n[4]),
	}
	if s.Value == "-" {
		s.Value = ""
	}
	return s, nil
}

// Change is one message for the tidemark.kpis topic.
type Change struct {
	Key    string
	Figure kpi.Figure  // with its revision
	Prior  json.Number // value said before; "" is null, and where nothing was said
	Sent   Sent        // to be stored in the same commit that precedes the sending
}

// Changes compares figures with what was last said of them, and returns what is
// to be said. A figure's revision counts its changes after it was first said to
// be complete. With again, what has not changed is said once more, under the
// same id: after a take-over, since the owner before may have stored what it did
// not get to send.
func Changes(sent map[string]Sent, figures []kpi.Figure, again bool) []Change {
	var out []Change
	for _, f := range figures {
		key := Key(f)
		last, known := sent[key]
		same := known && last.Value == f.Value && last.Numerator == f.Numerator && last.Denominator == f.Denominator
		if same && last.Complete == f.Complete {
			if again {
				f.Revision = last.Revision
				out = append(out, Change{Key: key, Figure: f, Prior: last.Value, Sent: last})
			}
			continue
		}
		next := Sent{
			Value: f.Value, Numerator: f.Numerator, Denominator: f.Denominator, Complete: f.Complete,
			Settled: last.Settled || f.Complete, Revision: last.Revision, Seq: last.Seq + 1,
		}
		if last.Settled && !same {
			next.Revision++
		}
		f.Revision = next.Revision
		out = append(out, Change{Key: key, Figure: f, Prior: last.Value, Sent: next})
	}
	return out
}

// TypeKPI is the type of the events on the tidemark.kpis topic.
const TypeKPI = "tidemark.kpi.changed"

// Encode writes the change as a CloudEvent in JSON. The same change gives the
// same bytes, and the same id, however often it is sent.
func (c Change) Encode(source string) ([]byte, error) {
	figure, err := json.Marshal(c.Figure)
	if err != nil {
		return nil, fmt.Errorf("encode figure %s: %w", c.Key, err)
	}
	prior := string(c.Prior)
	if prior == "" {
		prior = "null"
	}
	// The payload is the figure with two more fields.
	payload := fmt.Appendf(bytes.TrimSuffix(figure, []byte("}")), `,"prior_value":%s}`, prior)
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
