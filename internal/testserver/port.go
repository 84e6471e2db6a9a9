package testserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are drawn from below the range that Linux gives to outgoing connections
// (32768 and up). Inside it a client that keeps dialling a killed server's
// address takes the port itself sooner or later, some by connecting to
// themselves, and the server can't start again.
const (
	firstPort = 20_000
	lastPort  = 32_000
)

// FreePort returns a port of 127.0.0.1 that nobody listens on now.
func FreePort() (int, error) {
	var last error
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			last = err
			continue
		}
		return port, l.Close()
	}
	return 0, fmt.Errorf("find a free port: %w", last)
}

// freePorts returns n different ones.
func freePorts(n int) ([]int, error) {
	seen := map[int]bool{}
	var ports []int
	for len(ports) < n {
		p, err := FreePort()
		if err != nil {
			return nil, err
		}
		if !seen[p] {
			seen[p] = true
			ports = append(ports, p)
		}
	}
	return ports, nil
}

func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// withPorts calls run with n free ports. Somebody else may take one between
// the look and the start: then run again with others.
func withPorts(n int, run func(ports []int) error) error {
	var errs []error
	for range 3 {
		ports, err := freePorts(n)
		if err != nil {
			return err
		}
		err = run(ports)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
		if !anyTaken(ports) {
			break
		}
	}
	return errors.Join(errs...)
}

func anyTaken(ports []int) bool {
	for _, p := range ports {
		l, err := net.Listen("tcp", local(p))
		if err != nil {
			return true
		}
		if l.Close() != nil {
			return true
		}
	}
	return false
}
