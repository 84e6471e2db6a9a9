package endtoend

import (
	"errors"
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

// Root returns the module's folder: the first with a go.mod from the working
// folder upwards.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod here or above: run it inside Tidemark's checkout")
		}
		dir = up
	}
}

// DataEnv names the variable with the folder of published data sets.
const DataEnv = "TIDEMARK_DATA"

// Data returns the folder of published data sets: what DataEnv says, which must
// be there, else ../shared/data beside the checkout, "" where that is absent.
func Data() (string, error) {
	if dir, ok := os.LookupEnv(DataEnv); ok {
		if _, err := os.Stat(dir); err != nil {
			return "", fmt.Errorf("%s: %w", DataEnv, err)
		}
		return filepath.Abs(dir)
	}
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, "..", "shared", "data")
	if _, err := os.Stat(dir); err != nil {
		return "", nil
	}
	return dir, nil
}
