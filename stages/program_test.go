package stages_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/images"
)

// TestPrograms shows what the steps of each build system run.
func TestPrograms(t *testing.T) {
	cases(t, "programs", func(t *testing.T, dir images.RecipeDir) string {
		texts := programs(t, outputsOf(t, dir))
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(texts)) {
			fmt.Fprintf(&b, "==== %s\n%s", name, withoutScripts(t, texts[name]))
		}
		return b.String()
	})
}

// withoutScripts puts names in the place of the scripts that every program
// holds, and of the build host's triple.
func withoutScripts(t *testing.T, program string) string {
	t.Helper()
	files, err := filepath.Glob("scripts/*.sh")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts (%v)", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		program = strings.ReplaceAll(program, string(text), "<"+file+">\n")
		// A step's text is trimmed.
		program = strings.ReplaceAll(program, strings.TrimRight(string(text), "\n")+"\n)", "<"+file+">\n)")
	}
	for _, triple := range []string{"x86_64-pc-linux-gnu", "aarch64-unknown-linux-gnu"} {
		program = strings.ReplaceAll(program, "CBUILD='"+triple+"'", "CBUILD=<of the build host>")
	}
	return program
}

func TestProgramsAreShell(t *testing.T) {
	texts := programs(t, embeddedOutputs(t))
	if len(texts) == 0 {
		t.Fatal("no program found")
	}
	for name, text := range texts {
		cmd := exec.Command("bash", "-n")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
