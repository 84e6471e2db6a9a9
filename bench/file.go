package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tidemark-io/tidemark/event"
)

// streamFile writes the stream over the days as JSON Lines, in the order in which
// the events are produced: the late ones lie behind the others. The caller removes
// the file.
func (b *bench) streamFile(days int) (path string, err error) {
	f, err := os.Create(filepath.Join(b.logs, fmt.Sprintf("events-%dd.jsonl", days)))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	g := newGenerator(b.seed, b.events, days)
	var ev event.Event
	var line []byte
	for range b.events {
		g.next(&ev)
		line = append(ev.Append(line[:0]), '\n')
		if _, err := w.Write(line); err != nil {
			return "", fmt.Errorf("write the stream: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return "", fmt.Errorf("write the stream: %w", err)
	}
	return f.Name(), nil
}
