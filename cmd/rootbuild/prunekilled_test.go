package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// prunedState is a state with a target that stays and one that prune removes.
type prunedState struct {
	fixture fixture
	dir     string
	kept    string // digests
	gone    string
}

const goneTarget = `name: gone
extends: ./site.yaml
packages: [gone]
recipes: [gone]
`

const goneRecipe = `name: gone
version: "1"
license: MIT
build: {system: custom}
steps:
  install: |
    install -D /dev/null /dest/usr/share/gone
`

func newPrunedState(t *testing.T) *prunedState {
	t.Helper()
	disk := filepath.Join(t.TempDir(), "disk")
	mountTmpfs(t, disk, "500m")
	p := &prunedState{fixture: newFixture(t), dir: filepath.Join(disk, "before")}
	if err := p.fixture.writeSite(p.dir); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"gone.yaml": goneTarget, "gone/gone/recipe.yaml": goneRecipe} {
		file := filepath.Join(p.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.kept, p.gone = p.build(t, p.dir, "site"), p.build(t, p.dir, "gone")
	return p
}

// build builds a target and returns what it prints.
func (p *prunedState) build(t *testing.T, dir, target string, more ...string) string {
	t.Helper()
	args := append(p.fixture.args(dir), "--no-unpack", "--target", filepath.Join(dir, target+".yaml"))
	cmd := exec.Command("rootbuild", append(args, more...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("building %s: %v: %s", target, err, &stderr)
	}
	return string(out)
}

func (p *prunedState) args(dir string) []string {
	return []string{
		"prune", "--state", filepath.Join(dir, "state"), "--nfsroot", filepath.Join(dir, "none"),
		"--target", filepath.Join(dir, "site.yaml"), "--grace", "0d",
	}
}

// Wherever a prune is killed, what stays is a build without work, the next prune
// removes the rest, and what went is built again.
func TestPruneKilled(t *testing.T) {
	p := newPrunedState(t)
	t.Setenv("TMPDIR", t.TempDir()) // for what a killed one leaves there
	every, runs := max(1, *faultsEvery/6), 0
	for at := 0; ; at += every {
		dir := copyOf(t, p.dir)
		s := faults[0].strike(t, dir, at, append(p.args(dir), "--yes"))
		if s.at == "" {
			t.Logf("%d of %d calls", runs, s.calls)
			if !s.ok || runs == 0 {
				t.Errorf("killed %d times; at last it said %s", runs, s.said)
			}
			return
		}
		runs++
		if got := p.build(t, dir, "site", "--offline", "--runc", "missing"); got != p.kept {
			t.Errorf("what stays is %q, want %q", got, p.kept)
		}
		if out, err := exec.Command("rootbuild", append(p.args(dir), "--yes")...).CombinedOutput(); err != nil {
			t.Errorf("the next prune: %v: %s", err, out)
		}
		if out, err := exec.Command("rootbuild", p.args(dir)...).Output(); err != nil || strings.Contains(string(out), "delete") {
			t.Errorf("after the next prune: %v: %s", err, out)
		}
		if got := p.build(t, dir, "gone"); got != p.gone {
			t.Errorf("what went is %q, want %q", got, p.gone)
		}
		if t.Failed() {
			t.Fatalf("killed at call %d (%s)", at+1, s.at)
		}
	}
}
