package endtoend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/tidemark-io/tidemark/internal/testserver"
)

// Worker is one `tidemark serve` of a workspace: one after the other, any
// number of processes with the same name, log and HTTP address.
type Worker struct {
	Name string
	Log  *Log // of all its processes

	workspace *Workspace
	listen    string // host:port of its HTTP side
	cmd       *exec.Cmd
	done      chan struct{} // closed once the present process has ended
}

// Worker returns a worker that is not started yet. Names differ within a
// workspace.
func (w *Workspace) Worker(name string) (*Worker, error) {
	port, err := testserver.FreePort()
	if err != nil {
		return nil, err
	}
	return &Worker{
		Name: name, Log: &Log{path: filepath.Join(w.Dir, name+".log")},
		workspace: w, listen: fmt.Sprintf("127.0.0.1:%d", port),
	}, nil
}

// Start starts a process. It does not wait for it to be ready.
func (k *Worker) Start() error {
	if k.Running() {
		return fmt.Errorf("start %s: it is running", k.Name)
	}
	binary, err := Binary()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(k.Log.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("start %s: %w", k.Name, err)
	}
	cmd := exec.Command(binary, "serve", "--config", k.workspace.Config)
	cmd.Env = append(os.Environ(), "TIDEMARK_HTTP_LISTEN="+k.listen)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = childAttr()
	done, started := make(chan struct{}), make(chan error)
	go func() {
		// The kernel's parent-death signal goes by thread.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer out.Close()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in ProcessState
			close(done)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", k.Name, err)
	}
	k.cmd, k.done = cmd, done
	return nil
}

// Running says whether the present process has not ended.
func (k *Worker) Running() bool {
	if k.cmd == nil {
		return false
	}
	select {
	case <-k.done:
		return false
	default:
		return true
	}
}

// Pid is the present process's id, 0 where none runs.
func (k *Worker) Pid() int {
	if !k.Running() {
		return 0
	}
	return k.cmd.Process.Pid
}

// Signal sends a signal to the process.
func (k *Worker) Signal(sig syscall.Signal) error {
	if !k.Running() {
		return fmt.Errorf("send %v to %s: it is not running; its log says:\n%s", sig, k.Name, k.Log.Tail(20))
	}
	if err := k.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("send %v to %s: %w", sig, k.Name, err)
	}
	return nil
}

// End sends a signal that ends the process, and waits until it has. A SIGTERM
// must end it with exit code 0.
func (k *Worker) End(ctx context.Context, sig syscall.Signal) error {
	if err := k.Signal(sig); err != nil {
		return err
	}
	code, err := k.Wait(ctx)
	if err != nil {
		return fmt.Errorf("end %s with %v: %w", k.Name, sig, err)
	}
	if sig == syscall.SIGTERM && code != 0 {
		return fmt.Errorf("%s ended with code %d after SIGTERM; its log says:\n%s", k.Name, code, k.Log.Tail(20))
	}
	return nil
}

// Wait waits until the process has ended and returns its exit code, -1 where a
// signal ended it.
func (k *Worker) Wait(ctx context.Context) (int, error) {
	select {
	case <-k.done:
		return k.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("%s has not ended: %w; its log says:\n%s", k.Name, ctx.Err(), k.Log.Tail(40))
	}
}

// Get asks the worker's HTTP side and returns status and body. An error where
// nobody answers.
func (k *Worker) Get(ctx context.Context, path string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+k.listen+path, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// No connection is kept, so that none leads to a process that was killed.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// Ready waits until the worker says that it is ready.
func (k *Worker) Ready(ctx context.Context) error {
	return k.await(ctx, "ready", true)
}

// NotReady waits until the worker says that it is not ready.
func (k *Worker) NotReady(ctx context.Context) error {
	return k.await(ctx, "not ready", false)
}

func (k *Worker) await(ctx context.Context, what string, ready bool) error {
	err := Eventually(ctx, func() error {
		if !k.Running() {
			return Stop(errors.New("it has ended"))
		}
		status, body, err := k.Get(ctx, "/readyz")
		if err != nil {
			return err
		}
		if (status == http.StatusOK) != ready {
			return fmt.Errorf("/readyz says %d: %s", status, strings.TrimSpace(body))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("wait for %s to be %s: %w; its log says:\n%s", k.Name, what, err, k.Log.Tail(20))
	}
	return nil
}
