package main

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/entries"
)

// The suite of hack/test-crash is these tests with other numbers.
var (
	faultsEvery = flag.Int("faults-every", 151, "strike only every n-th call of a command, for each fault")
	kills       = flag.Int("kills", 12, "how often a command is killed at a random time")
)

// TestStruckAtCalls has whole commands meet each fault at each of their system
// calls that change a disk.
func TestStruckAtCalls(t *testing.T) {
	total := map[string]int{}
	for _, v := range newVictims(t) {
		before := v.prepare(t)
		for i, f := range faults {
			t.Run(v.name+"/"+f.name, func(t *testing.T) {
				runs := 0
				// Other faults begin elsewhere, so that a sample has more calls.
				for at := i * *faultsEvery / len(faults); ; at += *faultsEvery {
					dir := copyOf(t, before)
					s := f.strike(t, dir, at, fill(v.args, dir))
					if v.check(t, dir, s, s.at == ""); t.Failed() {
						t.Fatalf("%s at call %d (%s) of %q; it said: %s", f.name, at+1, s.at, v.args, s.said)
					}
					if s.at == "" {
						t.Logf("%d of %d calls", runs, s.calls)
						break
					}
					runs++
				}
				total[f.name] += runs
			})
		}
	}
	for _, f := range faults {
		t.Logf("%5d times %s", total[f.name], f.name)
	}
}

// TestKilledAtRandom kills whole commands at random times.
func TestKilledAtRandom(t *testing.T) {
	list := newVictims(t)
	random := rand.New(rand.NewPCG(uint64(os.Getpid()), 0))
	ended := 0
	for i, v := range list {
		before := v.prepare(t)
		dir := copyOf(t, before)
		began := time.Now()
		if out, err := exec.Command("rootbuild", fill(v.args, dir)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		whole := time.Since(began)
		for range (*kills + i) / len(list) {
			dir := copyOf(t, before)
			cmd := exec.Command("rootbuild", fill(v.args, dir)...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			at := time.Duration(random.Int64N(int64(whole)))
			time.Sleep(at)
			_ = cmd.Process.Kill() // it may have ended by itself
			ok := cmd.Wait() == nil
			if ok {
				ended++
			}
			if v.check(t, dir, struck{ok: ok, killed: !ok}, ok); t.Failed() {
				t.Fatalf("%s, killed after %s", v.name, at)
			}
		}
	}
	t.Logf("%d kills at random times, of which %d came when the command had ended", *kills, ended)
}

func newVictims(t *testing.T) []victim {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("files of several owners need root")
	}
	from := t.TempDir()
	return victims(from, siteImages(t, from))
}

// check holds the stores to their promises as a fault left them, runs what a
// user runs next, and holds them to their promises again. What told success,
// whole or after a fault, must have come to its end.
func (v victim) check(t *testing.T, dir string, s struck, whole bool) {
	t.Helper()
	roots := filepath.Join(dir, "roots")
	done := v.checkRoots(t, roots)
	switch {
	case whole && !s.ok:
		t.Error("it failed, and met no fault")
	case s.ok && !done:
		t.Error("it told success, and did not do it")
	case s.ok && slices.ContainsFunc(syncs, func(call string) bool { return strings.HasPrefix(s.at, call+" ") }):
		t.Errorf("it told success, and %s did not come about", s.at)
	case !s.ok && s.said == "" && !s.killed:
		t.Error("it failed, and did not say so")
	}
	args := v.args
	if v.again != nil {
		args = v.again
	}
	if out, err := exec.Command("rootbuild", fill(args, dir)...).CombinedOutput(); err != nil {
		t.Errorf("the next run: %v: %s", err, out)
	}
	if !v.checkRoots(t, roots) {
		t.Error("the next run did not do it")
	}
	for _, left := range []string{"roots/.rootbuild/staging", "state/images/partial"} {
		if list, err := os.ReadDir(filepath.Join(dir, left)); err == nil && len(list) > 0 {
			t.Errorf("%s has %v after the next run", left, list)
		}
	}
}

// checkRoots holds each root to its image, current to a root, and says whether
// the command has done its work.
func (v victim) checkRoots(t *testing.T, dir string) (done bool) {
	t.Helper()
	there, current := wholeRoots(t, dir)
	for _, tag := range v.keeps {
		if !slices.Contains(there, tag) {
			t.Errorf("root %s is gone", tag)
		}
	}
	for _, tag := range there {
		if !slices.Contains(v.keeps, tag) && tag != v.makes && !slices.Contains(v.takes, tag) {
			t.Errorf("%s came to be", tag)
		}
	}
	if current != v.from && current != v.to {
		t.Errorf("current names %q: it named %q, and %q was to come", current, v.from, v.to)
	}
	booted := v.checkEntry(t, filepath.Dir(dir), dir)
	gone := !slices.ContainsFunc(v.takes, func(tag string) bool { return slices.Contains(there, tag) })
	return current == v.to && booted && gone && (v.makes == "" || slices.Contains(there, v.makes))
}

// checkEntry wants the default entry, if there is one, to be of the root that current
// named or that it is to name, and says whether it is the latter.
func (v victim) checkEntry(t *testing.T, tftp, store string) (done bool) {
	t.Helper()
	tag := wholeEntry(t, tftp, store)
	if tag != "" && tag != v.from && tag != v.to {
		t.Errorf("the default entry is of %q: current named %q, and %q was to come", tag, v.from, v.to)
	}
	return !v.boots || tag == v.to
}

// wholeEntry returns the root of the default entry, or "". It wants the entry to have
// the kernel of that root, and to pin it.
func wholeEntry(t *testing.T, tftp, store string) (tag string) {
	t.Helper()
	links, err := entries.Links(tftp)
	if err != nil {
		t.Error(err)
	}
	tag, ok := links["default"]
	if !ok {
		return ""
	}
	at := filepath.Join(tftp, "rootbuild", "default")
	for file, from := range map[string]string{"vmlinuz": "boot/vmlinuz-1", "initramfs.cpio.zst": "boot/initramfs-1.cpio.zst"} {
		want, err := os.ReadFile(filepath.Join(store, tag, from))
		if err != nil {
			t.Error(err)
		}
		if have, err := os.ReadFile(filepath.Join(at, file)); err != nil || !bytes.Equal(have, want) {
			t.Errorf("the entry of %s has not its %s: %v", tag, file, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(at, "pxelinux.cfg")); err != nil || !strings.Contains(string(text), "/"+tag+" rootbuild.tag="+tag+" ") {
		t.Errorf("the entry of %s does not pin it: %v: %s", tag, err, text)
	}
	return tag
}

// wholeRoots returns the roots of a store, and what current names; both may be absent
// at first. It wants each root to be as its image, every file, and current to name one.
func wholeRoots(t *testing.T, dir string) (there []string, current string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		tag := e.Name()
		if tag == "current" || tag == ".rootbuild" {
			continue
		}
		there = append(there, tag)
		view, err := nfsroot.OpenReadOnly(dir)
		if err != nil {
			t.Fatal(err)
		}
		found, err := view.Check(t.Context(), tag)
		if err != nil || len(found) > 0 {
			t.Errorf("root %s: %v, %v", tag, found, err)
		}
	}
	current, err = os.Readlink(filepath.Join(dir, "current"))
	if err != nil && !os.IsNotExist(err) {
		t.Error(err)
	}
	if current != "" && !slices.Contains(there, current) {
		t.Errorf("current names %q, and there is %q", current, there)
	}
	return there, current
}
