package endtoend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
)

// Log is what a worker's processes have written: JSON lines, and whatever else
// a program writes when it dies.
type Log struct{ path string }

// OpenLog is the log in a file, which need not be there yet.
func OpenLog(path string) *Log { return &Log{path} }

// Line is one line of a log.
type Line struct {
	Level, Msg, Error string
	Text              string // all of it
}

// Size is the log's present length in bytes: a mark to look from.
func (l *Log) Size() int64 {
	fi, err := os.Stat(l.path)
	if err != nil {
		return 0
	}
	return fi.Size()
}

// Lines returns the whole lines from a mark on.
func (l *Log) Lines(from int64) ([]Line, error) { return l.with(from, "") }

// with returns the whole lines from a mark on of which one of the texts is a
// part. Who waits asks many times a second, so that nothing is decoded but those.
func (l *Log) with(from int64, texts ...string) ([]Line, error) {
	f, err := os.Open(l.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a worker's log: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, from, math.MaxInt64-from))
	if err != nil {
		return nil, fmt.Errorf("read a worker's log: %w", err)
	}
	var out []Line
	for text := range bytes.Lines(b) {
		if !bytes.HasSuffix(text, []byte("\n")) {
			break // still being written
		}
		if !slices.ContainsFunc(texts, func(t string) bool { return bytes.Contains(text, []byte(t)) }) {
			continue
		}
		line := Line{Text: strings.TrimSpace(string(text))}
		// What is no JSON has a text only.
		_ = json.Unmarshal(text, &line)
		out = append(out, line)
	}
	return out, nil
}

// Find returns the first line from a mark on of which one of the texts is a
// part, ok false where there is none.
func (l *Log) Find(from int64, texts ...string) (line Line, ok bool, err error) {
	lines, err := l.with(from, texts...)
	if err != nil || len(lines) == 0 {
		return Line{}, false, err
	}
	return lines[0], true, nil
}

// Await waits until Find finds something.
func (l *Log) Await(ctx context.Context, from int64, texts ...string) (found Line, err error) {
	err = Eventually(ctx, func() error {
		line, ok, err := l.Find(from, texts...)
		if err != nil {
			return Stop(err)
		}
		if !ok {
			return fmt.Errorf("no line with %q", texts)
		}
		found = line
		return nil
	})
	if err != nil {
		return Line{}, fmt.Errorf("%w; the log says:\n%s", err, l.Tail(20))
	}
	return found, nil
}

// Tail returns the last lines.
func (l *Log) Tail(lines int) string {
	b, err := os.ReadFile(l.path)
	if err != nil {
		return err.Error()
	}
	all := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}

// Takeover is a line that tells of a shard being taken over.
type Takeover struct {
	Shard  int
	Number uint64 // of the commit that is the claim
	Text   string
}

// takeoverText is what such a line begins with.
const takeoverText = "shard taken over"

// Takeovers returns the take-overs from a mark on.
func (l *Log) Takeovers(from int64) ([]Takeover, error) {
	lines, err := l.with(from, takeoverText)
	if err != nil {
		return nil, err
	}
	var out []Takeover
	for _, line := range lines {
		if line.Msg != takeoverText {
			continue
		}
		var fields struct {
			Shard  int    `json:"shard"`
			Commit uint64 `json:"commit"`
		}
		if err := json.Unmarshal([]byte(line.Text), &fields); err != nil {
			return nil, fmt.Errorf("line %s: %w", line.Text, err)
		}
		out = append(out, Takeover{fields.Shard, fields.Commit, line.Text})
	}
	return out, nil
}
