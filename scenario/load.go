package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Extension is how the names of scenario files end.
const Extension = ".scenario"

// Load reads all files, of a folder those in it and below it whose names end in
// Extension. Nothing is returned where one of them is wrong.
func Load(paths []string, base string) ([]*File, error) {
	var out []*File
	var wrong []error
	for _, path := range paths {
		names := []string{path}
		if info, err := os.Stat(path); err != nil {
			return nil, err // it names the file and what is wrong
		} else if info.IsDir() {
			if names, err = below(path); err != nil {
				return nil, fmt.Errorf("list %s: %w", path, err)
			}
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

// below lists the scenario files of a folder, in the order of their names.
func below(folder string) (names []string, err error) {
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) == Extension {
			names = append(names, path)
		}
		return err
	})
	return names, err
}
