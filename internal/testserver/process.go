package testserver

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// readyWithin bounds how long a server may take to answer. A broker on a busy
// machine of two cores was seen to need 12 s after a kill.
const readyWithin = 90 * time.Second

// server is one child of the operating system, started and stopped any number
// of times with the same command line.
type server struct {
	name string // for errors
	argv []string
	log  string // path; all starts append to it

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed once the present child has ended
}

// start runs the command and waits until ready returns nil. A child that ends
// before, or isn't ready in time, is an error that holds its log's tail.
func (s *server) start(ready func() error) error {
	if s.running() {
		return fmt.Errorf("start %s: it is running", s.name)
	}
	from := fileSize(s.log)
	if err := s.spawn(); err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	switch err := await(ready, s.ended()); {
	case err == nil:
		return nil
	case errors.Is(err, errEnded):
		return fmt.Errorf("start %s: it ended; its log says:\n%s", s.name, tail(s.log, from))
	default:
		return fmt.Errorf("start %s: %w; its log says:\n%s",
			s.name, errors.Join(err, s.signal(syscall.SIGKILL)), tail(s.log, from))
	}
}

var errEnded = errors.New("ended")

// await asks ready until it returns nil, for readyWithin at most, and gives up
// with errEnded when the channel is closed before.
func await(ready func() error, ended <-chan struct{}) error {
	deadline := time.NewTimer(readyWithin)
	defer deadline.Stop()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return errEnded
		case <-deadline.C:
			return fmt.Errorf("not ready after %v: %w", readyWithin, err)
		case <-poll.C:
		}
	}
}

// spawn starts the child on a thread that lives as long as the child: the
// kernel's parent-death signal goes by thread, and a thread that Go gives up
// would take the server with it.
func (s *server) spawn() error {
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	cmd := exec.Command(s.argv[0], s.argv[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = childAttr()
	done := make(chan struct{})
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer out.Close()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how a server that we kill ends says nothing
			close(done)
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	s.mu.Lock()
	s.cmd, s.done = cmd, done
	s.mu.Unlock()
	return nil
}

// ended returns a channel that is closed once the present child has ended.
func (s *server) ended() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

func (s *server) running() bool {
	done := s.ended()
	if done == nil {
		return false
	}
	select {
	case <-done:
		return false
	default:
		return true
	}
}

// pid is the present child's, 0 where none runs.
func (s *server) pid() int {
	if !s.running() {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process.Pid
}

// signal sends sig to the child and waits until it has ended. A child that has
// ended already is no error: killing is about the state it leaves behind.
func (s *server) signal(sig syscall.Signal) error {
	if !s.running() {
		return nil
	}
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", s.name, err)
	}
	deadline := time.NewTimer(readyWithin)
	defer deadline.Stop()
	select {
	case <-s.ended():
		return nil
	case <-deadline.C:
		return fmt.Errorf("stop %s: still there %v after %v", s.name, readyWithin, sig)
	}
}

func fileSize(path string) int64 {
	fi, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return fi.Size()
}

// tail returns the last lines that were added to a log since the given size.
func tail(path string, from int64) string {
	const lines = 40
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	b = bytes.TrimSpace(b[min(from, int64(len(b))):])
	all := bytes.Split(b, []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}

var scratch struct {
	once sync.Once
	dir  string
	err  error
	keep *os.File // the reaper's standard input; closed by our end, whatever it is
}

// scratchDir returns a new folder below one that is deleted after this process
// has ended, however it ends. A shell waits for its standard input to be
// closed, which the kernel does for us, and then deletes it; so that a test
// binary that is killed leaves no broker's files behind.
func scratchDir(name string) (string, error) {
	scratch.once.Do(func() {
		scratch.dir, scratch.err = os.MkdirTemp("", "tidemark-servers-")
		if scratch.err != nil {
			return
		}
		// Killed servers may write for another moment: try twice.
		reaper := exec.Command("sh", "-c", `cat >/dev/null; rm -rf "$1" || { sleep 1; rm -rf "$1"; }`, "reaper", scratch.dir)
		reaper.SysProcAttr = reaperAttr()
		var in *os.File
		in, scratch.keep, scratch.err = os.Pipe()
		if scratch.err != nil {
			return
		}
		defer in.Close()
		reaper.Stdin = in
		scratch.err = reaper.Start()
	})
	if scratch.err != nil {
		return "", fmt.Errorf("make a folder for servers: %w", scratch.err)
	}
	return os.MkdirTemp(scratch.dir, filepath.Base(name)+"-")
}
