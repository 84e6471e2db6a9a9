package main

import (
	"os"
	"path/filepath"
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
