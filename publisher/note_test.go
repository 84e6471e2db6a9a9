package publisher

import (
	"slices"
	"testing"
)

// TestNoteFits: a copy that the topic could not take goes without its value,
// and, where that is not enough, without everything that is the original's.
func TestNoteFits(t *testing.T) {
	const most = 1000
	reason := RecordHeader{"tidemark_reason", []byte("not_json")}
	for name, c := range map[string]struct {
		note       Note
		key, value int
		headers    []string
		omitted    string
	}{
		"as it is": {Note{Key: make([]byte, 10), Value: make([]byte, 500), Headers: []RecordHeader{{"own", []byte("x")}, reason}},
			10, 500, []string{"own", "tidemark_reason"}, ""},
		"a large value": {Note{Key: make([]byte, 10), Value: make([]byte, 5000), Headers: []RecordHeader{{"own", []byte("x")}, reason}},
			10, 0, []string{"own", "tidemark_reason", OmittedHeader}, "5000"},
		"large headers": {Note{Key: make([]byte, 10), Value: make([]byte, 20), Headers: []RecordHeader{{"own", make([]byte, 3000)}, reason}},
			0, 0, []string{"tidemark_reason", OmittedHeader}, "3033"}, // 20 + 10 + 3 + 3000
		"a large key": {Note{Key: make([]byte, 4000), Headers: []RecordHeader{reason}},
			0, 0, []string{"tidemark_reason", OmittedHeader}, "4000"},
	} {
		c.note.Topic = "dead"
		r := c.note.record(most)
		size := len(r.Key) + len(r.Value)
		var names []string
		omitted := ""
		for _, h := range r.Headers {
			names = append(names, h.Key)
			size += len(h.Key) + len(h.Value)
			if h.Key == OmittedHeader {
				omitted = string(h.Value)
			}
		}
		if r.Topic != "dead" || len(r.Key) != c.key || len(r.Value) != c.value || omitted != c.omitted || size > most {
			t.Errorf("%s: topic %s, key %d, value %d, omitted %q, %d bytes", name, r.Topic, len(r.Key), len(r.Value), omitted, size)
		}
		if !slices.Equal(names, c.headers) {
			t.Errorf("%s: headers %v, not %v", name, names, c.headers)
		}
	}
}
