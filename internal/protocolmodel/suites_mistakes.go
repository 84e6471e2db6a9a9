package main

// mistakes: each breaks the property it names.
func mistakes() []Config {
	e := func(breaks int, name string, set func(*Config)) Config {
		c := Config{Name: name, Breaks: breaks, A: 2, B: 2, Want: []wish{latest}, Notes: copies(b1),
			Limit: Limits{1, 1, 1, 1, 1}, Window: 3, SkipS4: true}
		set(&c)
		return c
	}
	return []Config{
		e(readerOnce, "T3 before T2", func(c *Config) { c.Steps = []step{t1, t3, t2} }),
		e(readerOnce, "no T2: owner token in Redis guards the publication", func(c *Config) { c.Steps, c.NoFence = []step{t1, t3}, true }),
		e(readerOnce, "client library re-inits after a fence, memory kept", func(c *Config) { c.Reinit = true }),
		e(readerOnce, "T3 from a shared cursor partition, plain read_committed", func(c *Config) { c.Shared, c.PlainRead = true, true }),
		e(readerOnce, "P3 in two transactions, alerts and header", func(c *Config) { c.SplitTxn = true }),
		e(readerOnce, "P4: unknown EndTxn taken for an abort", func(c *Config) { c.AssumeAborted = true }),
		e(readerOnce, "P4: unknown EndTxn taken for a commit", func(c *Config) { c.AssumeCommitted = true }),
		e(readerOnce, "n counted for each pair, lost with the tombstone", func(c *Config) { c.PairCounter = true }),
		e(readerOnce, "no P1, notes", func(c *Config) { c.NoHold, c.SkipS6 = true, true }),
		e(noStepBack, "no P1, alerts", func(c *Config) { c.NoHold, c.Notes = true, nil }),
		e(stateOnce, "C2 compares owner and offsets, clock moves alone", func(c *Config) { c.NoNumber, c.T = true, 1 }),
		e(stateOnce, "C2 compares the owner alone", func(c *Config) { c.OwnerOnly = true }),
		e(stateOnce, "T1 in two parts, C2 compares the owner alone", func(c *Config) {
			c.Steps, c.OwnerOnly, c.Limit[rollback] = []step{loadAlone, claimAlone, t2, t3}, true, 0
		}),
		e(stateOnce, "C2 compares nothing, library retries", func(c *Config) { c.NoCAS = true }),
		e(stateOnce, "number reused for another batch after a lost reply", func(c *Config) { c.Recognise, c.RetryOther = true, true }),
		e(atRest, "no T5", func(c *Config) { c.SilentAtTake = true }),
		e(atRest, "notes kept in memory only", func(c *Config) { c.NotesInMemory = true }),
		e(atRest, "no L2", func(c *Config) { c.NoKafkaLook = true }),
		e(atRest, "no L2, T2 before T1, no rollback", func(c *Config) {
			c.NoKafkaLook, c.Steps, c.Limit[rollback] = true, []step{t2, t3, t1}, 0
		}),
		e(progress, "no L1", func(c *Config) { c.NoRedisLook = true }),
		e(progress, "a fenced worker takes over again though not assigned", func(c *Config) {
			c.NotAssigned, c.A, c.B, c.Notes = true, 1, 1, nil
			c.Limit = Limits{}
		}),
	}
}

// noteMistakes are those about notes with a due time, about those that depend on
// the interleaving, and about the birth. Only where the log is read again they
// need a rollback, and most need no fault at all.
func noteMistakes() []Config {
	due := func(name string, set func(*Config)) Config {
		c := Config{Name: name, Breaks: atRest, A: 1, B: 1, T: 1, Want: []wish{parity},
			Notes: []note{{needs: a1 | tick1}}, Window: 2}
		set(&c)
		return c
	}
	again := func(name string, n note) Config {
		return Config{Name: name, Breaks: atRest, A: 1, B: 1, T: 1, Want: []wish{parity}, Notes: []note{n},
			Limit: Limits{0, 1, 0, 0, 0}, Window: 3, TimeRunsAhead: true}
	}
	birth := func(breaks int, name string, set func(*Config)) Config {
		c := births()[1]
		c.Name, c.Breaks, c.Mirror, c.Limit = name, breaks, false, Limits{1, 0, 1, 0, 0}
		set(&c)
		return c
	}
	return []Config{
		due("P2: a note is said when its event's offset is", func(c *Config) { c.OffsetOnly = true }),
		due("P2: a note is said when its due time is", func(c *Config) { c.DueOnly = true }),
		again("time moves while the log is read again, an event in time", tooLate(b1, tick1)),
		again("time moves while the log is read again, an orphan's target", unmatched(a1, b1, tick1)),
		birth(historySilent, "no P0", func(c *Config) { c.PublishUnborn = true }),
		birth(historySilent, "P0: born kept in memory, who finds a state takes it for born", func(c *Config) { c.BornInMemory = true }),
		birth(historySilent, "P0: one-shot alerts of history held back, not dropped", func(c *Config) { c.KeepUnborn = true }),
		birth(atRest, "P0: a commit that starts unborn drops all one-shot alerts", func(c *Config) { c.UnbornNone = true }),
		birth(atRest, "P0: ends of the birth taken anew with each take-over", func(c *Config) { c.BirthAnew = true }),
	}
}

// asWritten: outbox and announced in Redis, one header a commit, a rollback
// known by the commit number (or by the offsets).
func asWritten() []Config {
	e := func(breaks int, name string, set func(*Config)) Config {
		c := Config{Name: name, Breaks: breaks, A: 2, B: 2, Want: []wish{latest}, Steps: []step{t2, t3, t1}, AsWritten: true,
			Limit: Limits{1, 1, 1, 1, 1}, Window: 3, SkipS4: true, NoKafkaLook: true}
		set(&c)
		return c
	}
	return []Config{
		e(fine, "as first written, Redis never rolls back", func(c *Config) { c.Limit[rollback], c.Mirror = 0, true }),
		e(noStepBack, "as first written, a crash while held", func(c *Config) { c.Limit = Limits{1, 1, 0, 0, 0} }),
		e(readerOnce, "as first written, a zombie commits after a rollback", func(c *Config) { c.SkipS6, c.NoKafkaLook = true, false }),
		e(readerOnce, "rollback known by offsets, with L2", func(c *Config) {
			c.SkipS6, c.ByOffsets, c.NoKafkaLook, c.Limit = true, true, false, Limits{0, 2, 1, 1, 0}
		}),
	}
}
