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
		want   string
	}{
		{1, nil, "\x01\x00"},
		{300, fields("o|", "1", "s|", "-"), "\xac\x02\x00\x02o|\x02s|"}, // 300 = 2·128 + 44
		{2, fields(long, "1"), "\x02\x00\xc8\x01" + long},
		{3, make([]Field, changesRows+1), "\x03\x01"},
	} {
		if got := string(encodeChange(c.number, c.cells)); got != c.want {
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
		got, err := decodeChange(string(encodeChange(number, cells)))
		if err != nil || got.number != number || got.everything || fmt.Sprintf("%q", got.rows) != fmt.Sprintf("%q", names) {
			r.Fatalf("%d %q came back as %d %q, %v", number, names, got.number, got.rows, err)
		}
	})
}

func TestRowsSince(t *testing.T) {
	entry := func(n uint64, names ...string) string {
		var cells []Field
		for _, name := range names {
			cells = append(cells, Field{Name: name})
		}
		return string(encodeChange(n, cells))
	}
	everything := string(encodeChange(7, make([]Field, changesRows+1)))
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
		rows, ok, err := rowsSince(c.entries, c.after, c.upTo)
		if err != nil || ok != c.ok || !reflect.DeepEqual(rows, c.rows) {
			t.Errorf("%s: %q, %t, %v; want %q, %t", c.name, rows, ok, err, c.rows, c.ok)
		}
	}
	if _, _, err := rowsSince([]string{"\x05\x00\x09a"}, 4, 5); !errors.Is(err, errChange) {
		t.Errorf("a malformed entry: %v", err)
	}
}

func FuzzDecodeChange(f *testing.F) {
	for _, seed := range []string{"", "\x01", "\x01\x00", "\x01\x02", "\x01\x00\x05ab", "\xac\x02\x00\x02o|\x02s|", "\x03\x01", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"} {
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
