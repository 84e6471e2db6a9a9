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

// maxRef is the longest ref that a decoder takes, in bytes.
const maxRef = 256

// appendRef writes the ref that a signal without one is given: its event's source
// and id, which stay the same when a file is read again and which no other source
// has. It writes nothing where there is one, where it would be too long, and where
// its absence says something: a withdrawal without one is of all subscriptions, an
// invitation of no campaign.
func appendRef(dst []byte, s *event.SignalData, source, id []byte) []byte {
	switch string(s.Name) {
	case "cancellation_withdrawn", "survey_sent":
		return dst
	}
	if len(s.Ref) > 0 || len(source)+1+len(id) > maxRef {
		return dst
	}
	return append(append(append(dst, source...), '#'), id...)
}

// withRef writes a ref into the line of a signal, which a decoder has accepted.
func withRef(line []byte, ref string) ([]byte, error) {
	var envelope, payload map[string]json.RawMessage
	err := json.Unmarshal(line, &envelope)
	if err == nil {
		err = json.Unmarshal(envelope["data"], &payload)
	}
	if err == nil {
		payload["ref"], err = json.Marshal(ref)
	}
	if err == nil {
		envelope["data"], err = json.Marshal(payload)
	}
	out, failed := json.Marshal(envelope)
	if err = errors.Join(err, failed); err != nil {
		return nil, fmt.Errorf("give a signal a ref: %w", err)
	}
	return out, nil
}
