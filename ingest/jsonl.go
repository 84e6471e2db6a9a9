package ingest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tidemark-io/tidemark/event"
)

// jsonLines reads CloudEvents, one a line. They are sent as they are, except
// that a signal without a ref gets one.
func (r *reader) jsonLines(in *input, name string) error {
	if t, ok := r.sink.(*sorting); ok {
		return r.sortLines(in, name, t)
	}
	return eachLine(in, name, func(number int, text []byte) error { // a stream gives signals their ref when they are decoded
		if err := r.row(); err != nil {
			return err
		}
		reason, err := r.add(text)
		if err != nil || reason == "" {
			return err
		}
		return r.refusedLine(name, number, reason)
	})
}

// eachLine visits the lines that are not blank, each valid until visit returns,
// with their numbers from 1.
func eachLine(in *input, name string, visit func(number int, text []byte) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	n := 0
	for lines.Scan() {
		n++
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		if err := visit(n, text); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("%s:%d: the line is longer than 1 MiB; is it JSON Lines, one event a line?", name, n+1)
	}
	if err := lines.Err(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// refusedLine counts a line that the service would refuse, or takes it for a wrong row.
func (r *reader) refusedLine(name string, number int, reason event.Reason) error {
	keys, text := refusal(reason)
	row := &RowError{File: name, Line: number, Text: "the line " + text}
	if len(keys) > 0 {
		row.Column, row.Text = strings.Join(keys, " or "), text
	}
	if !r.options.DeadLetters {
		return r.bad.add(row)
	}
	r.summary.Refused[reason]++
	if len(r.summary.Notes) < shownRows {
		r.summary.Notes = append(r.summary.Notes, row)
	}
	return nil
}

// withRef gives a signal that has no ref its event's source and id as one: the
// ids of signals are forgotten after a while, a ref never is, so that the file
// can be imported again. Anything else, and what cannot be read, is left as it
// is.
func withRef(line []byte, signalType string) ([]byte, error) {
	if !bytes.Contains(line, []byte("signal")) {
		return line, nil
	}
	var envelope, payload map[string]json.RawMessage
	var name, source, id string
	if json.Unmarshal(line, &envelope) != nil || json.Unmarshal(envelope["type"], &name) != nil ||
		json.Unmarshal(envelope["source"], &source) != nil || json.Unmarshal(envelope["id"], &id) != nil ||
		json.Unmarshal(envelope["data"], &payload) != nil {
		return line, nil // the decoder says what is wrong with it
	}
	if name != signalType || payload == nil || payload["ref"] != nil && string(payload["ref"]) != "null" || id == "" {
		return line, nil
	}
	ref, err := json.Marshal(source + "#" + id)
	if err != nil {
		return nil, fmt.Errorf("give a signal a ref: %w", err)
	}
	payload["ref"] = ref
	if envelope["data"], err = json.Marshal(payload); err != nil {
		return nil, fmt.Errorf("give a signal a ref: %w", err)
	}
	out, err := json.Marshal(envelope)
	if err != nil {
		return nil, fmt.Errorf("give a signal a ref: %w", err)
	}
	return out, nil
}
