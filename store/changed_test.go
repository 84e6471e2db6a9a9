package store

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestChangeBytes(t *testing.T) {
	long := strings.Repeat("x", 200) // its length takes two bytes: 200 = 0xc8 0x01
	for _, c := range []struct {
		number uint64
		cells  []Field
		causes []Cause
		want   string
	}{
		{1, nil, nil, "\x01\x00"},
		{300, fields("o|", "1", "s|", "-"), nil, "\xac\x02\x00\x02o|\x02s|"}, // 300 = 2·128 + 44
		{2, fields(long, "1"), nil, "\x02\x00\xc8\x01" + long},
		{3, make([]Field, changesRows+1), nil, "\x03\x01"},
		// Day 20000 as a zigzag varint is 40000 = 0xb8c0 0x02; one segment.
		{4, fields("o|", "1"), []Cause{{"logins", 7, 9, 20_000, []string{"a=b"}}}, "\x04\x02\x01\x06logins\x07\x09\xc0\xb8\x02\x01\x03a=b\x02o|"},
		{5, make([]Field, changesRows+1), []Cause{{"t", 0, 0, -1, nil}}, "\x05\x03\x01\x01t\x00\x00\x01\x00"},
	} {
		if got := string(encodeChange(c.number, c.cells, c.causes)); got != c.want {
			t.Errorf("commit %d: %q, want %q", c.number, got, c.want)
		}
	}
}

func TestChangeComesBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		number := rapid.Uint64().Draw(r, "number")
		names := rapid.SliceOf(rapid.String()).Draw(r, "names")
		var cells []Field
		for _, n := range names {
			cells = append(cells, Field{Name: n})
		}
		causes := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) Cause {
			return Cause{rapid.String().Draw(r, "topic"), rapid.Int64Min(0).Draw(r, "offset"), rapid.Uint8().Draw(r, "kind"), rapid.Int32().Draw(r, "day"),
				rapid.SliceOfN(rapid.String(), 0, 3).Draw(r, "segments")}
		}), 0, 3).Draw(r, "causes")
		got, err := decodeChange(string(encodeChange(number, cells, causes)))
		if err != nil || got.number != number || got.everything || fmt.Sprintf("%+v", got.causes) != fmt.Sprintf("%+v", causes) || fmt.Sprintf("%q", got.rows) != fmt.Sprintf("%q", names) {
			r.Fatalf("%d %q came back as %d %q, %v", number, names, got.number, got.rows, err)
		}
	})
}

func TestChangesSince(t *testing.T) {
	entry := func(n uint64, names ...string) string {
		var cells []Field
		for _, name := range names {
			cells = append(cells, Field{Name: name})
		}
		return string(encodeChange(n, cells, nil))
	}
	everything := string(encodeChange(7, make([]Field, changesRows+1), nil))
	for _, c := range []struct {
		name        string
		entries     []string
		after, upTo uint64
		rows        []string
		ok          bool
	}{
		{"nothing new", []string{entry(4, "a")}, 4, 4, nil, true},
		{"no entries, nothing new", nil, 4, 4, nil, true},
		{"each row once", []string{entry(4, "z"), entry(5, "a", "b"), entry(6, "b", "c")}, 4, 6, []string{"a", "b", "c"}, true},
		{"the list begins too late", []string{entry(6, "a")}, 4, 6, nil, false},
		{"a gap, as a claim leaves it", []string{entry(5, "a"), entry(7, "b")}, 4, 7, nil, false},
		{"the list ends too early", []string{entry(5, "a")}, 4, 6, []string{"a"}, false},
		{"anything may have changed", []string{entry(5, "a"), entry(6, "b"), everything}, 4, 7, nil, false},
		{"what is known already doesn't matter", []string{everything, entry(8, "b")}, 7, 8, []string{"b"}, true},
	} {
		since, ok, err := changesSince(c.entries, c.after, c.upTo)
		if err != nil || ok != c.ok || !reflect.DeepEqual(since.rows, c.rows) {
			t.Errorf("%s: %q, %t, %v; want %q, %t", c.name, since.rows, ok, err, c.rows, c.ok)
		}
	}
	if _, _, err := changesSince([]string{"\x05\x00\x09a"}, 4, 5); !errors.Is(err, errChange) {
		t.Errorf("a malformed entry: %v", err)
	}
}

func TestCausesSince(t *testing.T) {
	entry := func(n uint64, offset int64) string {
		return string(encodeChange(n, fields("a", "1"), []Cause{{Topic: "t", Offset: offset}}))
	}
	since, ok, err := changesSince([]string{entry(4, 1), entry(5, 2), entry(6, 3)}, 4, 6)
	if want := []Cause{{Topic: "t", Offset: 2}, {Topic: "t", Offset: 3}}; err != nil || !ok || !reflect.DeepEqual(since.causes, want) {
		t.Errorf("%v, %t, %v", since, ok, err)
	}
}

func FuzzDecodeChange(f *testing.F) {
	for _, seed := range []string{"", "\x01", "\x01\x00", "\x01\x02", "\x01\x00\x05ab", "\xac\x02\x00\x02o|\x02s|", "\x03\x01", "\x05\x03\x01\x01t\x00\x01\x00", "\x05\x02\xff\xff\x01", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		c, err := decodeChange(entry)
		if err != nil {
			if !errors.Is(err, errChange) {
				t.Errorf("%q: %v", entry, err)
			}
			return
		}
		size := 0
		for _, r := range c.rows {
			size += len(r)
		}
		if size > len(entry) {
			t.Errorf("%q: %d bytes of names", entry, size)
		}
	})
}
