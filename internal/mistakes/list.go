package mistakes

import "slices"

// All are the mistakes, in the order of the steps.
func All() []Mistake {
	return slices.Concat(takeOver(), commit(), publication(), notes(), birth(), look())
}

// step is a test of the worker's that tells one story.
func step(name string) Test { return Test{"worker", name} }

// onKfake is a part of the publisher's suite.
func onKfake(name string) Test { return Test{"publisher", "TestKfake/" + name} }

// contract is a part of the store's contract.
func contract(name string) Test { return Test{"store", "TestContractOnMiniredis/" + name} }

// cut takes text out of a file.
func cut(file, old string) Edit { return Edit{file, old, ""} }

func takeOver() []Mistake {
	return []Mistake{
		{"T1", "load before claim", []Edit{{"store/claim.go", `	err = s.watch(ctx, func(tx *redis.Tx) error {
		cmds, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.HSet(ctx, meta, fieldOwner, owner)
			number = p.HIncrBy(ctx, meta, fieldNumber, 1)
			head`, `	cmds, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		head = p.HMGet(ctx, meta, fieldHead)
		for i, key := range s.loaded(shard) {
			hashes[i] = p.HGetAll(ctx, key)
		}
		return nil
	})
	if err := replies(cmds, err); err != nil {
		return nil, err
	}
	err = s.watch(ctx, func(tx *redis.Tx) error {
		cmds, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.HSet(ctx, meta, fieldOwner, owner)
			number = p.HIncrBy(ctx, meta, fieldNumber, 1)
			return nil
			head`}}, contract("a_commit_between_a_claim")},
		{"T2", "cursor read before InitProducerId", []Edit{{"publisher/open.go", `	if err := p.fence(ctx); err != nil {
		return err
	}
	return p.readCursor(ctx)
`, `	if err := p.readCursor(ctx); err != nil {
		return err
	}
	return p.fence(ctx)
`}}, onKfake("predecessor_publishes_while_we_take_over")},
		{"T2", "no InitProducerId before the first record", []Edit{
			cut("publisher/open.go", `	if err := p.fence(ctx); err != nil {
		return err
	}
`),
			{"publisher/publish.go", "sent != p.inits {", "sent > p.inits+1 {"},
		}, onKfake("second_fences_first")},
		{"T2a", "what hangs is always aborted", []Edit{
			{"publisher/hanging.go", "Commit: commit, CoordinatorEpoch:", "Commit: false, CoordinatorEpoch:"},
		}, Test{"publisher", "TestHangingIsEnded/committed"}},
		{"T2a", "the decision asked for after T2", []Edit{{"publisher/open.go", `	if err := p.endDecided(ctx); err != nil {
		return err
	}
`, ""}, {"publisher/open.go", `	return p.readCursor(ctx)
`, `	if err := p.endDecided(ctx); err != nil {
		return err
	}
	return p.readCursor(ctx)
`}}, Test{"publisher", "TestHangingIsEnded/committed"}},
		{"T2a", "another transaction's decision is followed", []Edit{
			{"publisher/hanging.go", "	if h.topic != p.options.Topics.Cursors {", "	if false {"},
		}, Test{"publisher", "TestHangingIsEnded/committed_before"}},
		{"T2b", "what hangs is left alone where its decision is forgotten", []Edit{
			{"publisher/hanging.go", "		if p.end(ctx, h, commit) != nil {", "		if !known || p.end(ctx, h, commit) != nil {"},
		}, Test{"publisher", "TestHangingIsEnded/decision_forgotten"}},
		{"T2b", "ended although the coordinator still knows of it", []Edit{
			{"publisher/hanging.go", `now.state != "Empty" || now`, "now"},
		}, Test{"publisher", "TestHangingIsLeftAlone/under_way"}},
		{"T3", "cursor read without waiting for the high watermark", []Edit{
			{"publisher/open.go", "for p.reader.next < high {", "for p.reader.next < high && !held {"},
		}, onKfake("stranger_holds_the_last_stable_offset")},
		{"T4", "a header without a state is no trouble", []Edit{
			{"worker/takeover.go", "if c.Empty && h.P > 0 {", "if false {"},
		}, step("TestEmptiedRedisStops")},
		{"T4", "ends of the logs older than the claim", []Edit{
			cut("worker/takeover.go", `	set, partitions, err := t.topics(ctx)
	if err != nil {
		return err
	}
`),
			{"worker/takeover.go", `	// T1: claim and load.
`, `	set, partitions, err := t.topics(ctx)
	if err != nil {
		return err
	}
`},
		}, step("TestOwnerReadsOnDuringTheTakeOver")},
		{"T5", "nothing published at the take-over", []Edit{
			{"worker/takeover.go", "	return t.finish(ctx)\n", "	return nil\n"},
		}, step("TestSuccessorSaysWhatIsDue")},
		{"hand-over", "a worker that is not assigned takes over again", []Edit{
			{"worker/worker.go", "	for ctx.Err() == nil {\n", "	for {\n"},
			{"worker/worker.go", "if err == nil || ctx.Err() != nil && !errors.As(err, new(stopped)) {", "if err == nil {"},
			{"worker/worker.go", "t.takeOver(ctx)", "t.takeOver(context.WithoutCancel(ctx))"},
		}, step("TestUnassignedDoesNotClaim")},
	}
}

func commit() []Mistake {
	compared := func(by string) []Edit { return []Edit{{"store/claim.go", "s != t {", by + " {"}} }
	return []Mistake{
		{"C2", "compares the owner alone", compared("s.Owner != t.Owner"), contract("another_owner_or_number_is_refused")},
		{"C2", "compares nothing", compared("false"),
			contract("a_zombie_is_refused_everywhere")},
		{"C2", "compares owner and offsets", []Edit{{"store/commit.go", "Number: t.Number + 1}", `Number: func() (n uint64) {
		for _, o := range c.Head.Offsets {
			n += uint64(o.Next)
		}
		return n
	}()}`}}, step("TestClockAloneIsACommit")},
		{"C2", "compared before the transaction, and not in it", []Edit{
			cut("store/commit.go", "		s.keys.meta(shard), // a claim or commit between the comparison and EXEC\n"),
		}, contract("a_claim_between_comparison_and_EXEC")},
		{"C1", "records loaded without asking whose they are", []Edit{
			{"store/load.go", "		err = compare(stored, t)", "		_ = stored"},
		}, contract("load_gives_order_and_absence")},
		{"C1", "time moves while the log is read again", []Edit{{"worker/input.go", "if t.again() {", "if false {"}},
			step("TestTimeStandsStillWhileTheLogIsReadAgain")},
		{"C3", "number used again for another batch after a lost reply", []Edit{
			{"worker/takeover.go", "	touched  bool ", "	doubtful *store.Commit\n	touched  bool "},
			{"worker/commit.go", "	for {\n		id, err := t.commitOnce(", `	if d := t.doubtful; d != nil { // the next batch brings it along
		c.Records, c.Cells, c.Frozen = append(d.Records, c.Records...), append(d.Cells, c.Cells...), append(d.Frozen, c.Frozen...)
		c.Due, c.Firing, c.Notes = append(d.Due, c.Due...), append(d.Firing, c.Firing...), append(d.Notes, c.Notes...)
		c.Bands, c.Episodes = append(d.Bands, c.Bands...), append(d.Episodes, c.Episodes...)
	}
	for {
		id, err := t.commitOnce(`},
			{"worker/commit.go", "		if err != nil {\n			return err\n		}\n		t.id = id\n", `		if err != nil {
			is, peek := t.opts.Store.Peek(ctx, []int{t.shard})
			if peek != nil || is[0].Owner != t.id.Owner {
				return err
			}
			if is[0].Number == t.id.Number {
				t.doubtful = c
				return nil
			}
			id = is[0] // it has arrived after all
		}
		t.id, t.doubtful = id, nil
`},
		}, step("TestLateCommitIsItsOwn")},
		{"C2", "what a step at the same watermark has changed is left out", []Edit{
			{"worker/commit.go", "!t.touched && ch.Empty() &&", "!t.touched &&"},
		}, step("TestTimersFireBeforeTheHeader")},
	}
}

func publication() []Mistake {
	return []Mistake{
		{"P1", "published although Redis is behind the header", []Edit{
			{"worker/publish.go", "if !t.reaches() { // P1: hold", "if false {"},
		}, step("TestRollbackHolds")},
		{"P1", "only notes wait until Redis has reached the header", []Edit{
			{"worker/publish.go", "if !t.reaches() { // P1: hold", "if false {"},
			{"worker/publish.go", "	if p.Notes, err = t.dueNotes(ctx); err != nil {\n		return err\n	}\n", `	if t.reaches() {
		if p.Notes, err = t.dueNotes(ctx); err != nil {
			return err
		}
	}
`},
		}, step("TestRollbackHolds")},
		{"P3", "published on top of what hangs", []Edit{
			cut("publisher/publish.go", `	if err := p.onFirmGround(ctx); err != nil {
		return err
	}
`),
		}, Test{"publisher", "TestPublishOnFirmGround"}},
		{"P3", "alerts and header in two transactions", []Edit{{"publisher/publish.go", "		err = p.commit(ctx, t)\n", `		said, cursor := &transaction{}, &transaction{}
		for _, r := range t.records {
			if r.Topic == p.options.Topics.Cursors {
				cursor.records = append(cursor.records, r)
			} else {
				said.records = append(said.records, r)
			}
		}
		if err = p.commit(ctx, said); err == nil {
			err = p.commit(ctx, cursor)
		}
`}}, onKfake("EndTxn_applied_and_reply_lost")},
		{"P3", "n counted for each pair, lost with the tombstone", []Edit{
			{"publisher/publish.go", "		n = t.header.P\n", "		n++\n"},
		}, onKfake("n_of_an_episode")},
		{"P4", "an unknown EndTxn taken for an abort", []Edit{
			{"publisher/publish.go", "		p.Close() // in doubt: nothing is retried, and the library is given no chance to\n", `		if abort := p.client.EndTransaction(ctx, kgo.TryAbort); abort != nil {
			p.Close()
		}
`},
		}, onKfake("EndTxn_applied_and_reply_lost")},
		{"P4", "an unknown EndTxn taken for a commit", []Edit{
			{"publisher/publish.go", `		return fmt.Errorf("end the transaction: %w", err)
`, "		return nil\n"},
		}, onKfake("EndTxn_lost_on_its_way")},
		{"P4", "the library has a new epoch, and memory is kept", []Edit{
			cut("publisher/publish.go", `	if err := p.sameProducer(); err != nil {
		return err
	}
`),
		}, Test{"publisher", "TestProducerInitialisedAgain"}},
	}
}

func notes() []Mistake {
	return []Mistake{
		{"P2", "notes said without asking the header, at the take-over", []Edit{
			cut("worker/takeover.go", "	t.dropSaid()\n"),
			cut("worker/commit.go", "	// not be kept until the header is reached.\n	t.dropSaid()\n"),
		}, step("TestSuccessorSaysNothingAgain")},
		{"P2", "notes said without asking the header, after a loss of commits", []Edit{
			cut("worker/commit.go", "	// not be kept until the header is reached.\n	t.dropSaid()\n"),
		}, step("TestRollbackHolds")},
		{"P2", "a note counts as said when its event's offset does", []Edit{
			cut("worker/notes.go", " && n.Due <= h.Watermark"),
		}, step("TestOrphanIsSaidByTheSuccessor")},
		{"P2", "a note counts as said when its due time is past", []Edit{
			cut("worker/notes.go", "n.Offset < h.Offsets[n.Topic] && "),
		}, step("TestSuccessorSaysWhatIsDue")},
		{"P2", "a header ahead of timers that have not fired", []Edit{
			{"worker/publish.go", "if !t.state.Settled() {", "if false {"},
		}, step("TestTimersFireBeforeTheHeader")},
		{"P2", "who has left is due for ever, and the shard silent", []Edit{
			cut("aggregator/evaluate.go", "	if c.health.live == Gone {\n		return due\n	}\n"),
		}, step("TestWhoHasLeftHoldsUpNothing")},
		{"C2", "notes kept in memory only", []Edit{
			cut("worker/commit.go", "		c.Notes = append(c.Notes, store.Field{Name: name, Value: b})\n"),
			{"worker/commit.go", "b, err := n.encode()", "_, err := n.encode()"},
			{"worker/commit.go", "	for name, n := range t.notes {\n		if n.stored {", "	for _, n := range t.notes {\n		if n.stored {"},
		}, step("TestSuccessorSaysWhatIsDue")},
	}
}

func birth() []Mistake {
	return []Mistake{
		{"P0", "an unborn shard publishes alerts", []Edit{
			{"worker/publish.go", "if t.due && t.head.Born {", "if t.due {"},
		}, step("TestHistoryPagesNobody")},
		{"P0", "an unborn shard takes notes of one-shot alerts", []Edit{
			cut("worker/scheduled.go", "	if m.Offset < in.at.Birth {\n		return\n	}\n"),
		}, step("TestHistoryTakesNoNote")},
		{"P0", "one-shot alerts of history held back until the birth", []Edit{
			cut("worker/scheduled.go", "	if m.Offset < in.at.Birth {\n		return\n	}\n"),
			{"worker/publish.go", "	for name := range t.notes {\n", "	for name, n := range t.notes {\n		if n.Cancel != nil && !t.head.Born {\n			continue\n		}\n"},
		}, step("TestHistoryTakesNoNote")},
		{"P0", "no one-shot alerts of a commit that starts unborn", []Edit{
			{"worker/scheduled.go", "	if m.Offset < in.at.Birth {", "	if !t.head.Born {"},
		}, step("TestScheduledBeyondTheBirth")},
		{"P2", "a one-shot alert said again, without asking the header", []Edit{
			{"worker/notes.go", "	return n.Offset < h.Offsets[n.Topic] && n.Due", "	return n.Cancel == nil && n.Offset < h.Offsets[n.Topic] && n.Due"},
		}, step("TestScheduledIsSaidOnce")},
		{"P0", "birth kept in memory: who finds a state takes the shard for born", []Edit{
			{"worker/takeover.go", "t.id, t.head = claimed.Tenure, claimed.Head\n", "t.id, t.head = claimed.Tenure, claimed.Head\n	t.head.Born = !claimed.Empty\n"},
		}, step("TestBirthOutlivesItsOwner")},
		{"P0", "the ends of the birth taken anew by each owner", []Edit{
			{"worker/takeover.go", "		t.head.Offsets[name] = off\n", "		off.Birth, t.head.Born = end, t.head.Born && off.Next >= end\n		t.head.Offsets[name] = off\n"},
		}, step("TestBirthIsNotTakenAnew")},
	}
}

func look() []Mistake {
	return []Mistake{
		{"L1", "no look at Redis", []Edit{
			cut("worker/loop.go", `	if err := t.opts.Store.Look(ctx, t.shard, t.id); err != nil {
		return err
	}
`),
		}, step("TestRollbackAtRestIsNoticed")},
		{"L2", "no look for what hangs", []Edit{
			{"publisher/open.go", "	return p.lookForHanging(ctx)\n", "	return nil\n"},
		}, Test{"publisher", "TestLookFindsHanging"}},
		{"L2", "no look at Kafka", []Edit{
			cut("worker/loop.go", `	if err := t.pub.Look(ctx); err != nil {
		return err
	}
`),
		}, step("TestSilentOwnerNoticesAnother")},
	}
}
