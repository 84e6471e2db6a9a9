package endtoend

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// command is the package of the binary.
const command = "github.com/tidemark-io/tidemark/cmd/tidemark"

var built struct {
	once sync.Once
	path string
	err  error
}

// Binary builds the command once for this program and returns its path. The
// working folder must lie inside the module. TIDEMARK_BINARY names one that is
// built already.
func Binary() (string, error) {
	built.once.Do(func() {
		if built.path = os.Getenv("TIDEMARK_BINARY"); built.path != "" {
			return
		}
		// Beside other files that go away with the machine: a binary that is
		// running can't be deleted by us.
		dir, err := os.MkdirTemp("", "tidemark-binary-")
		if err != nil {
			built.err = fmt.Errorf("make a folder for the binary: %w", err)
			return
		}
		built.path = filepath.Join(dir, "tidemark")
		if out, err := exec.Command("go", "build", "-o", built.path, command).CombinedOutput(); err != nil {
			built.err = fmt.Errorf("build %s: %w:\n%s", command, err, out)
		}
	})
	return built.path, built.err
}

// RemoveBinary deletes what Binary has built. Call it when nothing runs any more.
func RemoveBinary() error {
	if built.path == "" || os.Getenv("TIDEMARK_BINARY") != "" {
		return nil
	}
	return os.RemoveAll(filepath.Dir(built.path))
}
