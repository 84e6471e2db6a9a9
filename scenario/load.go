package scenario

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Extension is how the names of scenario files end.
const Extension = ".scenario"

// Load reads all files, of a folder those in it whose names end in Extension.
// Nothing is returned where one of them is wrong.
func Load(paths []string, base string) ([]*File, error) {
	var out []*File
	var wrong []error
	for _, path := range paths {
		names := []string{path}
		if info, err := os.Stat(path); err != nil {
			return nil, err // it names the file and what is wrong
		} else if info.IsDir() {
			if names, err = filepath.Glob(filepath.Join(path, "*"+Extension)); err != nil {
				return nil, fmt.Errorf("list %s: %w", path, err)
			}
			slices.Sort(names)
			if len(names) == 0 {
				return nil, fmt.Errorf("%s has no files that end in %s", path, Extension)
			}
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			f, err := Parse(name, string(b), base)
			if err != nil {
				wrong = append(wrong, err)
				continue
			}
			out = append(out, f)
		}
	}
	return out, errors.Join(wrong...)
}
