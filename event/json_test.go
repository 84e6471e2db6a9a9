package event

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// scanAll reads one JSON value that fills the text.
func scanAll(b []byte) int {
	_, i := valueAt(b, space(b, 0), 0)
	if i >= 0 && space(b, i) != len(b) {
		return badSyntax
	}
	return i
}

func TestScanIsStrict(t *testing.T) {
	good := []string{
		`{}`, ` { } `, `[]`, `[ ]`, `""`, `0`, `-0`, `10`, `1.5`, `1e5`, `1E-5`, `1.0e+5`, `true`, `false`, `null`,
		`{"a":1}`, `{"a" : 1 , "b" : [1, 2 ,{"c":null}]}`, "\t\r\n{}\n", `"\"\\\/\b\f\n\r\té"`, `"\ud83d\ude00"`,
		`{"":""}`, `"ünïcödé"`, `[[[[]]]]`, strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth),
		`{"a":1,"a":2}`, "\"\x7f\"", `"12345678\""`, `"1234567\\"`,
	}
	for _, s := range good {
		if i := scanAll([]byte(s)); i < 0 {
			t.Errorf("%.60s: refused with %d", s, i)
		}
		if !json.Valid([]byte(s)) {
			t.Errorf("%.60s is not JSON: the test is wrong", s)
		}
	}
	bad := []string{
		``, ` `, `{`, `}`, `[`, `]`, `{]`, `[}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{a:1}`, `{'a':1}`, `{"a":1 "b":2}`,
		`{"a" 1}`, `[1,]`, `[,1]`, `[1 2]`, `{1:1}`, `{"a":1}}`, `{} {}`, `{}x`, `01`, `-`, `-a`, `+1`, `.5`, `5.`, `1e`, `1e+`,
		`1.e5`, `0x1`, `00`, `-01`, `tru`, `True`, `nul`, `nulll`, `NaN`, `Infinity`, `"`, `"a`, `"\x"`, `"\u12"`, `"\u123g"`, `"\`,
		"\"\n\"", "\"\x00\"", "\"1234567\n\"", "\"12345678\t12345678\"", "\"\\n\n\"", `"\ud83d\u12"`, "\ufeff{}", "{}\x00", "\v{}",
		`// c`, `{/**/}`, strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1), strings.Repeat(`{"a":`, 1<<20), strings.Repeat(`[`, 1<<20),
	}
	for c := range 0x20 {
		bad = append(bad, fmt.Sprintf(`"%c"`, c), fmt.Sprintf(`"%c23456789"`, c), fmt.Sprintf(`"\n%c23456789"`, c))
	}
	for _, s := range bad {
		if i := scanAll([]byte(s)); i != badSyntax {
			t.Errorf("%.60s: gives %d, want a syntax error", s, i)
		}
	}
	for _, s := range []string{`"\ud83d"`, `"\ude00"`, `"\ud83dx"`, `"\ud83d\n"`, `"\ud83d\u0041"`, `"\ud83d\ud83d"`, `{"\udc00":1}`} {
		if i := scanAll([]byte(s)); i != badSurrogate {
			t.Errorf("%s: gives %d, want the error of half a surrogate pair", s, i)
		}
	}
}

func TestUnescape(t *testing.T) {
	for raw, want := range map[string]string{
		`plain`:                 "plain",
		`\"\\\/\b\f\n\r\t`:      "\"\\/\b\f\n\r\t",
		`\u0041\u00e9\u20AC`:    "Aé€",
		`a\ud83d\ude00b`:        "a😀b",
		`\u0000`:                "\x00",
		`\uD7FF\uE000\uFFFF`:    "\ud7ff\ue000\uffff",
		`\uD800\uDC00`:          "\U00010000",
		`\uDBFF\uDFFF`:          "\U0010ffff",
		`\\u0041`:               `\u0041`,
		`ü\n`:                   "ü\n",
		`12345678\u0031` + `23`: "12345678123",
	} {
		if i := scanAll([]byte(`"` + raw + `"`)); i < 0 {
			t.Errorf("%s: refused", raw)
			continue
		}
		if got := string(unescape(nil, []byte(raw))); got != want {
			t.Errorf("%s is %q, want %q", raw, got, want)
		}
	}
}

// One bit of one byte changed, or one byte left out, of a message: both say the
// same about what is left.
func TestScanAgainstTheStandardLibrary(t *testing.T) {
	messages := []string{loginMessage, purchaseMessage, `{"a":[1,-2.5e+3,true,false,null,"\u00e9\n\ud83d\ude00",{"b":{}}] , "c" : "" }`}
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(rapid.SampledFrom(messages).Draw(t, "message"))
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
			if rapid.Bool().Draw(t, "leave out") {
				b = append(b[:i], b[i+1:]...)
			} else {
				b[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			}
		}
		sameAsStandard(t, b)
	})
}

func FuzzScan(f *testing.F) {
	f.Add([]byte(loginMessage))
	f.Add([]byte(`{"a":[1,-2.5e+3,true,false,null,"\u00e9\n\ud83d\ude00",{"b":{}}] , "c" : "" }`))
	f.Fuzz(func(t *testing.T, b []byte) { sameAsStandard(t, b) })
}

type failing interface{ Fatalf(string, ...any) }

// sameAsStandard holds scanAll against json.Valid. The differences: bytes that
// aren't UTF-8 (refused before), half surrogate pairs, depth.
func sameAsStandard(t failing, b []byte) {
	if !utf8.Valid(b) {
		return
	}
	got := scanAll(b)
	switch {
	case got == badSurrogate:
		if !strings.Contains(strings.ToLower(string(b)), `\ud`) {
			t.Fatalf("half a surrogate pair in %q", b)
		}
	case (got >= 0) != json.Valid(b) && !(got < 0 && strings.Count(string(b), "[")+strings.Count(string(b), "{") > maxDepth):
		t.Fatalf("%q gives %d, json.Valid %v", b, got, json.Valid(b))
	}
}

func TestArenaMovesNothing(t *testing.T) {
	d := NewDecoder(benchOptions)
	message := func(i int) []byte {
		id := strings.Repeat("é", i%64) + `\u00e9` + string(rune('a'+i%26))
		return []byte(`{"type":"com.acme.login","source":"\u002fs","id":"` + id + `","time":"2026-11-22T08:15:42Z","subject":"\u0063"}`)
	}
	const n = 20_000 // about 2 MiB of texts: 40 chunks
	for range 2 {
		events := make([]Event, n)
		for i := range events {
			if reason := d.Decode(&events[i], message(i), nil); reason != "" {
				t.Fatal(reason)
			}
		}
		for i := range events {
			want := strings.Repeat("é", i%64) + "é" + string(rune('a'+i%26))
			if string(events[i].ID) != want || string(events[i].Source) != "/s" || string(events[i].Customer) != "c" {
				t.Fatalf("event %d: id %q, source %q, subject %q", i, events[i].ID, events[i].Source, events[i].Customer)
			}
		}
		d.Reset()
		if got := len(d.arena.chunks); got > keptChunks {
			t.Fatalf("%d chunks are kept", got)
		}
	}
}
