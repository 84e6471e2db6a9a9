package mistakes

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDocumented: docs/protocol.md names each mistake with the test that goes red.
func TestDocumented(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root(t), "docs/protocol.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range All() {
		line := fmt.Sprintf("| %s | %s | `%s` %s |", m.Step, m.Name, m.Test.Package, strings.ReplaceAll(m.Test.Name, "_", " "))
		if !strings.Contains(string(b), "\n"+line+"\n") {
			t.Errorf("docs/protocol.md lacks this line:\n%s", line)
		}
	}
}
