package testserver

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// RedisOptions are what a redis-server is started with. The zero value will do.
type RedisOptions struct {
	Dir string // append-only files and log; "": a folder that is deleted when we end
	// Args are added to the command line, such as "--appendfsync", "always";
	// they win over ours. Take ports for further listeners from FreePort.
	Args []string
}

// Redis is one redis-server with an append-only file, synced once a second
// unless told otherwise.
type Redis struct {
	Addr string // "127.0.0.1:port"
	Dir  string // its working folder

	server server
}

// RunRedis starts a new redis-server and returns when it answers. The caller
// stops it; it also ends with this process.
func RunRedis(o RedisOptions) (*Redis, error) {
	if o.Dir == "" {
		dir, err := scratchDir("redis")
		if err != nil {
			return nil, err
		}
		o.Dir = dir
	}
	r := &Redis{Dir: o.Dir}
	return r, withPorts(2, func(ports []int) error {
		r.Addr = local(ports[0])
		argv := []string{"redis-server", "--port", strconv.Itoa(ports[0]), "--bind", "127.0.0.1",
			// The cluster's own port: 10,000 above the first it could be taken.
			"--cluster-port", strconv.Itoa(ports[1]),
			"--dir", o.Dir, "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--daemonize", "no"}
		r.server = server{name: "Redis on " + r.Addr, argv: append(argv, o.Args...), log: filepath.Join(o.Dir, "redis.log")}
		return r.Start()
	})
}

// Start starts a stopped server on the same port and files and returns when it
// has loaded them.
func (r *Redis) Start() error { return r.server.start(r.ready) }

// Stop kills the server (SIGKILL) and waits until it is gone. What it had not
// written to the append-only file yet is lost; what it had not synced is not,
// since the machine goes on.
func (r *Redis) Stop() error { return r.server.signal(syscall.SIGKILL) }

// Terminate asks the server to end (SIGTERM) and waits until it has.
func (r *Redis) Terminate() error { return r.server.signal(syscall.SIGTERM) }

// Pid is the server's process id, 0 while it is stopped.
func (r *Redis) Pid() int { return r.server.pid() }

// Log is the path of what the server wrote to its standard output.
func (r *Redis) Log() string { return r.server.log }

// AOFDir is the folder of the append-only files and their manifest. Cut them
// only while the server is stopped.
func (r *Redis) AOFDir() string { return filepath.Join(r.Dir, "appendonlydir") }

func (r *Redis) ready() error {
	reply, err := command(r.Addr, "PING")
	if err != nil {
		return err
	}
	// A server that wants a password answers, so it is there.
	if reply == "+PONG" || strings.HasPrefix(reply, "-NOAUTH") {
		return nil
	}
	return errors.New(reply)
}

// command sends one inline command and returns the first line of the answer.
func command(addr, line string) (string, error) {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(c, "%s\r\n", line); err != nil {
		return "", err
	}
	reply, err := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(reply), err
}

// RunSentinel starts a Redis Sentinel that watches a master under the given
// name and returns when it knows the master. One sentinel alone decides.
func RunSentinel(dir, name string, master *Redis) (*Redis, error) {
	if dir == "" {
		var err error
		if dir, err = scratchDir("sentinel"); err != nil {
			return nil, err
		}
	}
	host, masterPort, err := net.SplitHostPort(master.Addr)
	if err != nil {
		return nil, fmt.Errorf("start Sentinel: %w", err)
	}
	r := &Redis{Dir: dir}
	return r, withPorts(1, func(ports []int) error {
		r.Addr = local(ports[0])
		// A sentinel keeps what it learns in this file, so it must be a file.
		config := filepath.Join(dir, "sentinel.conf")
		text := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor %s %s %s 1\nsentinel down-after-milliseconds %s 1000\n",
			ports[0], dir, name, host, masterPort, name)
		if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
			return fmt.Errorf("start Sentinel: %w", err)
		}
		r.server = server{name: "Sentinel on " + r.Addr, argv: []string{"redis-server", config, "--sentinel"},
			log: filepath.Join(dir, "sentinel.log")}
		return r.Start()
	})
}
