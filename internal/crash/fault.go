package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/tidemark-io/tidemark/internal/endtoend"
)

// What workers log, by which a fault is known to have been met.
const (
	assigned        = "shards assigned"
	startOver       = "in doubt: start over"
	released        = "shards released"
	generationEnded = "generation has ended"
)

// commit plays one fault, up to the moment at which the logs show that it was
// met. That nobody noticed it is an error.
func (p *play) commit(ctx context.Context, f fault) error {
	ctx, cancel := context.WithTimeout(ctx, faultLimit)
	defer cancel()
	if f.calm || f.kind == pause || f.kind == join || f.kind == terminate {
		for _, w := range p.workers[:2] {
			if err := w.Ready(ctx); err != nil {
				return fmt.Errorf("before %s: %w", f, err)
			}
		}
	}
	commits := map[kind]func(context.Context, fault) error{
		kill: p.kill, killBoth: p.killBoth, terminate: p.terminate, join: p.join, pause: p.pause,
		redisRestart: p.redisRestart, redisCut: p.redisCut, kafkaRestart: p.kafkaRestart,
	}
	if err := commits[f.kind](ctx, f); err != nil {
		return fmt.Errorf("%s: %w", f, err)
	}
	return nil
}

// marks are the present lengths of the logs.
func (p *play) marks() (out []int64) {
	for _, w := range p.workers {
		out = append(out, w.Log.Size())
	}
	return out
}

// anyTakeover waits until one of the workers has logged a take-over that is
// wanted, since the marks.
func (p *play) anyTakeover(ctx context.Context, marks []int64, want func(endtoend.Takeover) bool) (found endtoend.Takeover, err error) {
	err = endtoend.Eventually(ctx, func() error {
		for i, w := range p.workers[:len(marks)] {
			list, err := w.Log.Takeovers(marks[i])
			if err != nil {
				return endtoend.Stop(err)
			}
			if j := slices.IndexFunc(list, want); j >= 0 {
				found = list[j]
				return nil
			}
		}
		return errors.New("no such take-over was logged")
	})
	return found, err
}

func whichever(endtoend.Takeover) bool { return true }

// stop sends a signal that ends a worker, and waits for its end.
func (p *play) stop(ctx context.Context, w *endtoend.Worker, sig syscall.Signal) error {
	p.tell("%s gets %v, pid %d", w.Name, sig, w.Pid())
	return w.End(ctx, sig)
}

func (p *play) start(w *endtoend.Worker) error {
	if err := w.Start(); err != nil {
		return err
	}
	p.tell("%s started, pid %d", w.Name, w.Pid())
	return nil
}

// kill: the shards of a process that is killed must be taken over.
func (p *play) kill(ctx context.Context, f fault) error {
	return p.endAndStart(ctx, f, syscall.SIGKILL)
}

// terminate: a process that is asked to ends in order and gives its shards up.
func (p *play) terminate(ctx context.Context, f fault) error {
	mark := p.workers[f.on].Log.Size()
	if err := p.endAndStart(ctx, f, syscall.SIGTERM); err != nil {
		return err
	}
	_, err := p.workers[f.on].Log.Await(ctx, mark, released)
	return err
}

func (p *play) endAndStart(ctx context.Context, f fault, sig syscall.Signal) error {
	w, marks := p.workers[f.on], p.marks()
	if err := p.stop(ctx, w, sig); err != nil {
		return err
	}
	// In the midst of another recovery it may have had no shard.
	if f.calm && !f.soon {
		if _, err := p.anyTakeover(ctx, marks, whichever); err != nil {
			return err
		}
	}
	mark := w.Log.Size()
	if err := p.start(w); err != nil {
		return err
	}
	_, err := w.Log.Await(ctx, mark, assigned)
	return err
}

// killBoth: nobody is left.
func (p *play) killBoth(ctx context.Context, _ fault) error {
	marks := p.marks()
	for _, w := range p.workers[:2] {
		if err := p.stop(ctx, w, syscall.SIGKILL); err != nil {
			return err
		}
	}
	for _, w := range p.workers[:2] {
		if err := p.start(w); err != nil {
			return err
		}
	}
	_, err := p.anyTakeover(ctx, marks, whichever)
	return err
}

// join: a third member takes shards over, and leaves.
func (p *play) join(ctx context.Context, f fault) error {
	w, err := p.space.Worker(fmt.Sprintf("w%d", len(p.workers)))
	if err != nil {
		return err
	}
	p.workers = append(p.workers, w)
	if err := p.start(w); err != nil {
		return err
	}
	if _, err := w.Log.Await(ctx, 0, "shard taken over"); err != nil {
		return fmt.Errorf("the third: %w", err)
	}
	marks := p.marks()
	sig := syscall.SIGTERM
	if f.kill {
		sig = syscall.SIGKILL
	}
	if err := p.stop(ctx, w, sig); err != nil {
		return err
	}
	_, err = p.anyTakeover(ctx, marks, whichever)
	return err
}

// pause: a process stands still until another has taken all shards over, and
// goes on as if it still owned its own. It must find that it doesn't.
func (p *play) pause(ctx context.Context, f fault) error {
	w, other := p.workers[f.on], p.workers[1-f.on]
	mark, otherMark := w.Log.Size(), other.Log.Size()
	p.tell("%s gets SIGSTOP, pid %d", w.Name, w.Pid())
	if err := w.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	owned := map[int]bool{}
	err := endtoend.Eventually(ctx, func() error {
		list, err := other.Log.Takeovers(otherMark)
		if err != nil {
			return endtoend.Stop(err)
		}
		for _, t := range list {
			owned[t.Shard] = true
		}
		if len(owned) < p.partitions {
			return fmt.Errorf("%s has taken over %d of %d shards; its log says:\n%s", other.Name, len(owned), p.partitions, other.Log.Tail(10))
		}
		return nil
	})
	p.tell("%s gets SIGCONT, pid %d", w.Name, w.Pid())
	if err := errors.Join(err, w.Signal(syscall.SIGCONT)); err != nil {
		return err
	}
	// With nothing in hand it may hear of its session's end first.
	line, err := w.Log.Await(ctx, mark, startOver, generationEnded)
	if err != nil {
		return fmt.Errorf("the zombie did not notice that it is one: %w", err)
	}
	if line.Msg == startOver {
		p.fenced = true
	}
	p.tell("%s noticed: %s %s", w.Name, line.Msg, line.Error)
	return nil
}

// redisRestart: while Redis is away whoever owns a shard is in doubt. One that is
// back at once may go unnoticed; then its own log tells that it was.
func (p *play) redisRestart(ctx context.Context, f fault) error {
	marks, own := p.marks(), endtoend.OpenLog(p.redis.Log())
	mark := own.Size()
	p.tell("Redis gets SIGKILL, pid %d", p.redis.Pid())
	if err := p.redis.Stop(); err != nil {
		return err
	}
	if !f.soon {
		if err := p.anyDoubt(ctx, marks); err != nil {
			return err
		}
	}
	if err := p.redis.Start(); err != nil {
		return err
	}
	p.tell("Redis started, pid %d", p.redis.Pid())
	_, err := own.Await(ctx, mark, "DB loaded from append only file")
	return err
}

// anyDoubt waits until a worker has started a shard over.
func (p *play) anyDoubt(ctx context.Context, marks []int64) error {
	return endtoend.Eventually(ctx, func() error {
		for i, w := range p.workers[:2] {
			_, ok, err := w.Log.Find(marks[i], startOver)
			if err != nil {
				return endtoend.Stop(err)
			}
			if ok {
				return nil
			}
		}
		return errors.New("no worker was in doubt")
	})
}

// redisCut: each shard that lost commits is taken over where it had been
// before them.
func (p *play) redisCut(ctx context.Context, f fault) error {
	marks := p.marks()
	p.tell("Redis gets SIGKILL, pid %d", p.redis.Pid())
	if err := p.redis.Stop(); err != nil {
		return err
	}
	file, err := aofFile(p.redis.AOFDir())
	if err != nil {
		return err
	}
	c, err := cutBack(file, f.back, p.floor)
	if err != nil {
		return err
	}
	p.tell("append-only file %s", c)
	if err := p.redis.Start(); err != nil {
		return err
	}
	p.tell("Redis started, pid %d", p.redis.Pid())
	for shard, lost := range c.lost {
		// A take-over raises the number by one; some may be made in vain.
		_, err := p.anyTakeover(ctx, marks, func(t endtoend.Takeover) bool { return t.Shard == shard && t.Number <= lost+3 })
		if err != nil {
			return fmt.Errorf("shard %d lost its commits up to %d: %w", shard, lost, err)
		}
	}
	return nil
}

// kafkaRestart: fetching stops and goes on.
func (p *play) kafkaRestart(ctx context.Context, _ fault) error {
	marks := p.marks()
	p.tell("Kafka gets SIGKILL, pid %d", p.kafka.Pid())
	if err := p.kafka.Stop(); err != nil {
		return err
	}
	if err := p.kafka.Start(); err != nil {
		return err
	}
	p.tell("Kafka started, pid %d", p.kafka.Pid())
	for i, w := range p.workers[:2] {
		if _, err := w.Log.Await(ctx, marks[i], "trying again", startOver, "joined the group"); err != nil {
			return fmt.Errorf("%s did not notice: %w", w.Name, err)
		}
	}
	return nil
}
