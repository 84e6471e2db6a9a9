package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/kpi"
)

const root = "../.."

func TestThePageIsThatOfTheRegistry(t *testing.T) {
	have, err := os.ReadFile(filepath.Join(root, target))
	if err != nil {
		t.Fatal(err)
	}
	want, err := page(string(have), filepath.Join(root, sources))
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("%s is not what the package kpi says: go run ./internal/kpidoc", target)
	}
}

// The page must say of each KPI what a reader looks for, whatever the generator does.
func TestEachKPIIsExplained(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, target))
	if err != nil {
		t.Fatal(err)
	}
	_, reference, _ := strings.Cut(string(b), mark)
	for _, k := range kpi.All() {
		found := false
		for _, section := range strings.Split(reference, "\n## ") {
			if !strings.Contains(section, "| `"+k.Name+"`") {
				continue
			}
			found = true
			for _, part := range []string{"`" + k.Formula + "`", "**Formula.**", "**Unit.**", "**Edge cases.**", "**Worked example.**"} {
				if !strings.Contains(section, part) {
					t.Errorf("the section of %s has no %s", k.Name, part)
				}
			}
		}
		if !found {
			t.Errorf("the page has no row of %s", k.Name)
		}
	}
}

func TestAPageWithoutTheMarkIsLeftAlone(t *testing.T) {
	if _, err := page("# KPIs\n", filepath.Join(root, sources)); err == nil || !strings.Contains(err.Error(), "has no line") {
		t.Errorf("a page without the mark gives %v", err)
	}
}

// A switch that does not exist would send a reader looking for it.
func TestWhatIsSwitchedExists(t *testing.T) {
	example, err := os.ReadFile(filepath.Join(root, "tidemark.example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile("`([^`]+)`")
	seen := 0
	for _, k := range kpi.All() {
		for _, c := range k.Compare() {
			for _, m := range quoted.FindAllStringSubmatch(c.Switch, -1) {
				seen++
				if !exists(m[1], string(example)) {
					t.Errorf("%s at %s: %q is no setting, KPI or window", k.Name, c.Vendor, m[1])
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no comparison names a switch")
	}
}

// exists says whether what is named is a KPI, a window of one, or a setting of the
// example, which lists them all.
func exists(name, example string) bool {
	for _, k := range kpi.All() {
		if k.Name == name || slices.Contains(k.Windows, name) {
			return true
		}
	}
	key, _, _ := strings.Cut(name, ":")
	for _, part := range strings.Split(key, ".") {
		at := regexp.MustCompile(`(?m)^ *` + regexp.QuoteMeta(part) + `:`).FindStringIndex(example)
		if at == nil {
			return false
		}
		example = example[at[1]:]
	}
	return true
}

func TestThePageComparesWithOthers(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, target))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kpi.All() {
		for _, c := range k.Compare() {
			if !strings.Contains(string(b), "["+c.Vendor+"]("+c.Source+") | "+cell(c.Difference)+" |") {
				t.Errorf("the page does not say how %s differs at %s", k.Name, c.Vendor)
			}
		}
	}
}
