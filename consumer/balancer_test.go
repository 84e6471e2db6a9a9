package consumer

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/segmentio/kafka-go"
	"pgregory.net/rapid"
)

// drawMembers draws members with claims, some of them contradicting each other.
func drawMembers(t *rapid.T, topics []string) []kafka.GroupMember {
	var members []kafka.GroupMember
	for i := range rapid.IntRange(1, 6).Draw(t, "members") {
		b := new(shardBalancer)
		b.remember(rapid.Int32Range(0, 3).Draw(t, "generation"),
			rapid.SliceOfN(rapid.IntRange(0, 20), 0, 12).Draw(t, "held"))
		claim, err := b.UserData()
		if err != nil {
			t.Fatal(err)
		}
		if rapid.IntRange(0, 5).Draw(t, "garbage") == 0 {
			claim = rapid.SliceOf(rapid.Byte()).Draw(t, "claim")
		}
		members = append(members, kafka.GroupMember{ID: fmt.Sprint("member ", i), Topics: topics, UserData: claim})
	}
	return members
}

func drawPartitions(t *rapid.T, topics []string) (n int, all []kafka.Partition) {
	n = rapid.IntRange(0, 20).Draw(t, "shards")
	for _, topic := range topics {
		for p := range n {
			all = append(all, kafka.Partition{Topic: topic, ID: p})
		}
	}
	return n, all
}

// Every shard has one owner for all topics, shares differ by one at the most,
// and the order of members and partitions makes no difference.
func TestShardsAreAssignedTogetherAndEvenly(t *testing.T) {
	topics := []string{"logins", "purchases", "surveys"}
	rapid.Check(t, func(t *rapid.T) {
		members := drawMembers(t, topics)
		n, partitions := drawPartitions(t, topics)
		out := new(shardBalancer).AssignGroups(slices.Clone(members), slices.Clone(partitions))
		seen := make(map[int]bool)
		for _, m := range members {
			held := out[m.ID]
			for _, topic := range topics {
				if !slices.Equal(held[topic], held[topics[0]]) {
					t.Fatalf("%s got %v", m.ID, held)
				}
			}
			for _, s := range held[topics[0]] {
				if seen[s] || s >= n {
					t.Fatalf("shard %d of %d is assigned twice or doesn't exist", s, n)
				}
				seen[s] = true
			}
			if got, even := len(held[topics[0]]), n/len(members); got != even && got != even+1 {
				t.Fatalf("%s got %d of %d shards among %d", m.ID, got, n, len(members))
			}
		}
		if len(seen) != n {
			t.Fatalf("%d of %d shards are assigned", len(seen), n)
		}
		again := new(shardBalancer).AssignGroups(
			rapid.Permutation(members).Draw(t, "members"), rapid.Permutation(partitions).Draw(t, "partitions"))
		if !reflect.DeepEqual(out, again) {
			t.Fatalf("in another order: %v, not %v", again, out)
		}
	})
}

// assigned runs generations one after the other, each member claiming what it
// was assigned in the one before, and returns who holds each shard.
func assigned(t *testing.T, generation int32, members map[string][]int, shards int) map[string][]int {
	t.Helper()
	var in []kafka.GroupMember
	for id, held := range members {
		b := new(shardBalancer)
		b.remember(generation, held)
		claim, err := b.UserData()
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, kafka.GroupMember{ID: id, Topics: []string{"logins"}, UserData: claim})
	}
	var partitions []kafka.Partition
	for p := range shards {
		partitions = append(partitions, kafka.Partition{Topic: "logins", ID: p})
	}
	out := make(map[string][]int)
	for id, topics := range new(shardBalancer).AssignGroups(in, partitions) {
		out[id] = topics["logins"]
	}
	return out
}

func moved(before, after map[string][]int) (n int) {
	for id, held := range after {
		for _, s := range held {
			if !slices.Contains(before[id], s) {
				n++
			}
		}
	}
	return n
}

// 8 shards. a alone: 8. b joins: 4 move. c joins: shares 3, 3, 2, so 2 move. a
// leaves: its 3 move and no other. Nobody changes: none moves.
func TestShardsMoveNoMoreThanTheyMust(t *testing.T) {
	const shards = 8
	state := map[string][]int{"a": nil}
	for generation, step := range []struct {
		change func()
		moves  int
	}{
		{func() {}, 8},
		{func() { state["b"] = nil }, 4},
		{func() { state["c"] = nil }, 2},
		{func() { delete(state, "a") }, 3},
		{func() {}, 0},
	} {
		step.change()
		after := assigned(t, int32(generation), state, shards)
		if n := moved(state, after); n != step.moves {
			t.Errorf("step %d: %d shards moved, should be %d: %v, then %v", generation, n, step.moves, state, after)
		}
		state = after
	}
}

// Who holds one more than others keeps it, whatever the order of the names.
func TestSharesThatDifferStay(t *testing.T) {
	state := map[string][]int{"a": {0, 1}, "b": {2, 3, 4}, "c": {5, 6, 7}}
	if after := assigned(t, 7, state, 8); moved(state, after) != 0 {
		t.Errorf("assigned %v, then %v", state, after)
	}
}

// A member that comes back from a pause claims what others hold since.
func TestNewerGenerationWins(t *testing.T) {
	old, fresh := new(shardBalancer), new(shardBalancer)
	old.remember(3, []int{0, 1})
	fresh.remember(4, []int{0, 1})
	a, _ := old.UserData()
	b, _ := fresh.UserData()
	held := spread([]claim{
		readClaim(kafka.GroupMember{ID: "a", UserData: a}), readClaim(kafka.GroupMember{ID: "b", UserData: b}),
		readClaim(kafka.GroupMember{ID: "c"}),
	}, []int{0, 1, 2})
	if !slices.Equal(held["b"], []int{0}) {
		t.Errorf("b keeps %v of what it held last, a comes from an older generation: %v", held["b"], held)
	}
}

func TestMembersGetOnlyTopicsThatTheyRead(t *testing.T) {
	out := new(shardBalancer).AssignGroups(
		[]kafka.GroupMember{{ID: "a", Topics: []string{"logins"}}},
		[]kafka.Partition{{Topic: "logins", ID: 0}, {Topic: "surveys", ID: 0}})
	if topics := slices.Collect(maps.Keys(out["a"])); !slices.Equal(topics, []string{"logins"}) {
		t.Errorf("assigned %v", out)
	}
}
