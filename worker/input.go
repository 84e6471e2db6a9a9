package worker

import (
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/consumer"
	"github.com/tidemark-io/tidemark/store"
)

// input is one topic's partition: where it is read, and how far its time is.
type input struct {
	topic  string
	at     store.Offset // as it will be committed
	stream *consumer.Stream
	batch  *consumer.Batch // taken and not wholly applied
	pos    int             // of its messages, how many are applied
	end    int64           // of the log, as the last fetch told
	silent time.Time       // since when its stream has nothing and no answer; zero: it has
}

func (in *input) close() {
	if in.batch != nil {
		in.batch.Release()
		in.batch = nil
	}
	in.stream.Close()
}

// state is what the input has to give.
func (in *input) state() consumer.State {
	if in.batch != nil {
		return consumer.Ready
	}
	head, state := in.stream.Head()
	if head != nil {
		in.end = head.HighWatermark
	}
	if state != consumer.Waiting {
		in.silent = time.Time{}
	} else if in.silent.IsZero() {
		in.silent = time.Now()
	}
	return state
}

const (
	// patience is how long the loop waits for the batch of the input whose time is
	// lowest while others have something to give.
	patience = 200 * time.Millisecond
	// silentAfter is how long an input may go without an answer before its shard is
	// no longer called ready: longer than a partition takes to change its leader.
	silentAfter = 5 * time.Second
)

// choose returns the input whose batch is taken next: of those not at their end the
// one with the lowest watermark, so that no topic's time runs ahead of another's.
// It is nil where no input has a batch, or where that one's is still on its way.
func (t *tenure) choose() (next *input, err error) {
	for _, in := range t.inputs {
		if err := in.stream.Err(); err != nil {
			return nil, err
		}
		switch in.state() {
		case consumer.AtEnd:
			in.end = in.at.Next
			continue
		case consumer.Waiting:
			if time.Since(in.silent) >= patience {
				continue
			}
		}
		if next == nil || in.at.Watermark < next.at.Watermark {
			next = in
		}
	}
	if next != nil && next.state() != consumer.Ready {
		return nil, nil
	}
	return next, nil
}

// unanswered names the first input that has gone without an answer for too long;
// it is "" where all answer. The watermark stands meanwhile.
func (t *tenure) unanswered() string {
	for _, in := range t.inputs {
		if !in.silent.IsZero() && time.Since(in.silent) > silentAfter {
			return fmt.Sprintf("%s/%d", in.topic, t.shard)
		}
	}
	return ""
}

// lag is how many messages lie between what is applied and the logs' ends.
func (t *tenure) lag() int64 {
	n := int64(0)
	for _, in := range t.inputs {
		n += max(0, in.end-in.at.Next)
	}
	return n
}

// atEnd says whether every input is at the end of its log.
func (t *tenure) atEnd() bool {
	for _, in := range t.inputs {
		if in.batch != nil || in.state() != consumer.AtEnd {
			return false
		}
	}
	return true
}

// again says whether messages are being read again that a publication has
// covered: some were applied, the others said to be late.
func (t *tenure) again() bool {
	h := t.pub.Header()
	for _, in := range t.inputs {
		if in.at.Next < h.Offsets[in.topic] {
			return true
		}
	}
	return false
}

// time is the watermark that the inputs allow, 0 where there is none yet. While
// the log is read again after a loss of commits it stands still: what was applied
// must not be late now, since a copy of it would count as said (P2). Else it is
// the lowest of those that are not at their end, less the disorder. Where all are at
// their end it is the highest event time of any (clock: log), or the clock less
// the idle allowance (clock: live), if the watermark is within a day of it.
func (t *tenure) time(now time.Time) int64 {
	if t.again() {
		return t.state.Watermark()
	}
	lowest, highest := int64(0), int64(0)
	held := false
	for _, in := range t.inputs {
		highest = max(highest, in.at.Watermark)
		if in.batch == nil && in.state() == consumer.AtEnd {
			continue
		}
		if held = true; in.at.Watermark == 0 {
			return 0 // nothing was read of it yet
		}
		if lowest == 0 || in.at.Watermark < lowest {
			lowest = in.at.Watermark
		}
	}
	if held {
		return lowest - t.opts.Disorder.Milliseconds()
	}
	w := highest - t.opts.Disorder.Milliseconds()
	if !t.opts.Live {
		if others, ok := t.opts.Others(); ok && t.head.Born {
			w = max(highest, others)
		}
		return w
	}
	w = max(w, t.state.Watermark())
	clock := now.UnixMilli() - (t.opts.Disorder + idleAllowance).Milliseconds()
	if w > 0 && w < clock && w >= clock-24*time.Hour.Milliseconds() {
		w = clock
	}
	return w
}

// idleAllowance is how much longer than the disorder a silent log is waited for
// before the clock moves its watermark.
const idleAllowance = 2 * time.Second
