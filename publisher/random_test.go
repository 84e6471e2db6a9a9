package publisher_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/tidemark-io/tidemark/publisher"
)

// shop is a random run: an owner, those whom it has taken over from, and what
// the cursor may hold.
type shop struct {
	*rapid.T
	w       *topics
	owner   *publisher.Publisher
	net     *wire
	zombies []*publisher.Publisher
	offset  int64
	may     []string // contents that the cursor may have, as text
}

// content is what a publisher knows, as text.
func content(p publisher.Header, announced map[publisher.Pair]uint64) string {
	var pairs []string
	for pair, n := range announced {
		pairs = append(pairs, fmt.Sprintf("%s#%d", pair.Subject, n))
	}
	slices.Sort(pairs)
	return fmt.Sprintf("p=%d at %d: %s", p.P, p.Offsets["logins"], strings.Join(pairs, " "))
}

func (s *shop) open() {
	s.net = &wire{}
	p, err := publisher.Open(context.Background(), s.w.options(s.net.opt()))
	if err != nil {
		s.Fatalf("open: %v", err)
	}
	if got := content(p.Header(), p.Announced()); !slices.Contains(s.may, got) {
		s.Fatalf("the cursor holds %s, may hold %q", got, s.may)
	}
	s.may = []string{content(p.Header(), p.Announced())}
	s.owner = p
}

func (s *shop) publish() {
	if s.owner == nil {
		s.open()
	}
	fault := rapid.SampledFrom([]verdict{pass, pass, lose, loseReply, die}).Draw(s.T, "fault")
	key := rapid.SampledFrom([]kmsg.Key{kmsg.Produce, kmsg.EndTxn}).Draw(s.T, "at")
	s.offset++
	x := at(s.offset)
	after := maps.Clone(s.owner.Announced())
	for _, subject := range []string{"a", "b", "c"} {
		pair := publisher.Pair{Rule: "r", Subject: subject}
		_, is := s.owner.Announced()[pair]
		switch fires := rapid.Bool().Draw(s.T, subject); {
		case fires && !is:
			after[pair] = s.owner.Header().P + 1
			x.Alerts = append(x.Alerts, alert(true, "r", subject))
		case !fires && is:
			delete(after, pair)
			x.Alerts = append(x.Alerts, alert(false, "r", subject))
		}
	}
	x.Header.P = s.owner.Header().P + 1
	before := content(s.owner.Header(), s.owner.Announced())
	s.net.on(once(key, fault))
	err := s.owner.Publish(s.net.life(), x)
	if err == nil {
		s.may = []string{content(x.Header, after)}
		if got := content(s.owner.Header(), s.owner.Announced()); got != s.may[0] {
			s.Fatalf("after a publication the owner knows %s, want %s", got, s.may[0])
		}
		return
	}
	if fault == pass {
		s.Fatalf("publish: %v", err)
	}
	s.owner, s.may = nil, []string{before, content(x.Header, after)}
}

func (s *shop) takeOver() {
	if s.owner != nil {
		s.zombies = append(s.zombies, s.owner)
	}
	s.open()
}

func (s *shop) zombie() {
	if len(s.zombies) == 0 {
		s.Skip("no zombie")
	}
	i := rapid.IntRange(0, len(s.zombies)-1).Draw(s.T, "zombie")
	if err := s.zombies[i].Publish(context.Background(), at(1<<40)); err == nil {
		s.Fatalf("a zombie has published")
	}
	s.zombies = slices.Delete(s.zombies, i, i+1)
}

// Whatever is lost, whoever is killed or taken over: what the cursor holds is
// all of a publication or nothing of it, and readers see, for each pair, firing
// and resolved in turn, with an n that rises, each once.
func testRandom(t *testing.T, w *topics) {
	rapid.Check(t, func(rt *rapid.T) {
		w.fresh(rt)
		s := &shop{T: rt, w: w, may: []string{"p=0 at 0: "}}
		defer func() {
			for _, p := range append(s.zombies, s.owner) {
				if p != nil {
					p.Close()
				}
			}
		}()
		rt.Repeat(map[string]func(*rapid.T){
			"publish":  func(*rapid.T) { s.publish() },
			"takeOver": func(*rapid.T) { s.takeOver() },
			"zombie":   func(*rapid.T) { s.zombie() },
		})
		s.takeOver()
		s.reader()
	})
}

// reader checks what read_committed readers have been told.
func (s *shop) reader() {
	firing := make(map[string]uint64)
	newest := make(map[string]uint64)
	for _, line := range s.w.said(s.T) {
		var n uint64
		var what string
		subject, rest, _ := strings.Cut(strings.TrimPrefix(line, "r|"), "#")
		if _, err := fmt.Sscanf(rest, "%d %s", &n, &what); err != nil {
			s.Fatalf("alert %q: %v", line, err)
		}
		switch {
		case what == "firing" && firing[subject] == 0 && n > newest[subject]:
			firing[subject], newest[subject] = n, n
		case what == "resolved" && firing[subject] == n && n > 0:
			firing[subject] = 0
		default:
			s.Fatalf("readers see %q after firing %v, newest %v", line, firing, newest)
		}
	}
	for _, subject := range []string{"a", "b", "c"} {
		if n := s.owner.Announced()[publisher.Pair{Rule: "r", Subject: subject}]; n != firing[subject] {
			s.Fatalf("readers' last word on %s is n=%d, announced is n=%d", subject, firing[subject], n)
		}
	}
}
