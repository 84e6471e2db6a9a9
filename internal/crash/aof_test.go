package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// resp writes commands, one a line, as Redis does.
func resp(commands ...string) string {
	var b strings.Builder
	for _, c := range commands {
		words := strings.Fields(c)
		fmt.Fprintf(&b, "*%d\r\n", len(words))
		for _, w := range words {
			fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
		}
	}
	return b.String()
}

func commit(shard, number int, more ...string) string {
	all := append([]string{"MULTI", fmt.Sprintf("HSET {ns:%d}:meta number %d head {}", shard, number)}, more...)
	return resp(append(all, "EXEC")...)
}

func TestCutBack(t *testing.T) {
	claim := resp("MULTI", "HSET {ns:0}:meta owner abc", "HINCRBY {ns:0}:meta number 1", "EXEC")
	before := resp("SELECT 0", "SET {ns}:shards 2") + claim + commit(0, 2)
	told := commit(0, 3, "RPUSH {ns:0}:alerts x")
	after := commit(1, 7) + commit(0, 4)
	half := resp("MULTI", "HSET {ns:0}:meta number 5 head {}")
	for _, c := range []struct {
		name  string
		back  int
		floor int
		want  string // what is left
		lost  string
	}{
		{"one, and on to a publication", 1, 0, before, "map[0:4 1:7]"},
		{"no further than the floor", 1, len(before) + len(told), before + told, "map[0:4 1:7]"},
		{"all", 99, 1, resp("SELECT 0", "SET {ns}:shards 2"), "map[0:4 1:7]"},
	} {
		path := filepath.Join(t.TempDir(), "a.incr.aof")
		if err := os.WriteFile(path, []byte(before+told+after+half), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := cutBack(path, c.back, int64(c.floor))
		if err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(left) != c.want || fmt.Sprint(got.lost) != c.lost || got.offset != int64(len(c.want)) || got.of != int64(len(before+told+after)) {
			t.Errorf("%s: %s; left is %q", c.name, got, left)
		}
	}
}

func TestDamagedAppendOnlyFileIsSeen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.incr.aof")
	if err := os.WriteFile(path, []byte(commit(0, 1)+"$5\r\nhello\r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readSteps(path); err == nil {
		t.Error("no error")
	}
}
