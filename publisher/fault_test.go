package publisher_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/publisher"
)

func testFence(t *testing.T, w *topics) {
	first := w.open(t)
	publish(t, first, at(1, alert(true, "r", "a")))
	second := w.open(t)
	knows(t, second, 1, 1, map[string]uint64{"r|a": 1})
	isFenced(t, first.Publish(t.Context(), at(2, alert(true, "r", "b"))))
	publish(t, second, at(3, alert(true, "r", "c")))
	w.hasSaid(t, "r|a#1 firing", "r|c#2 firing")
	knows(t, w.open(t), 2, 3, map[string]uint64{"r|a": 1, "r|c": 2})
}

// The second takes over while the first has produced and not yet ended.
func testFencedBetween(t *testing.T, w *topics) {
	var net wire
	first := w.open(t, net.opt())
	publish(t, first, at(1, alert(true, "r", "a")))
	var second *publisher.Publisher
	var err error
	net.on(func(key kmsg.Key) verdict {
		if key == kmsg.EndTxn && second == nil {
			second, err = publisher.Open(context.Background(), w.options())
		}
		return pass
	})
	// An embedded broker may call it an invalid state instead of a fence.
	if err := first.Publish(t.Context(), at(2, alert(false, "r", "a"), alert(true, "r", "b"))); err == nil {
		t.Error("published although another has taken over")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	knows(t, second, 1, 1, map[string]uint64{"r|a": 1})
	publish(t, second, at(3, alert(true, "r", "c")))
	w.hasSaid(t, "r|a#1 firing", "r|c#2 firing")
}

func testKilled(t *testing.T, w *topics) {
	var net wire
	first := w.open(t, net.opt())
	publish(t, first, at(1, alert(true, "r", "a")))
	net.on(once(kmsg.EndTxn, die))
	if err := first.Publish(net.life(), at(2, alert(true, "r", "b"))); err == nil {
		t.Fatal("published although killed before EndTxn")
	}
	second := w.open(t)
	knows(t, second, 1, 1, map[string]uint64{"r|a": 1})
	w.hasSaid(t, "r|a#1 firing")
	publish(t, second, at(2, alert(true, "r", "b")))
	w.hasSaid(t, "r|a#1 firing", "r|b#2 firing")
}

func testEndLost(t *testing.T, w *topics) {
	var net wire
	first := w.open(t, net.opt())
	publish(t, first, at(1, alert(true, "r", "a")))
	net.on(once(kmsg.EndTxn, lose))
	if err := first.Publish(t.Context(), at(2, alert(true, "r", "b"))); err == nil {
		t.Fatal("published although EndTxn was lost")
	}
	knows(t, w.open(t), 1, 1, map[string]uint64{"r|a": 1})
	w.hasSaid(t, "r|a#1 firing")
}

func testReplyLost(t *testing.T, w *topics) {
	var net wire
	first := w.open(t, net.opt())
	publish(t, first, at(1, alert(true, "r", "a")))
	net.on(once(kmsg.EndTxn, loseReply))
	ends := net.sent(kmsg.EndTxn)
	if err := first.Publish(t.Context(), at(2, alert(false, "r", "a"), alert(true, "r", "b"))); err == nil {
		t.Error("published although nobody said so")
	}
	if n := net.sent(kmsg.EndTxn) - ends; n != 1 {
		t.Errorf("EndTxn sent %d times", n)
	}
	knows(t, first, 1, 1, map[string]uint64{"r|a": 1}) // P4: only "committed" moves memory
	// What a caller that takes the doubt for an abort would do.
	if err := first.Publish(t.Context(), at(2, alert(false, "r", "a"), alert(true, "r", "b"))); !errors.Is(err, publisher.ErrClosed) {
		t.Errorf("error %v, want ErrClosed", err)
	}
	w.hasSaid(t, "r|a#1 firing", "r|a#1 resolved", "r|b#2 firing")
	knows(t, w.open(t), 2, 2, map[string]uint64{"r|b": 2})
}

func testUnusable(t *testing.T, w *topics) {
	var net wire
	p := w.open(t, net.opt())
	net.on(once(kmsg.EndTxn, lose))
	if err := p.Publish(t.Context(), at(1, alert(true, "r", "a"))); err == nil {
		t.Fatal("published although EndTxn was lost")
	}
	inits, produced := net.sent(kmsg.InitProducerID), net.sent(kmsg.Produce)
	for range 3 {
		if err := p.Publish(t.Context(), at(1, alert(true, "r", "a"))); !errors.Is(err, publisher.ErrClosed) {
			t.Errorf("publish: error %v, want ErrClosed", err)
		}
	}
	if err := p.Look(t.Context()); !errors.Is(err, publisher.ErrClosed) {
		t.Errorf("look: error %v, want ErrClosed", err)
	}
	if n := net.sent(kmsg.InitProducerID) - inits; n != 0 {
		t.Errorf("%d InitProducerId after the error", n)
	}
	if n := net.sent(kmsg.Produce) - produced; n != 0 {
		t.Errorf("%d produce requests after the error", n)
	}
	knows(t, w.open(t), 0, 0, nil)
	w.hasSaid(t)
}

// A worker that starts over after each error, whatever was lost, says each
// alert once.
func testLostAnywhere(t *testing.T, w *topics) {
	for _, key := range []kmsg.Key{kmsg.Produce, kmsg.EndTxn} {
		for name, v := range map[string]verdict{"lost": lose, "reply lost": loseReply, "killed": die} {
			w.fresh(t)
			var net wire
			p := w.open(t, net.opt())
			publish(t, p, at(1, alert(true, "r", "a")))
			net.on(once(key, v))
			for tries := 0; p.Header().P < 2; tries++ {
				if tries > 3 {
					t.Fatalf("%s %s: still not published", key.Name(), name)
				}
				if err := p.Publish(net.life(), at(2, alert(true, "r", "b"))); err != nil {
					p = w.open(t)
				}
			}
			knows(t, p, 2, 2, map[string]uint64{"r|a": 1, "r|b": 2})
			t.Logf("%s %s", key.Name(), name)
			w.hasSaid(t, "r|a#1 firing", "r|b#2 firing")
		}
	}
}

// The predecessor publishes as long as it can: until InitProducerId arrives.
func testLatePublication(t *testing.T, w *topics) {
	first := w.open(t)
	publish(t, first, at(1, alert(true, "r", "a")))
	var net wire
	done := false
	var err error
	net.on(func(key kmsg.Key) verdict {
		if key == kmsg.InitProducerID && !done {
			done, err = true, first.Publish(context.Background(), at(2, alert(false, "r", "a"), alert(true, "r", "b")))
		}
		return pass
	})
	second := w.open(t, net.opt())
	if err != nil {
		t.Fatal(err)
	}
	knows(t, second, 2, 2, map[string]uint64{"r|b": 2})
}

// The predecessor has produced, and its EndTxn arrives just before
// InitProducerId: committed, markers perhaps still to be written.
func testOpenTransaction(t *testing.T, w *topics) {
	var before, net wire
	first := w.open(t, before.opt())
	publish(t, first, at(1, alert(true, "r", "a")))
	produced, release, ended := make(chan bool), make(chan bool), make(chan error, 1)
	var produce sync.Once
	before.on(func(key kmsg.Key) verdict {
		if key == kmsg.EndTxn {
			produce.Do(func() { close(produced) })
			<-release
		}
		return pass
	})
	go func() {
		ended <- first.Publish(context.Background(), at(2, alert(false, "r", "a"), alert(true, "r", "b")))
	}()
	<-produced
	done := false
	var err error
	net.on(func(key kmsg.Key) verdict {
		if key == kmsg.InitProducerID && !done {
			done = true
			close(release)
			err = <-ended
		}
		return pass
	})
	second := w.open(t, net.opt())
	if err != nil {
		t.Fatal(err)
	}
	knows(t, second, 2, 2, map[string]uint64{"r|b": 2})
}

// Somebody else's open transaction hides the predecessor's last publication
// from plain read_committed.
func testHeldBack(t *testing.T, w *topics) {
	first := w.open(t)
	publish(t, first, at(1, alert(true, "r", "a")))
	s := w.stranger(t)
	s.writes("r|x", `{"n":99}`)
	publish(t, first, at(2, alert(false, "r", "a"), alert(true, "r", "b")))

	var net wire
	fetches, waits := 0, make(chan bool)
	net.on(func(key kmsg.Key) verdict {
		if key == kmsg.Fetch {
			if fetches++; fetches == 4 {
				close(waits)
			}
		}
		return pass
	})
	type opened struct {
		p   *publisher.Publisher
		err error
	}
	result := make(chan opened, 1)
	go func() {
		p, err := publisher.Open(context.Background(), w.options(net.opt()))
		result <- opened{p, err}
	}()
	select {
	case r := <-result:
		if r.err != nil {
			t.Fatal(r.err)
		}
		defer r.p.Close()
		t.Errorf("did not wait for the high watermark: header %+v", r.p.Header())
		s.ends(kgo.TryAbort)
	case <-waits:
		s.ends(kgo.TryAbort)
		r := <-result
		if r.err != nil {
			t.Fatal(r.err)
		}
		defer r.p.Close()
		knows(t, r.p, 2, 2, map[string]uint64{"r|b": 2})
	}
}

func testNeverEnds(t *testing.T, w *topics) {
	publish(t, w.open(t), at(1, alert(true, "r", "a")))
	s := w.stranger(t)
	s.writes("r|x", `{"n":99}`)
	o := w.options()
	o.CursorLimit = 500 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	_, err := publisher.Open(ctx, o)
	if err == nil {
		t.Fatal("opened although the last stable offset never reached the high watermark")
	}
	for _, want := range []string{w.cursors + "/2", "a transaction that nobody ends", "500ms"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not contain %q", err, want)
		}
	}
	s.ends(kgo.TryAbort)
	knows(t, w.open(t), 1, 1, map[string]uint64{"r|a": 1})
}

func testLook(t *testing.T, w *topics) {
	first := w.open(t)
	look := func(p *publisher.Publisher) {
		t.Helper()
		if err := p.Look(t.Context()); err != nil {
			t.Fatalf("look: %v", err)
		}
	}
	look(first)
	publish(t, first, at(1, alert(true, "r", "a")))
	look(first)
	w.committed(t, w.cursors) // until our own can be seen
	look(first)
	second := w.open(t)
	look(first) // it has said nothing yet
	publish(t, second, at(1, alert(false, "r", "a")))
	w.committed(t, w.cursors)
	isFenced(t, first.Look(t.Context()))
	if err := first.Publish(t.Context(), at(2)); !errors.Is(err, publisher.ErrClosed) {
		t.Errorf("publish after a look that failed: %v, want ErrClosed", err)
	}
	for i := range 5 {
		publish(t, second, at(int64(2+i)))
		look(second)
	}
	w.committed(t, w.cursors)
	look(second)
	knows(t, w.open(t), 7, 6, nil)
}

func testLookSameP(t *testing.T, w *topics) {
	for _, header := range []string{
		`{"p":1,"offsets":{"logins":2},"watermark":1000}`,
		`{"p":1,"offsets":{"logins":1},"watermark":1001}`,
	} {
		w.fresh(t)
		p := w.open(t)
		publish(t, p, at(1, alert(true, "r", "a")))
		s := w.stranger(t)
		s.writes("header", header)
		s.ends(kgo.TryCommit)
		w.committed(t, w.cursors)
		isFenced(t, p.Look(t.Context()))
	}
}

// What was said to be committed is looked for.
func testLookMissing(t *testing.T, w *topics) {
	var net wire
	p := w.open(t, net.opt())
	publish(t, p, at(1, alert(true, "r", "a")))
	net.on(once(kmsg.EndTxn, abort))
	publish(t, p, at(2, alert(true, "r", "b"))) // so it was told
	w.committed(t, w.cursors)
	if err := p.Look(t.Context()); err == nil {
		t.Error("a publication that is not there was not missed")
	}
	knows(t, w.open(t), 1, 1, map[string]uint64{"r|a": 1})
	w.hasSaid(t, "r|a#1 firing")
}

func testLookCut(t *testing.T, w *topics) {
	var net wire
	o := w.options(net.opt())
	o.LookLimit = 300 * time.Millisecond
	p, err := publisher.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	net.on(once(kmsg.Fetch, loseReply)) // one lost fetch is no doubt: reading changes nothing
	if err := p.Look(t.Context()); err != nil {
		t.Errorf("look with one fetch lost: %v", err)
	}
	net.kill()
	if err := p.Look(t.Context()); err == nil || errors.Is(err, publisher.ErrFenced) {
		t.Errorf("look without a broker: %v, want an error that is no fence", err)
	}
	if err := p.Look(t.Context()); !errors.Is(err, publisher.ErrClosed) {
		t.Errorf("look after an error: %v, want ErrClosed", err)
	}
}
