package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// used is what a program has used.
type used struct {
	wall     time.Duration
	cpu      time.Duration // user and system
	resident int64         // bytes, at the most; as of up to residentEvery before its end
}

const residentEvery = 20 * time.Millisecond

// measured runs a program to its end, with its output into a file unless that is
// nil. What it says on standard error is in the error where it fails.
func measured(ctx context.Context, out *os.File, name string, args ...string) (u used, err error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var said strings.Builder
	if cmd.Stderr = &said; out != nil {
		cmd.Stdout = out
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return used{}, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(residentEvery)
	defer tick.Stop()
	for {
		select {
		case err = <-done:
			u.wall = time.Since(start)
			u.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			if err != nil {
				err = fmt.Errorf("run %s: %w: %s", name, err, said.String())
			}
			return u, err
		case <-tick.C:
			// A process that has just ended has no memory any more.
			if n, err := residentOf(cmd.Process.Pid); err == nil {
				u.resident = max(u.resident, n)
			}
		}
	}
}

// residentOf is VmHWM, the highest resident memory of a process so far, in bytes.
func residentOf(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.Fields(v)[0], 10, 64)
			return n * 1024, err
		}
	}
	return 0, errors.New("no VmHWM in /proc/PID/status")
}

// add puts what a program has used into a table.
func (u used) add(t *table, name string) {
	t.add(name+", s", u.wall.Seconds())
	t.add(name+", s of processor time", u.cpu.Seconds())
	t.add(name+", resident MB at the most", float64(u.resident)/1e6)
}
