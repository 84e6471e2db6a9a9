package endtoend

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// told makes the records of alerts written as "rule|subject|n|state", each with
// "@partition" at its end where it isn't 0.
func told(t *testing.T, ids ...string) []*kgo.Record {
	t.Helper()
	var out []*kgo.Record
	for i, id := range ids {
		id, on, _ := strings.Cut(id, "@")
		var p int32
		if on != "" {
			if _, err := fmt.Sscan(on, &p); err != nil {
				t.Fatal(err)
			}
		}
		part := strings.Split(id, "|")
		out = append(out, &kgo.Record{Topic: "alerts", Partition: p, Offset: int64(i), Key: []byte(part[0] + "|" + part[1]),
			Value: fmt.Appendf(nil, `{"id":%q,"type":"tidemark.alert.%s","subject":%q,"data":{"rule":%q,"episode":%s}}`,
				id, part[3], part[1], part[0], part[2])})
	}
	return out
}

func TestAlertsInOrder(t *testing.T) {
	a, err := checkAlerts(told(t, "red|a|1|firing", "red|b|1|firing@1", "red|a|1|resolved", "red|a|7|firing", "red|b|1|resolved@1"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(a.StillFiring(), a.Firing, a.Resolved); got != "[red|a] 3 2" {
		t.Error(got)
	}
}

func TestAlertsOutOfOrderAreSeen(t *testing.T) {
	for name, ids := range map[string][]string{
		"stands at":     {"red|a|1|firing", "red|a|1|resolved", "red|a|1|firing"},
		"follows":       {"red|a|1|firing", "red|a|2|firing"},
		"a|1|resolved":  {"red|a|1|resolved"},
		"a|2|resolved":  {"red|a|1|firing", "red|a|2|resolved"},
		"red|a|2|firin": {"red|a|3|firing", "red|a|3|resolved", "red|a|2|firing"},
		"partition":     {"red|a|1|firing", "red|a|1|resolved@1"},
	} {
		if _, err := checkAlerts(told(t, ids...)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v", ids, err)
		}
	}
	wrong := told(t, "red|a|1|firing")
	wrong[0].Key = []byte("red|b")
	if _, err := checkAlerts(wrong); err == nil {
		t.Error("a wrong key was not seen")
	}
}
