package service

import (
	"errors"
	"net"
	"net/http"
	"testing"
	"time"
)

// TestARequestHoldsUpNobody: the process ends although somebody's request does not,
// and that is no error.
func TestARequestHoldsUpNobody(t *testing.T) {
	asked := make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served, answered := make(chan error, 1), make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	go func() {
		resp, err := http.Get("http://" + listener.Addr().String())
		if err == nil {
			err = resp.Body.Close()
		}
		answered <- err
	}()
	<-asked
	if err := shutDown(t.Context(), server, 10*time.Millisecond); err != nil {
		t.Errorf("shut down: %v", err)
	}
	if err := <-answered; err == nil {
		t.Error("the request was answered, and holds up nobody: the test shows nothing")
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("the server ends with %v", err)
	}
}
