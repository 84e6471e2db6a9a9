package testserver

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Cluster is a Redis Cluster of three masters without replicas.
type Cluster struct {
	Addrs []string // of the masters
	Nodes []*Redis
}

// RunRedisCluster starts three servers and joins them. It returns when each of
// them says that all slots are served.
func RunRedisCluster(dir string) (*Cluster, error) {
	c := &Cluster{}
	for i := range 3 {
		o := RedisOptions{Args: []string{"--cluster-enabled", "yes", "--cluster-config-file", fmt.Sprintf("nodes-%d.conf", i)}}
		if dir != "" {
			o.Dir = filepath.Join(dir, strconv.Itoa(i))
			if err := os.MkdirAll(o.Dir, 0o755); err != nil {
				return c, err
			}
		}
		r, err := RunRedis(o)
		if err != nil {
			return c, errors.Join(err, c.Stop())
		}
		c.Nodes, c.Addrs = append(c.Nodes, r), append(c.Addrs, r.Addr)
	}
	args := append([]string{"--cluster", "create"}, c.Addrs...)
	if out, err := exec.Command("redis-cli", append(args, "--cluster-yes")...).CombinedOutput(); err != nil {
		return c, errors.Join(fmt.Errorf("create a Redis Cluster: %w:\n%s", err, out), c.Stop())
	}
	return c, c.wait()
}

// wait returns when every node counts all slots as served.
func (c *Cluster) wait() error {
	for _, r := range c.Nodes {
		err := await(func() error {
			out, err := exec.Command("redis-cli", "-u", "redis://"+r.Addr, "CLUSTER", "INFO").CombinedOutput()
			if err != nil {
				return err
			}
			for _, want := range []string{"cluster_state:ok", "cluster_known_nodes:3"} {
				if !bytes.Contains(out, []byte(want)) {
					return fmt.Errorf("no %s yet:\n%s", want, out)
				}
			}
			return nil
		}, r.server.ended())
		if err != nil {
			return errors.Join(fmt.Errorf("create a Redis Cluster: node %s: %w", r.Addr, err), c.Stop())
		}
	}
	return nil
}

// Stop kills all nodes.
func (c *Cluster) Stop() error {
	var errs []error
	for _, r := range c.Nodes {
		errs = append(errs, r.Stop())
	}
	return errors.Join(errs...)
}
