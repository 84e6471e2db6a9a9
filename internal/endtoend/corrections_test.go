//go:build servers

package endtoend_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/company"
	"github.com/tidemark-io/tidemark/internal/endtoend"
	"github.com/tidemark-io/tidemark/kpi"
)

// word is what the topic of KPIs says of a figure.
type word struct {
	kpi.Figure
	change
}

// change is what the topic says beside a figure.
type change struct {
	Prior json.Number     `json:"prior_value"`
	Cause json.RawMessage `json:"cause"`
}

// words are the last word on each key of the topic of KPIs, as compaction leaves
// them. On the way they are held against the invariant: what was called complete
// does not change without a higher revision.
func (s *scene) words() (map[string]word, error) {
	records, err := s.ReadTopic(s.ctx, s.Settings.Kafka.Outputs.KPIs)
	if err != nil {
		return nil, err
	}
	last, settled := map[string]word{}, map[string]bool{}
	for _, r := range records {
		var e struct {
			Data json.RawMessage `json:"data"`
		}
		var is word
		err := json.Unmarshal(r.Value, &e)
		if err == nil {
			// Twice, since a figure decodes itself.
			err = errors.Join(json.Unmarshal(e.Data, &is.Figure), json.Unmarshal(e.Data, &is.change))
		}
		if err != nil {
			return nil, fmt.Errorf("on the topic of KPIs: %w: %s", err, r.Value)
		}
		key := string(r.Key)
		before := last[key]
		changed := before.Value != is.Value || before.Numerator != is.Numerator || before.Denominator != is.Denominator
		if settled[key] && changed && is.Revision <= before.Revision || is.Revision < before.Revision {
			return nil, endtoend.Stop(fmt.Errorf("%s was complete and became %s without a revision", key, r.Value))
		}
		settled[key] = settled[key] || is.Complete
		last[key] = is
	}
	return last, nil
}

// hears waits until the last words on keys are "value revision prior".
func (s *scene) hears(cause *kgo.Record, want map[string]string) {
	s.t.Helper()
	var got map[string]word
	s.must(endtoend.Eventually(s.ctx, func() (err error) {
		if got, err = s.words(); err != nil {
			return err
		}
		for key, w := range want {
			g := got[key]
			if is := fmt.Sprintf("%s %d %s", g.Value, g.Revision, g.Prior); is != w {
				return fmt.Errorf("%s is %q, want %q", key, is, w)
			}
		}
		return nil
	}))
	position := fmt.Sprintf(`{"topic":%q,"partition":%d,"offset":%d}`, cause.Topic, cause.Partition, cause.Offset)
	for key := range want {
		if c := string(got[key].Cause); c != position {
			s.t.Errorf("the cause of %s is %s, want %s", key, c, position)
		}
	}
}

// agree waits until HTTP gives, for every KPI, window, segment and day from the
// first unfrozen one on, what the last word on the topic says, and `tidemark kpi`
// the same as HTTP.
func (s *scene) agree(w *endtoend.Worker, segments []string, from string) {
	s.t.Helper()
	compared, revised := 0, 0
	s.must(endtoend.Eventually(s.ctx, func() error {
		words, err := s.words()
		if err != nil {
			return err
		}
		compared, revised = 0, 0
		for _, k := range kpi.All() {
			for _, window := range k.Windows {
				for _, segment := range segments {
					if k.Unkept(window, segment, nil) != nil {
						continue
					}
					path := fmt.Sprintf("/api/v1/kpis/%s?from=%s&window=%s&segment=%s", k.Name, from, window, url.QueryEscape(segment))
					figures, err := s.figures(w, path)
					if err != nil {
						return err
					}
					for _, f := range figures {
						said, ok := words[company.Key(f)]
						f.Watermark, said.Watermark = "", ""
						if !ok || !reflect.DeepEqual(said.Figure, f) {
							return fmt.Errorf("HTTP says %+v, the topic %+v", f, said.Figure)
						}
						compared++
						if f.Revision > 0 {
							revised++
						}
					}
				}
			}
		}
		return nil
	}))
	if compared < 1000 || revised == 0 {
		s.t.Errorf("only %d figures were compared, %d of them revised", compared, revised)
	}
	for _, name := range []string{"dau", "revenue_net", "customers"} {
		shown, err := s.KPIs(s.ctx, name, "--from", from)
		s.must(err)
		figures, err := s.figures(w, "/api/v1/kpis/"+name+"?from="+from)
		s.must(err)
		if fmt.Sprint(shown) != fmt.Sprint(figures) {
			s.t.Errorf("tidemark kpi %s: %v\nHTTP: %v", name, shown, figures)
		}
	}
}

func (s *scene) figures(w *endtoend.Worker, path string) ([]kpi.Figure, error) {
	status, body, err := w.Get(s.ctx, path)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%s: %d %s", path, status, body)
	}
	var doc struct {
		KPIs []kpi.Figure `json:"kpis"`
	}
	if err := json.NewDecoder(strings.NewReader(body)).Decode(&doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return doc.KPIs, nil
}

// TestCorrectionsAreRevisions: a late login, refund and cancellation correct past
// days. Each figure that they touch is said on the topic of KPIs with its
// revision, what it was and the message that brought it, none that they don't
// touch; in the end the topic's last words are the figures that HTTP and the
// command line give, after a restart too.
func TestCorrectionsAreRevisions(t *testing.T) {
	s := open(t, servers{}, endtoend.Options{Lines: "publish_interval: 100ms\nhorizon: 14d\ndimensions: [plan]\n"})
	// 4 to 16 March 2024. Ann pays 30.00 a month on plan pro, Bob 20.00 on plan
	// basic, and 50.00 once on the 10th.
	s.feed(
		cloud("purchase", "ann", on(0), `{"order":"o1","amount":"30.00","currency":"USD","interval":"month","customer":{"plan":"pro"}}`),
		cloud("purchase", "bob", on(0), `{"order":"o2","amount":"20.00","currency":"USD","interval":"month","customer":{"plan":"basic"}}`),
		login("ann", 0), login("bob", 0), login("ann", 5),
		cloud("purchase", "bob", on(6), `{"order":"o3","amount":"50.00","currency":"USD"}`),
		login("ann", 12), login("bob", 12))
	w := s.ready()
	s.rest()
	s.must(endtoend.Eventually(s.ctx, func() error {
		words, err := s.words()
		if got := words["dau|1d||2024-03-16"].Value; err == nil && got != "2" {
			err = fmt.Errorf("at first dau is %q", got)
		}
		// The last day of the last segment: what comes earlier was said before it.
		if got := words["dau|1d|plan=pro|2024-03-16"].Value; err == nil && got != "1" {
			err = fmt.Errorf("at first dau of plan=pro is %q", got)
		}
		return err
	}))

	// Bob was there on the 9th too, as was Ann: 2 users, not 1.
	late := login("bob", 5)
	s.feed(late)
	s.hears(late, map[string]string{"dau|1d||2024-03-09": "2 1 1", "dau|1d|plan=basic|2024-03-09": "1 1 0"})

	// On the 12th Bob got 20.00 of the 50.00 back.
	late = cloud("purchase", "bob", on(8), `{"order":"r3","refund_of":"o3","amount":"20.00","currency":"USD"}`)
	s.feed(late)
	s.hears(late, map[string]string{"revenue_net|1d||2024-03-12": "-2000 1 0", "revenue_net|7d|plan=basic|2024-03-15": "3000 1 5000"})

	// On the 13th Ann cancelled: 1 customer, not 2, from then on.
	late = cloud("cancellation", "ann", on(9), "")
	s.feed(late)
	s.hears(late, map[string]string{"customers|||2024-03-13": "1 1 2", "customers|||2024-03-15": "1 1 2", "customers||plan=pro|2024-03-13": "0 1 1"})

	// A second correction of the same day: on the 9th Cat was there as well, who
	// has no plan.
	late = login("cat", 5)
	s.feed(late)
	s.hears(late, map[string]string{"dau|1d||2024-03-09": "3 2 2"})

	words, err := s.words()
	s.must(err)
	for key, want := range map[string]int{"dau|1d|plan=pro|2024-03-09": 0, "dau|1d||2024-03-08": 0, "customers|||2024-03-12": 0, "revenue_net|1d||2024-03-11": 0} {
		if got := words[key]; got.Revision != want || !got.Complete {
			t.Errorf("%s, which nothing touched, is %+v", key, got)
		}
	}
	segments := []string{"", "plan=pro", "plan=basic"}
	s.agree(w, segments, "2024-03-02")
	s.end(w)
	s.agree(s.ready(), segments, "2024-03-02")
	again, err := s.words()
	s.must(err)
	for _, key := range []string{"dau|1d||2024-03-09", "customers|||2024-03-13", "customers||plan=pro|2024-03-13"} {
		if a, b := words[key], again[key]; a.Revision != b.Revision || a.Prior != b.Prior || string(a.Cause) != string(b.Cause) {
			t.Errorf("after a restart %s is %+v, was %+v", key, b, a)
		}
	}
}
