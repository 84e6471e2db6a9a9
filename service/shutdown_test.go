package service

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"
)

// request is one that is in flight when the process is to end, and what comes of it.
type request struct {
	status chan int   // of the answer; 0: there was none
	ended  chan error // of answer
}

// inFlight ends the process while handler has a request.
func inFlight(t *testing.T, limit time.Duration, handler http.HandlerFunc) request {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	r := request{make(chan int, 1), make(chan error, 1)}
	go func() {
		r.ended <- answer(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			end()
			handler(w, r)
		}), limit)
	}()
	go func() {
		resp, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			r.status <- 0
			return
		}
		defer resp.Body.Close()
		r.status <- resp.StatusCode
	}()
	return r
}

// TestARequestHoldsUpNobody: the process ends although somebody's request does not,
// and that is no error.
func TestARequestHoldsUpNobody(t *testing.T) {
	r := inFlight(t, 10*time.Millisecond, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	if err := <-r.ended; err != nil {
		t.Errorf("shut down: %v", err)
	}
	if status := <-r.status; status != 0 {
		t.Error("the request was answered, and holds up nobody: the test shows nothing")
	}
}

// TestARequestInFlightIsAnswered: what it asks of Redis goes on meanwhile.
func TestARequestInFlightIsAnswered(t *testing.T) {
	r := inFlight(t, time.Minute, func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Err() != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	if status := <-r.status; status != http.StatusOK {
		t.Errorf("the status is %d, want 200", status)
	}
	if err := <-r.ended; err != nil {
		t.Errorf("shut down: %v", err)
	}
}
