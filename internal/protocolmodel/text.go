package main

import (
	"fmt"
	"strings"
)

// Act names a step, for traces.
type Act struct{ Kind, Who, Arg uint8 }

const (
	aStart = iota
	aInit
	aRead
	aClaim
	aClaimLost
	aClaimLate
	aNotice
	aLookRedis
	aLookKafka
	aProduce
	aProduceFenced
	aEnd
	aEndFenced
	aEndReplyLost
	aEndLost
	aEndLate
	aCommit
	aCommitRefused
	aCommitReplyLost
	aCommitLate
	aResolve
	aApply
	aMarkerAlerts
	aMarkerCursor
	aEndArrives
	aLateArrives
	aNeighborOpens
	aNeighborEnds
	aTimeout
	aCrash
	aRollback
	aRebalance
	aLoad
)

// actName has the step names of docs/protocol.md.
var actName = [...]string{
	aStart: "begins to take over", aInit: "T2 InitProducerId", aRead: "T3 reads cursor", aLoad: "loads state alone",
	aClaim: "T1 claims and loads", aClaimLost: "T1 claims, reply lost", aClaimLate: "T1 claims, request late",
	aNotice: "learns the shard is gone", aLookRedis: "L1 sees another commit", aLookKafka: "L2 sees another header",
	aProduce: "P3 produces", aProduceFenced: "P3 produce is fenced", aEnd: "P4 EndTxn", aEndFenced: "P4 EndTxn is fenced",
	aEndReplyLost: "P4 EndTxn, reply lost", aEndLost: "P4 EndTxn, request lost", aEndLate: "P4 EndTxn, request late",
	aCommit: "C2 commits", aCommitRefused: "C3 commit refused", aCommitReplyLost: "C2 commits, reply lost",
	aCommitLate: "C2 commits, request late", aResolve: "looks its commit up", aApply: "C1 applies",
	aMarkerAlerts: "alerts visible", aMarkerCursor: "cursor visible", aEndArrives: "late EndTxn arrives",
	aLateArrives: "late request arrives", aNeighborOpens: "neighbour opens", aNeighborEnds: "neighbour ends",
	aTimeout: "transaction times out", aCrash: "CRASH", aRollback: "REDIS ROLLS BACK", aRebalance: "REBALANCE",
}

func (a Act) String() string {
	who := ""
	switch a.Kind {
	case aMarkerAlerts, aMarkerCursor, aEndArrives, aTimeout, aRollback, aRebalance, aNeighborOpens, aNeighborEnds:
	default:
		who = fmt.Sprintf("W%d ", a.Who+1)
	}
	return who + actName[a.Kind]
}

func (x At) String() string { return fmt.Sprintf("%d.%d.%d", x.A, x.B, x.W) }

func (s *State) String() string {
	var b strings.Builder
	n := s.now()
	fmt.Fprintf(&b, "redis %v (%d kept)", n.At, s.Len)
	if n.Notes > 0 {
		fmt.Fprintf(&b, " notes %b", n.Notes)
	}
	if n.Number > 0 {
		fmt.Fprintf(&b, " #%d announced %d/%d", n.Number, n.Announce.N, n.Announce.Firing)
	}
	fmt.Fprintf(&b, ", header %v", s.Cursor.Header)
	if s.Cursor.Number > 0 {
		fmt.Fprintf(&b, " #%d", s.Cursor.Number)
	}
	fmt.Fprintf(&b, ", assigned W%d", s.Assigned)
	if s.Producer > 0 {
		fmt.Fprintf(&b, ", producer W%d", s.Producer)
	}
	for i, w := range s.W {
		if w.PC >= loop {
			fmt.Fprintf(&b, ", W%d at %v", i+1, w.At)
			if w.Unborn != born {
				b.WriteString(" unborn")
			}
		}
	}
	for p, w := range s.Reader.Word {
		if w.N > 0 {
			fmt.Fprintf(&b, ", reader%d n=%d firing=%d", p, w.N, w.Firing)
		}
	}
	if s.Reader.Notes > 0 {
		fmt.Fprintf(&b, ", reader has notes %b", s.Reader.Notes)
	}
	if s.Broken != fine {
		fmt.Fprintf(&b, "  <- %s", propertyName[s.Broken])
	}
	return b.String()
}
