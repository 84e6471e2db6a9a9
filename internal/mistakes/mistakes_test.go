package mistakes

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// waits bounds what the worker's tests wait for. They pass within it without a
// mistake; with one, many fail because something never comes.
const waits = "15s"

// TestMain lets more tests run at once than there are processors: half of the
// time they wait for what never comes.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "4"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// root is the module's folder.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// build compiles a package's tests into a folder.
func build(ctx context.Context, root, pkg, dir string, flags ...string) (binary string, err error) {
	binary = filepath.Join(dir, pkg+".test")
	args := slices.Concat([]string{"test", "-c", "-ldflags=-w", "-o", binary}, flags, []string{"./" + pkg})
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s does not compile: %w\n%s", pkg, err, out)
	}
	return binary, nil
}

// run runs one test of a package.
func run(t *testing.T, binary string, test Test) (output string, failed bool) {
	t.Helper()
	args := []string{"-test.run", pattern(test.Name), "-test.timeout", "3m", "-test.v"}
	if test.Package == "worker" {
		args = append(args, "-patient", waits)
	}
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Dir = filepath.Join(root(t), test.Package)
	out, err := cmd.CombinedOutput()
	output = string(out)
	if !strings.Contains(output, "=== RUN   "+test.Name) {
		t.Fatalf("there is no test %s:\n%s", test.Name, output)
	}
	return output, err != nil
}

// pattern is what -test.run takes for a test, or for the subtests that begin so.
func pattern(name string) string {
	parent, sub, found := strings.Cut(name, "/")
	if !found {
		return "^" + parent + "$"
	}
	return "^" + parent + "$/^" + sub
}

// TestRedOnMistake makes each mistake and demands that the test which is named
// with it fails: a test failure, neither a compile error nor a crash. Without
// the mistake it must pass.
func TestRedOnMistake(t *testing.T) {
	dir := t.TempDir()
	right := map[string]func() (string, error){} // by package, compiled once
	asked := map[Test]bool{}
	for _, m := range All() {
		pkg, test := m.Test.Package, m.Test
		if right[pkg] == nil {
			right[pkg] = sync.OnceValues(func() (string, error) { return build(t.Context(), root(t), pkg, dir) })
		}
		binary := right[pkg]
		if !asked[test] {
			asked[test] = true
			t.Run("without/"+test.Name, func(t *testing.T) {
				t.Parallel()
				binary, err := binary()
				if err != nil {
					t.Fatal(err)
				}
				if out, failed := run(t, binary, test); failed {
					t.Fatalf("%s fails without any mistake:\n%s", test.Name, out)
				}
			})
		}
		t.Run(m.Step+" "+m.Name, func(t *testing.T) {
			t.Parallel()
			red(t, &m)
		})
	}
}

// red makes a mistake and demands that its test fails.
func red(t *testing.T, m *Mistake) {
	dir := t.TempDir()
	overlay, err := m.Apply(root(t), dir)
	if err != nil {
		t.Fatal(err)
	}
	binary, err := build(t.Context(), root(t), m.Test.Package, dir, "-overlay", overlay)
	if err != nil {
		t.Fatal(err)
	}
	out, failed := run(t, binary, m.Test)
	if !failed {
		t.Fatalf("%s has not noticed", m.Test.Name)
	}
	if !strings.Contains(out, "--- FAIL: "+m.Test.Name) || strings.Contains(out, "panic:") {
		t.Fatalf("%s did not fail by itself:\n%s", m.Test.Name, out)
	}
	t.Logf("%s went red: %s", m.Test.Name, complaint(out))
}

// complaint is the first line that a failing test has said of its own.
func complaint(out string) string {
	lines := strings.Split(out, "\n")
	i := slices.IndexFunc(lines, func(l string) bool {
		return strings.Contains(l, "_test.go:") && !strings.Contains(l, "world_test.go:")
	})
	if i < 0 {
		return "said nothing"
	}
	return strings.TrimSpace(lines[i])
}

// TestEditMustFit: a mistake whose text is not there any more, or twice, says so.
func TestEditMustFit(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte("package a\n\nvar x, x2 = 1, 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for old, want := range map[string]string{"var y": "0 times", "x": "2 times", "package a": ""} {
		m := Mistake{Edits: []Edit{{"a.go", old, "package b"}}}
		_, err := m.Apply(dir, t.TempDir())
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want %q", old, err, want)
		}
	}
}
