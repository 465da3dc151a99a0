package builder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/buildertest"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/stages"
)

// sharedSite is a target of four packages: left and right are built with low, and high
// with both. Those two wait until the test ends their sleep, by which it sees where they
// run.
type sharedSite struct {
	graph stages.Graph
	base  string
}

const sharedTarget = `
name: shared
libc: test
platforms: [linux/amd64]
epoch: 2026-11-01T00:00:00Z
packages: [high]
recipes: [recipes]
`

const sharedToolchain = `
name: toolchain-test
version: "1"
license: MIT
kind: toolchain
chost: x86_64-test-linux-gnu
`

const sharedRecipe = `
name: %[1]s
version: "1"
license: MIT
build_needs: [%[2]s]
needs: [%[2]s]
build: {system: custom}
steps:
  install: |
    echo running %[1]s
    %[3]s
    mkdir -p /dest/usr/lib /dest/usr/include
    { echo %[1]s; find /sysroot -type f | sort | while read -r f; do cat $f; done; } >/dest/usr/lib/%[1]s
    echo %[1]s >/dest/usr/include/%[1]s.h
`

func newSharedSite(t *testing.T) sharedSite {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "shared.yaml"), sharedTarget)
	write(t, filepath.Join(dir, "recipes", "toolchain-test", "recipe.yaml"), sharedToolchain)
	for name, needs := range map[string]string{"low": "", "left": "low", "right": "low", "high": "left, right"} {
		wait := "true"
		if needs == "low" {
			wait = strings.Join(sleep(name), " ") + " || true"
		}
		write(t, filepath.Join(dir, "recipes", name, "recipe.yaml"), fmt.Sprintf(sharedRecipe, name, needs, wait))
	}
	graph, err := stages.LoadTarget(filepath.Join(dir, "shared.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	base := t.TempDir()
	if _, err := buildertest.Base(base, ""); err != nil {
		t.Fatal(err)
	}
	return sharedSite{graph, "oci:" + base}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// sleep is the command by which a stage waits: no other process of this host has one
// with such a time.
func sleep(name string) []string {
	return []string{"sleep", fmt.Sprintf("600.%d%d", os.Getpid(), len(name))}
}

// sleeping are the processes by which a stage waits.
func sleeping(name string) []int {
	out, err := exec.Command("pgrep", "-x", "-f", strings.Join(sleep(name), " ")).Output()
	if err != nil {
		return nil // there is none
	}
	var list []int
	for _, field := range strings.Fields(string(out)) {
		var pid int
		if _, err := fmt.Sscan(field, &pid); err == nil {
			list = append(list, pid)
		}
	}
	return list
}

// release lets a stage that waits on a builder go on.
func release(d *buildertest.Daemon, name string) {
	for _, pid := range sleeping(name) {
		if d == nil || d.Runs(pid) {
			_ = syscall.Kill(pid, syscall.SIGTERM) // it may be gone
		}
	}
}

func waits(d *buildertest.Daemon, name string) bool {
	for _, pid := range sleeping(name) {
		if d.Runs(pid) {
			return true
		}
	}
	return false
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// built is what became of a build, and what it showed.
type built struct {
	digest v1.Hash
	err    error
	shown  string
}

func (b built) runs(name string) int { return strings.Count(b.shown, " running "+name+"\n") }

// build builds the site in a state, in the background.
func (s sharedSite) build(ctx context.Context, t *testing.T, in *state.State) <-chan built {
	t.Helper()
	var shown bytes.Buffer
	display, err := engine.NewDisplay(&shown, "plain")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan built, 1)
	go func() {
		digest, err := builder.Build(ctx, in, s.graph, builder.Options{Base: s.base, Display: display})
		err = errors.Join(err, display.Close())
		done <- built{digest, err, shown.String()}
	}()
	return done
}

// reference is the digest that the embedded BuildKit gives.
func (s sharedSite) reference(t *testing.T) v1.Hash {
	t.Helper()
	f := buildertest.New(t)
	done := s.build(t.Context(), t, f.State)
	for {
		select {
		case b := <-done:
			if b.err != nil {
				t.Fatal(b.err)
			}
			return b.digest
		case <-time.After(50 * time.Millisecond):
			release(nil, "left")
			release(nil, "right")
		}
	}
}

// pair is a state that two builders share, and how far its build is: left waits on the
// first, right on the second.
type pair struct {
	state       *state.State
	left, right *buildertest.Daemon
	done        <-chan built
}

func (s sharedSite) halfway(ctx context.Context, t *testing.T) pair {
	t.Helper()
	one, two := buildertest.Buildkitd(t), buildertest.Buildkitd(t)
	in := buildertest.New(t).State
	in.Use(engine.Builder{URL: one.URL}, engine.Builder{URL: two.URL})
	p := pair{state: in, done: s.build(ctx, t, in)}
	await(t, "left and right wait on a builder each", func() bool {
		switch {
		case waits(one, "left") && waits(two, "right"):
			p.left, p.right = one, two
		case waits(two, "left") && waits(one, "right"):
			p.left, p.right = two, one
		}
		return p.left != nil
	})
	return p
}

func TestSeveralBuilders(t *testing.T) {
	s := newSharedSite(t)
	want := s.reference(t)
	t.Run("share", func(t *testing.T) {
		p := s.halfway(t.Context(), t)
		release(p.left, "left")
		release(p.right, "right")
		b := <-p.done
		wantBuilt(t, b, want, map[string]int{"low": 1, "left": 1, "right": 1, "high": 1})
		for _, d := range []*buildertest.Daemon{p.left, p.right} {
			if !strings.Contains(b.shown, " on builder "+d.URL+"\n") {
				t.Errorf("no step is shown on %s:\n%s", d.URL, b.shown)
			}
			d.Kill()
		}
		// Nothing is left to build: nobody is asked.
		wantBuilt(t, <-s.build(t.Context(), t, p.state), want, map[string]int{})
	})
	t.Run("one is lost", func(t *testing.T) {
		p := s.halfway(t.Context(), t)
		p.left.Kill()
		await(t, "left waits on the other builder", func() bool { return waits(p.right, "left") })
		release(p.right, "left")
		release(p.right, "right")
		b := <-p.done
		wantBuilt(t, b, want, map[string]int{"low": 1, "left": 2, "right": 1, "high": 1})
		if note := "builder " + p.left.URL + " was lost while it built left "; !strings.Contains(b.shown, note) || !strings.Contains(b.shown, "; left goes to another\n") {
			t.Errorf("want a note %q, have\n%s", note, b.shown)
		}
	})
	t.Run("all are lost", func(t *testing.T) {
		p := s.halfway(t.Context(), t)
		p.left.Kill()
		p.right.Kill()
		b := <-p.done
		if b.err == nil || !strings.HasPrefix(b.err.Error(), "no builder is left: ") || strings.Contains(b.err.Error(), "\n") ||
			!strings.Contains(b.err.Error(), p.left.URL+" was lost") || !strings.Contains(b.err.Error(), p.right.URL+" was lost") {
			t.Errorf("got %v, want one line with both builders", b.err)
		}
		p.left.Start(t)
		p.right.Start(t)
		s.finish(t, p, want)
	})
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p := s.halfway(ctx, t)
		cancel()
		if b := <-p.done; !errors.Is(b.err, context.Canceled) {
			t.Errorf("got %v, want that it was cancelled", b.err)
		}
		await(t, "no step runs any more", func() bool { return len(sleeping("left")) == 0 && len(sleeping("right")) == 0 })
		s.finish(t, p, want)
	})
}

// finish builds again, and wants nothing done twice that was done.
func (s sharedSite) finish(t *testing.T, p pair, want v1.Hash) {
	t.Helper()
	done := s.build(t.Context(), t, p.state)
	await(t, "left and right wait again", func() bool {
		return (waits(p.left, "left") || waits(p.right, "left")) && (waits(p.left, "right") || waits(p.right, "right"))
	})
	release(nil, "left")
	release(nil, "right")
	wantBuilt(t, <-done, want, map[string]int{"left": 1, "right": 1, "high": 1})
}

// wantBuilt wants a digest, and how often each stage ran for it.
func wantBuilt(t *testing.T, b built, digest v1.Hash, runs map[string]int) {
	t.Helper()
	if b.err != nil || b.digest != digest {
		t.Fatalf("got %s, %v, want %s; it showed\n%s", b.digest, b.err, digest, b.shown)
	}
	for _, name := range []string{"low", "left", "right", "high"} {
		if got := b.runs(name); got != runs[name] {
			t.Errorf("%s ran %d times, want %d:\n%s", name, got, runs[name], b.shown)
		}
	}
}
