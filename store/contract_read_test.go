package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

func (c contract) hold() {
	s, auditor, ctx := c.open(), c.open(), c.Context()
	t := c.commit(s, c.claim(s).Tenure, rows("a", "1"))
	if err := auditor.Hold(ctx, c.shard, time.Minute); err != nil {
		c.Fatal(err)
	}
	if err := auditor.Renew(ctx, c.shard, time.Minute); err != nil {
		c.Errorf("renew the hold: %v", err)
	}
	c.refusedCommit(s, t, ErrHeld)
	c.refusedCommit(s, Tenure{Owner: t.Owner, Number: 1}, ErrFenced)
	if err := s.Look(ctx, c.shard, t); err != nil {
		c.Errorf("look during a hold: %v", err)
	}
	if err := s.Hold(ctx, c.shard, time.Minute); !errors.Is(err, ErrHeld) {
		c.Errorf("a second audit: %v, want ErrHeld", err)
	}
	if err := s.Renew(ctx, c.shard, time.Minute); err == nil {
		c.Error("somebody else renewed the hold")
	}
	if err := s.Release(ctx, c.shard); err == nil {
		c.Error("somebody else released the hold")
	}
	c.refusedCommit(s, t, ErrHeld)
	if err := auditor.Release(ctx, c.shard); err != nil {
		c.Error(err)
	}
	t = c.commit(s, t, rows("a", "2"))
	if err := auditor.Release(ctx, c.shard); err == nil {
		c.Error("released what was not held")
	}
	c.commit(s, t, rows("a", "3"))
}

func (c contract) holdInBetween() {
	h := &beforeExec{}
	s, auditor, ctx := c.open(h), c.open(), c.Context()
	t := c.commit(s, c.claim(s).Tenure, rows("a", "1"))
	var before map[string]string
	hold := func() {
		if err := auditor.Hold(ctx, c.shard, time.Minute); err != nil {
			c.Error(err)
		}
		before = c.dump()
	}
	h.set(hold)
	if _, err := s.Commit(ctx, c.shard, t, rows("a", "2")); !errors.Is(err, ErrHeld) {
		c.Errorf("Commit: %v, want ErrHeld", err)
	}
	c.same(c.dump(), before)
	if err := auditor.Release(ctx, c.shard); err != nil {
		c.Fatal(err)
	}
	// One that has come and gone again in between.
	h.set(func() {
		hold()
		if err := auditor.Release(ctx, c.shard); err != nil {
			c.Error(err)
		}
	})
	if _, err := s.Commit(ctx, c.shard, t, rows("a", "2")); !errors.Is(err, ErrHeld) {
		c.Errorf("Commit: %v, want ErrHeld", err)
	}
	c.same(c.commit(s, t, rows("a", "2")).Number, t.Number+1)
}

func (c contract) holdRunsOut() {
	s, ctx := c.open(), c.Context()
	t := c.claim(s).Tenure
	if err := s.Hold(ctx, c.shard, 50*time.Millisecond); err != nil {
		c.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		c.pass(50 * time.Millisecond)
		_, err := s.Commit(ctx, c.shard, t, rows("a", "1"))
		if err == nil {
			break
		}
		if !errors.Is(err, ErrHeld) {
			c.Fatal(err)
		}
	}
	// What was read before and what is read now may be of two commits.
	if err := s.Renew(c.Context(), c.shard, time.Minute); !errors.Is(err, ErrRunOut) {
		c.Errorf("renewal of a hold that has run out: %v", err)
	}
	if err := s.Release(c.Context(), c.shard); !errors.Is(err, ErrRunOut) {
		c.Errorf("release of a hold that has run out: %v", err)
	}
}

func (c contract) readers() {
	s, ctx := c.open(), c.Context()
	commit := everything()
	commit.Bands = []Member{{Customer: "a", Band: "red", Score: 10}, {Customer: "b", Band: "red", Score: 30},
		{Customer: "c", Band: "red", Score: 20}, {Customer: "d", Band: "green", Score: 5}}
	commit.Frozen = fields("19998|", "x", "19999|", "y", "19999|plan=a|b", "z", "20000|", "w", "-3|", "before 1970")
	commit.Records = append(commit.Records, fields("odd*[key]?\\", "odd")...)
	for i := range 3000 {
		commit.Records = append(commit.Records, fields(fmt.Sprint("many/", i), fmt.Sprint(i))...)
		commit.Frozen = append(commit.Frozen, fields(fmt.Sprint(10_000+i, "|plan=pro"), fmt.Sprint(i))...)
	}
	c.commit(s, c.claim(s).Tenure, commit)
	check := func(got any, err error, want any) {
		c.Helper()
		if err != nil {
			c.Error(err)
		}
		c.same(got, want)
	}
	frozen, err := s.Frozen(ctx, c.shard, []string{"19999|", "1|", "10007|plan=pro"})
	check(texts(frozen), err, map[string]string{"19999|": "y", "1|": "-", "10007|plan=pro": "7"})
	frozen, err = s.Frozen(ctx, c.shard, nil)
	check(len(frozen), err, 0)
	frozen, err = s.FrozenRange(ctx, c.shard, 19_998, 19_999)
	check(texts(frozen), err, map[string]string{"19998|": "x", "19999|": "y", "19999|plan=a|b": "z"})
	frozen, err = s.FrozenRange(ctx, c.shard, -5, 10_000)
	check(texts(frozen), err, map[string]string{"-3|": "before 1970", "10000|plan=pro": "0"})

	firing, err := s.Firing(ctx, c.shard)
	check(texts(firing), err, map[string]string{"at_risk|acme": "{}"})

	record, err := s.Record(ctx, c.shard, "b/12")
	check(string(record), err, "one\x00two")
	record, err = s.Record(ctx, c.shard, "absent")
	check(record == nil, err, true)

	band, err := s.BandMembers(ctx, c.shard, "red", 0, -1, false)
	check(band, err, []BandMember{{"a", 10}, {"c", 20}, {"b", 30}})
	band, err = s.BandMembers(ctx, c.shard, "red", 1, 1, true)
	check(band, err, []BandMember{{"c", 20}})
	band, err = s.BandMembers(ctx, c.shard, "red", 2, 5, false)
	check(band, err, []BandMember{{"b", 30}})
	band, err = s.BandMembers(ctx, c.shard, "amber", 0, 5, false)
	check(len(band), err, 0)
	c.eachRecord(s, commit.Records)
}

func (c contract) eachRecord(s *Store, want []Field) {
	// A neighbour whose name begins alike, and a namespace that is a pattern.
	other := c.shard*10 + 1
	neighbour, err := s.Claim(c.Context(), other)
	if err != nil {
		c.Fatal(err)
	}
	if _, err := s.Commit(c.Context(), other, neighbour.Tenure, &Commit{Records: fields("b/12", "another shard's")}); err != nil {
		c.Fatal(err)
	}
	got := map[string]string{}
	err = s.EachRecord(c.Context(), c.shard, func(key string, value []byte) error {
		if _, twice := got[key]; twice {
			c.Errorf("record %s came twice", key)
		}
		got[key] = string(value)
		return nil
	})
	if err != nil {
		c.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range want {
		all[f.Name] = string(f.Value)
	}
	c.same(got, all)
	stop := errors.New("stop")
	if err := s.EachRecord(c.Context(), c.shard, func(string, []byte) error { return stop }); !errors.Is(err, stop) {
		c.Errorf("an error of the visitor: %v", err)
	}
}

func (c contract) episodes() {
	s, ctx := c.open(), c.Context()
	t := c.claim(s).Tenure
	for first := 0; first < 1500; first += 500 {
		commit := &Commit{}
		for i := range 500 {
			commit.Episodes = append(commit.Episodes, []byte(fmt.Sprint(first+i)))
		}
		t = c.commit(s, t, commit)
	}
	got, err := s.Episodes(ctx, c.shard, 3)
	if err != nil {
		c.Fatal(err)
	}
	c.same(got, [][]byte{[]byte("1499"), []byte("1498"), []byte("1497")})
	got, err = s.Episodes(ctx, c.shard, 5000)
	if err != nil || len(got) != 1000 || string(got[999]) != "500" {
		c.Errorf("%d episodes are kept, the last %q, %v", len(got), got[len(got)-1], err)
	}
	if got, err = s.Episodes(ctx, c.shard, 0); err != nil || len(got) != 0 {
		c.Errorf("limit 0: %q, %v", got, err)
	}
}

func (c contract) partitions() {
	s, ctx := c.open(), c.Context()
	if n, err := s.Partitions(ctx); err != nil || n != 0 {
		c.Errorf("at first: %d, %v", n, err)
	}
	for range 2 {
		if err := s.SetPartitions(ctx, 4); err != nil {
			c.Error(err)
		}
	}
	err := s.SetPartitions(ctx, 8)
	var refused *RefusedError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "8 partitions") || !strings.Contains(err.Error(), "tidemark repartition") {
		c.Errorf("a changed count: %v", err)
	}
	if n, err := s.Partitions(ctx); err != nil || n != 4 {
		c.Errorf("after the refusal: %d, %v", n, err)
	}
}
