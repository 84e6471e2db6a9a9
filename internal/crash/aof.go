package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// step is one atomic step of a worker in the append-only file: a commit or a
// claim, from its MULTI to behind its EXEC.
type step struct {
	start, end int64 // byte offsets
	shard      int   // of the first hash tag
	number     uint64
	commit     bool // else a claim, which has no number
	told       bool // it lists alerts that were published before it
}

// aofFile finds the file that the stopped server has appended to last.
func aofFile(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.incr.aof"))
	if err != nil {
		return "", fmt.Errorf("look for append-only files: %w", err)
	}
	if len(files) != 1 {
		return "", fmt.Errorf("%d append-only files in %s, where one is needed", len(files), dir)
	}
	return files[0], nil
}

// readSteps lists the steps in an append-only file, and the length of its whole
// commands: a killed server may leave part of one.
func readSteps(path string) (steps []step, length int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("read the append-only file: %w", err)
	}
	defer f.Close()
	r := &respReader{Reader: bufio.NewReader(f)}
	var in *step
	for {
		start := r.at
		args, err := r.command()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return steps, length, nil
		}
		if err != nil {
			return nil, 0, fmt.Errorf("append-only file at byte %d: %w", start, err)
		}
		switch name := strings.ToUpper(string(args[0])); {
		case name == "MULTI":
			in = &step{start: start, shard: -1}
		case name == "EXEC" && in != nil:
			if in.end = r.at; in.shard >= 0 {
				steps = append(steps, *in)
			}
			in = nil
		case in != nil:
			if err := in.take(name, args[1:]); err != nil {
				return nil, 0, fmt.Errorf("append-only file at byte %d: %w", start, err)
			}
		}
		if in == nil {
			length = r.at
		}
	}
}

// take looks at a command of the step.
func (s *step) take(name string, args [][]byte) error {
	if len(args) == 0 {
		return nil
	}
	key := string(args[0])
	_, tag, _ := strings.Cut(key, ":")
	shard, what, ok := strings.Cut(tag, "}:")
	if !ok {
		return nil
	}
	if what == "alerts" && name == "RPUSH" {
		s.told = true
	}
	if what != "meta" || name != "HSET" {
		return nil
	}
	var err error
	if s.shard, err = strconv.Atoi(shard); err != nil {
		return fmt.Errorf("key %s: %w", key, err)
	}
	for i := 1; i+1 < len(args); i += 2 {
		if string(args[i]) != "number" {
			continue
		}
		if s.number, err = strconv.ParseUint(string(args[i+1]), 10, 64); err != nil {
			return fmt.Errorf("number of %s: %w", key, err)
		}
		s.commit = true
	}
	return nil
}

// respReader reads commands as Redis writes them, and knows where it is.
type respReader struct {
	*bufio.Reader
	at int64
}

// command reads one command.
func (r *respReader) command() ([][]byte, error) {
	n, err := r.length('*')
	if err != nil {
		return nil, err
	}
	args := make([][]byte, n)
	for i := range args {
		size, err := r.length('$')
		if err != nil {
			return nil, unexpected(err)
		}
		b := make([]byte, size+2)
		if _, err := io.ReadFull(r.Reader, b); err != nil {
			return nil, unexpected(err)
		}
		r.at += int64(len(b))
		args[i] = b[:size]
	}
	if n == 0 {
		return nil, errors.New("an empty command")
	}
	return args, nil
}

// length reads a line such as "*3".
func (r *respReader) length(mark byte) (int, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		if len(line) > 0 {
			return 0, unexpected(err)
		}
		return 0, err
	}
	r.at += int64(len(line))
	if line[0] != mark {
		return 0, fmt.Errorf("%q where %q and a length should stand", line, mark)
	}
	return strconv.Atoi(string(bytes.TrimSpace(line[1:])))
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// cut is what an append-only file has lost.
type cut struct {
	offset int64          // byte at which it was cut off, the start of a MULTI
	of     int64          // its length before
	lost   map[int]uint64 // by shard: the highest number of its lost commits
	count  int            // of steps lost
	told   bool           // a publication is among what was lost
}

func (c cut) String() string {
	return fmt.Sprintf("cut at byte %d of %d, %d steps lost, of shards up to their commits %v, a publication among them: %v",
		c.offset, c.of, c.count, c.lost, c.told)
}

// cutBack cuts the file at the start of a step: so many commits back, and so far
// that a publication is lost if there is one not much further back. Nothing
// before floor is lost.
func cutBack(path string, commits int, floor int64) (cut, error) {
	steps, length, err := readSteps(path)
	if err != nil {
		return cut{}, err
	}
	c := cut{of: length, offset: length, lost: map[int]uint64{}}
	for _, s := range slices.Backward(steps) {
		if s.start < floor || c.count >= commits && (c.told || c.count >= commits+20) {
			break
		}
		c.offset = s.start
		c.count++
		// The alerts that a commit lists were published after the one before it.
		c.told = c.told || s.told
		if s.commit {
			c.lost[s.shard] = max(c.lost[s.shard], s.number)
		}
	}
	if len(c.lost) == 0 {
		return c, fmt.Errorf("no commit behind byte %d of %d to cut off", floor, length)
	}
	if err := os.Truncate(path, c.offset); err != nil {
		return c, fmt.Errorf("cut the append-only file: %w", err)
	}
	return c, nil
}
