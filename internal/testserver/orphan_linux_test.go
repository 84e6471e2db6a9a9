//go:build servers

package testserver

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
)

// orphanEnv makes a second process of this test the driver that is killed.
const orphanEnv = "TIDEMARK_TEST_ORPHAN"

func TestServersEndWithAKilledDriver(t *testing.T) {
	if os.Getenv(orphanEnv) != "" {
		r, err := RunRedis(RedisOptions{})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("pid %d\ndir %s\n", r.Pid(), r.Dir)
		select {} // until it is killed
	}
	driver := exec.Command(os.Args[0], "-test.run=^TestServersEndWithAKilledDriver$")
	driver.Env = append(os.Environ(), orphanEnv+"=1")
	out, err := driver.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := driver.Start(); err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	lines := bufio.NewScanner(out)
	for len(said) < 2 && lines.Scan() {
		var word, value string
		if n, _ := fmt.Sscanf(lines.Text(), "%s %s", &word, &value); n == 2 {
			said[word] = value
		}
	}
	if err := driver.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = driver.Wait() // "signal: killed" is what we want
	pid, err := strconv.Atoi(said["pid"])
	if err != nil || said["dir"] == "" {
		t.Fatalf("the driver said %v", said)
	}
	err = await(func() error {
		if syscall.Kill(pid, 0) == nil && !zombie(pid) {
			return errors.New("the server is still there")
		}
		if exists(said["dir"]) {
			return errors.New("its files are still there")
		}
		return nil
	}, nil)
	if err != nil {
		t.Error(err)
	}
}

// zombie: ended, but not yet waited for by whoever inherited it.
func zombie(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	var n int
	var name, state string
	if _, err := fmt.Sscanf(string(b), "%d %s %s", &n, &name, &state); err != nil {
		return false
	}
	return state == "Z"
}
