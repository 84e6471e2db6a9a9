// Package mistakes makes the mistakes of docs/protocol.md in a copy of the code
// and shows which test goes red. Nothing in the code knows of it: a copy of a
// file with another text in it is compiled in by go test -overlay.
package mistakes

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Mistake is one mistake and the test that tells.
type Mistake struct {
	Step  string // of docs/protocol.md
	Name  string
	Edits []Edit
	Test  Test
}

// Edit puts other text into a file. Old must be found in it exactly once.
type Edit struct {
	File     string // from the module's root
	Old, New string
}

// Test is a test and its package, from the module's root.
type Test struct{ Package, Name string }

// Apply writes copies of the files with the edits made in them, and the overlay
// that names them, into a folder. It returns the path of the overlay.
func (m *Mistake) Apply(root, dir string) (overlay string, err error) {
	texts := map[string]string{}
	for _, e := range m.Edits {
		text, ok := texts[e.File]
		if !ok {
			b, err := os.ReadFile(filepath.Join(root, e.File))
			if err != nil {
				return "", fmt.Errorf("read the file of a mistake: %w", err)
			}
			text = string(b)
		}
		if n := strings.Count(text, e.Old); n != 1 {
			return "", fmt.Errorf("%s has this text %d times, and the mistake must be made in one place:\n%s", e.File, n, e.Old)
		}
		texts[e.File] = strings.Replace(text, e.Old, e.New, 1)
	}
	replace := map[string]string{}
	for file, text := range texts {
		copied := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(copied, []byte(text), 0o644); err != nil {
			return "", fmt.Errorf("write a mistake: %w", err)
		}
		replace[filepath.Join(root, file)] = copied
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("encode the overlay: %w", err)
	}
	overlay = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, b, 0o644); err != nil {
		return "", fmt.Errorf("write the overlay: %w", err)
	}
	return overlay, nil
}
