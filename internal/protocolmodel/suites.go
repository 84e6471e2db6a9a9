package main

// suite is a group of configurations that belong together.
type suite struct {
	title string
	cs    []Config
}

func suites() []suite {
	return []suite{
		{"The protocol", protocol()},
		{"Notes with a due time", dueTimes()},
		{"Notes that depend on the interleaving", interleavings()},
		{"Birth", births()},
		{"Rules that may be chosen otherwise", variants()},
		{"Mistakes, each must be caught", append(mistakes(), noteMistakes()...)},
		{"As first written, must be caught", asWritten()},
	}
}

var everyFault = Limits{unlimited, unlimited, unlimited, unlimited, unlimited}

// copies are notes for the late or the dead-letter topic, one for each event.
func copies(events ...uint8) []note {
	var ns []note
	for _, e := range events {
		ns = append(ns, note{needs: e})
	}
	return ns
}

func mirrored(cs []Config) []Config {
	for i := range cs {
		cs[i].Mirror = true
	}
	return cs
}

// protocol: the protocol of docs/protocol.md. Nothing may break.
func protocol() []Config {
	return mirrored([]Config{
		{Name: "2+1 events, every fault without limit", A: 2, B: 1, Want: []wish{latest}, Limit: everyFault, Window: 3},
		{Name: "1+1 events, a note, every fault without limit", A: 1, B: 1, Want: []wish{parity}, Notes: copies(a1), Limit: everyFault, Window: 2},
		{Name: "2+2 events, notes, double rollback", A: 2, B: 2, Want: []wish{latest}, Notes: copies(a2, b2), Limit: Limits{1, 2, 1, 0, 1}, Window: 3},
		{Name: "2+2 events, notes, lost and late commits", A: 2, B: 2, Want: []wish{parity}, Notes: copies(a2, b2), Limit: Limits{0, 1, 1, 1, 0}, Window: 3},
		{Name: "3+2 events, triple rollback, zombie", A: 3, B: 2, Want: []wish{latest}, Limit: Limits{0, 3, 1, 0, 0}, Window: 4},
		{Name: "2+2 events, clock, two pairs", A: 2, B: 2, T: 1, Want: []wish{retracted, silence}, Limit: Limits{1, 1, 1, 0, 0}, Window: 3},
		{Name: "1+1 events, clock, late commits", A: 1, B: 1, T: 1, Want: []wish{parity}, Notes: copies(b1), Limit: Limits{1, 1, 1, 1, 0}, Window: 2},
	})
}

// dueTimes: notes that need an event and a tick, as an orphan and the time of a
// ticket do, beside one that needs an event alone.
func dueTimes() []Config {
	orphan := note{needs: a1 | tick1}
	ticket := note{needs: b1 | tick1, oneShot: true}
	return mirrored([]Config{
		{Name: "an orphan, every fault without limit", A: 2, T: 1, Want: []wish{parity},
			Notes: []note{orphan}, Limit: everyFault, Window: 2},
		{Name: "an orphan, a ticket, a dead letter, double rollback", A: 2, B: 1, T: 1, Want: []wish{latest},
			Notes: []note{orphan, ticket, {needs: a2}}, Limit: Limits{1, 2, 1, 0, 0}, Window: 3},
		{Name: "an orphan, a ticket, two ticks, late commits", A: 1, B: 1, T: 2, Want: []wish{silence},
			Notes: []note{orphan, {needs: b1 | tick2, oneShot: true}}, Limit: Limits{0, 1, 1, 1, 0}, Window: 2},
	})
}

// tooLate is the copy of an event that counts where it is read before a tick.
func tooLate(event, tick uint8) note {
	return note{needs: event, spared: func(from, _ At) bool { return from.events()&tick == 0 }}
}

// unmatched is the copy of an orphan that is given up at a tick, unless its
// target was read before. After the tick the orphan itself is too late.
func unmatched(event, target, tick uint8) note {
	return note{needs: event | tick, spared: func(from, to At) bool { return from.events()&tick == 0 && to.events()&target != 0 }}
}

// interleavings: notes that one reading of the log raises and another does not.
// Every event counts in the end or has its copy. Not where a rollback brings back
// the token of an owner that knows of no newer header, and it moves the clock
// before it looks: that is what is left.
func interleavings() []Config {
	late, orphan := tooLate(b1, tick1), unmatched(a1, b1, tick1)
	return mirrored([]Config{
		{Name: "late after a tick, rollbacks without limit", A: 2, B: 1, T: 1, Want: []wish{parity},
			Notes: []note{late}, Limit: Limits{unlimited, unlimited, 0, 0, 1}, Window: 3},
		{Name: "late after a tick, an orphan and its target, double rollback", A: 2, B: 2, T: 1, Want: []wish{parity},
			Notes: []note{tooLate(b2, tick1), orphan}, Limit: Limits{1, 2, 0, 0, 0}, Window: 3},
		{Name: "an orphan and its target, two ticks, rollbacks without limit", A: 1, B: 1, T: 2, Want: []wish{parity},
			Notes: []note{orphan, tooLate(a1, tick2)}, Limit: Limits{unlimited, unlimited, 0, 0, 1}, Window: 3},
		{Name: "late after a tick, a zombie's token comes back", Breaks: atRest, A: 1, B: 1, T: 1, Want: []wish{parity},
			Notes: []note{late}, Limit: Limits{0, 1, 1, 0, 0}, Window: 3},
	})
}

// births: a shard that is born with events before it in the log, S7 included.
// The dead letter a1 is said while unborn, the one-shot alert of b1 never, that
// of a2 and b2 always, and so is that of a2 alone, which may be read before b1.
func births() []Config {
	notes := []note{{needs: a1}, {needs: b1, oneShot: true}, {needs: a2 | b2, oneShot: true}}
	beyond := []note{{needs: a1}, {needs: b1, oneShot: true}, {needs: a2, oneShot: true}}
	birth := At{1, 1, 0}
	return mirrored([]Config{
		{Name: "born at 1+1 of 2+1, every fault without limit", A: 2, B: 1, Birth: birth, Want: []wish{parity},
			Notes: []note{{needs: a1}}, Limit: everyFault, Window: 2},
		{Name: "born at 1+1 of 2+2, crashes, double rollback", A: 2, B: 2, Birth: birth, Want: []wish{parity},
			Notes: beyond, Limit: Limits{1, 2, 1, 0, 0}, Window: 3},
		{Name: "born at 1+1 of 2+2, lost and late commits", A: 2, B: 2, Birth: birth, Want: []wish{latest},
			Notes: notes, Limit: Limits{0, 1, 1, 1, 0}, Window: 3},
		{Name: "born at 2+1 of 2+1, clock: all of it is history", A: 2, B: 1, T: 1, Birth: At{2, 1, 0}, Want: []wish{silence},
			Notes: []note{{needs: a2}, {needs: a1, oneShot: true}}, Limit: Limits{1, 1, 1, 0, 1}, Window: 3},
	})
}

// variants: rules that may be chosen otherwise. Nothing may break either.
func variants() []Config {
	v := func(name string, set func(*Config)) Config {
		c := Config{Name: name, A: 2, B: 1, Want: []wish{latest}, Notes: copies(b1), Limit: Limits{1, 1, 1, 0, 1}, Window: 3}
		set(&c)
		return c
	}
	return mirrored([]Config{
		v("T2, T3, then T1", func(c *Config) { c.Steps = []step{t2, t3, t1} }),
		v("T2, T1, then T3", func(c *Config) { c.Steps = []step{t2, t1, t3} }),
		v("claim only over the owner seen at the start", func(c *Config) { c.Conditional, c.Ghost = true, true }),
		v("the same, InitProducerId first", func(c *Config) {
			c.Steps, c.Conditional, c.Ghost = []step{t2, t3, t1}, true, true
		}),
		v("look a doubtful commit up instead of starting over", func(c *Config) { c.Recognise, c.Limit = true, Limits{0, 1, 1, 1, 0} }),
		v("commit on while a transaction is open", func(c *Config) { c.Pipelined = true }),
		v("alerts in several transactions", func(c *Config) { c.InParts, c.Want = true, []wish{latest, parity} }),
		v("transaction before the commit", func(c *Config) { c.PublishFirst = true }),
		v("cursor partition shared, read to the high watermark", func(c *Config) { c.Shared = true }),
	})
}
