package ingest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/tidemark-io/tidemark/event"
)

// FuzzTable: whatever mapping and table, nothing panics, and what is accepted
// is what a decoder accepts, in the order of time.
func FuzzTable(f *testing.F) {
	f.Add([]byte(everything), []byte("who,order no,day,amount,plan,refund,gone,comment\nann,7,2026-03-08,12.50,NA,3.25,30,x\n"))
	f.Add([]byte(logins), []byte("who,at\nann,10\n\"bob\",5\n"))
	f.Add([]byte("format: {separator: whitespace, header: false, skip: 1}\nevents:\n- {type: login, customer: '#1', time: {from: '#2', format: days, since: {value: 2020-02-29}}}\n"), []byte("x\na 1\nb -1\n"))
	f.Fuzz(func(t *testing.T, yaml, text []byte) {
		m, err := ParseMapping("m.yaml", yaml)
		if err != nil {
			return
		}
		m.Files = nil
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		checkReadable(t, path, options(m))
	})
}

// FuzzJSONLines is FuzzTable for lines of CloudEvents.
func FuzzJSONLines(f *testing.F) {
	f.Add([]byte(`{"specversion":"1.0","type":"signal","source":"s","id":"3","time":"2026-01-01T00:00:02Z","subject":"a","data":{"name":"n","value":1.50}}`))
	f.Add([]byte(`{"specversion":"1.0","type":"signal","source":"s","id":"3","time":"2026-01-01T00:00:02Z","subject":"a","data":{"name":"n","ref":null}}` + "\n\n{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, append([]byte{'{'}, text...), 0o600); err != nil {
			t.Fatal(err)
		}
		checkReadable(t, path, options())
	})
}

func checkReadable(t *testing.T, path string, o Options) {
	t.Helper()
	o.Memory, o.TempDir = 1000, t.TempDir()
	o.Decoder.Currencies = map[event.Currency]bool{{'E', 'U', 'R'}: true}
	s, err := Read(context.Background(), []string{path}, o)
	if err != nil {
		if err.Error() == "" {
			t.Fatal("an error without a sentence")
		}
		return
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	d := event.NewDecoder(o.Decoder)
	var ev event.Event
	last, n := int64(0), int64(0)
	err = s.Each(func(m *Message) error {
		if reason := d.Decode(&ev, m.Value, nil); reason != "" || ev.Kind != m.Kind || ev.Time != m.Time || string(ev.Customer) != string(m.Customer) {
			t.Fatalf("%s is %v: %s", m.Value, ev, reason)
		}
		if ev.Kind == event.Signal && appendRef(nil, &ev.Signal, ev.Source, ev.ID) != nil {
			t.Fatalf("the signal %s has no ref", m.Value)
		}
		if n > 0 && m.Time < last {
			t.Fatalf("time goes back at %s", m.Value)
		}
		last, n = m.Time, n+1
		return nil
	})
	if err != nil || n != s.Events() {
		t.Fatalf("%d of %d events: %v", n, s.Events(), err)
	}
}
