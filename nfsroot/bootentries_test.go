package nfsroot_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/entries"
)

// bootable is a root with a kernel.
func bootable(tag string) [][]entry {
	return [][]entry{{
		file("name", tag), file("boot/vmlinuz-6", "kernel of "+tag), file("boot/initramfs-6.cpio.zst", "initramfs of "+tag),
		dir("usr/lib/modules/6", 0o755),
	}}
}

// siteIn has entries in DIR/tftp; the store is DIR/roots.
func siteIn(dir string) entries.Site {
	return entries.Site{
		TFTP: filepath.Join(dir, "tftp"), Server: "192.0.2.1", Export: "/diskless/nfsroot",
		Loaders: entries.AllLoaders, Templates: entries.SiteTemplates,
	}
}

// storeWithEntries makes a store with the roots a, b and c, of which a is current, and
// the group compute, which has b.
func storeWithEntries(t testing.TB, dir string) *nfsroot.Store {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "tftp"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := open(t, filepath.Join(dir, "roots"))
	for _, tag := range []string{"a", "b", "c"} {
		img, err := imageOf(bootable(tag))
		if err != nil {
			t.Fatal(err)
		}
		mustUnpack(t, s, tag, img)
	}
	switchTo(t, s, "a")
	err := s.ConfigureEntries(t.Context(), siteIn(dir))
	if err == nil {
		err = s.DefineGroup(t.Context(), entries.Group{Name: "compute", MACs: []string{"52:54:00:00:01:[06-08]"}})
	}
	if err == nil {
		err = s.SetGroup(t.Context(), "compute", "b")
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// entered returns the tags that loaders get by each entry, and wants each entry to be
// whole: kernel, initramfs and command line of one root that is there.
func entered(t *testing.T, dir string) map[string]string {
	t.Helper()
	links, err := entries.Links(filepath.Join(dir, "tftp"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tag := range links {
		at := filepath.Join(dir, "tftp/rootbuild", strings.Replace(name, "group ", "group-", 1))
		for file, want := range map[string]string{
			"vmlinuz": "kernel of " + tag, "initramfs.cpio.zst": "initramfs of " + tag,
			"pxelinux.cfg": "/diskless/nfsroot/" + tag + " ", "grub.cfg": "/diskless/nfsroot/" + tag + " ", "boot.ipxe": "/diskless/nfsroot/" + tag + " ",
		} {
			text, err := os.ReadFile(filepath.Join(at, file))
			if err != nil || !strings.Contains(string(text), want) {
				t.Errorf("entry %s: %s has no %q: %v", name, file, want, err)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "roots", tag, "name")); err != nil {
			t.Errorf("entry %s: %v", name, err)
		}
	}
	return links
}

func wantEntered(t *testing.T, dir, when string, want map[string]string) {
	t.Helper()
	equal(t, "entries "+when, entered(t, dir), want)
}

func TestEntriesFollow(t *testing.T) {
	dir := t.TempDir()
	s := storeWithEntries(t, dir)
	wantEntered(t, dir, "at first", map[string]string{"default": "a", "group compute": "b"})
	switchTo(t, s, "c")
	wantEntered(t, dir, "after a switch", map[string]string{"default": "c", "group compute": "b"})
	rollBack(t, s, "a")
	wantEntered(t, dir, "after a rollback", map[string]string{"default": "a", "group compute": "b"})
	if err := s.SetGroup(t.Context(), "compute", ""); err != nil {
		t.Fatal(err)
	}
	wantEntered(t, dir, "of a group without a root", map[string]string{"default": "a"})
	history, err := s.Switches()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, l := range history {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s -> %s", l.Group, l.From, l.To)))
		if l.Void {
			t.Errorf("%v is void", l)
		}
	}
	equal(t, "journal", lines, []string{"-> a", "compute  -> b", "a -> c", "c -> a", "compute b ->"})
	cannotRollBackTo(t, s, "b")
	if err := s.EndEntries(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Join(dir, "tftp/rootbuild"))
	if !os.IsNotExist(err) {
		t.Errorf("after the end there are %v, %v", left, err)
	}
}

// cannotRollBackTo fails if the root of a group were one to go back to.
func cannotRollBackTo(t *testing.T, s *nfsroot.Store, tag string) {
	t.Helper()
	if previous, err := s.Previous(); err != nil || previous == tag {
		t.Errorf("rollback would go to %q, %v", previous, err)
	}
}

// What an entry names stays; what none names goes with its kernel.
func TestEntriesKeepRoots(t *testing.T) {
	dir := t.TempDir()
	s := storeWithEntries(t, dir)
	err := s.Remove(t.Context(), []string{"b"}, nfsroot.Sources{})
	if err == nil || !strings.Contains(err.Error(), "root b stays: boot entry: group compute") {
		t.Errorf("removing the root of a group: %v", err)
	}
	plan, err := s.Collect(t.Context(), in(hours, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range plan.Roots {
		var kept []string
		for _, reason := range r.Kept {
			kept = append(kept, reason.String())
		}
		equal(t, "why "+r.Tag+" stays", strings.Join(kept, "; "), map[string]string{
			"a": "current; boot entry: default", "b": "boot entry: group compute", "c": "",
		}[r.Tag])
	}
	if left, err := filepath.Glob(filepath.Join(dir, "tftp/rootbuild/*@*")); err != nil || len(left) != 2 {
		t.Errorf("in the TFTP directory are %v, %v", left, err)
	}
	// The menu is not what keeps a root, nor boot configuration beside what is rootbuild's.
	if err := os.WriteFile(filepath.Join(dir, "tftp/local.cfg"), []byte("nfsroot=192.0.2.1:/x/b"), 0o644); err != nil {
		t.Fatal(err)
	}
	plan, err = s.Plan(nfsroot.Policy{Sources: nfsroot.Sources{PXE: filepath.Join(dir, "tftp")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range plan.Roots {
		if want := map[string]int{"a": 0, "b": 1}[r.Tag]; len(r.Uses) != want {
			t.Errorf("%s is named by %v", r.Tag, r.Uses)
		}
	}
}

// A kill between current and the entry leaves both whole, keeps both roots, and is
// mended by whoever opens the store.
func TestEntriesMended(t *testing.T) {
	dir := t.TempDir()
	s := storeWithEntries(t, dir)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	current := filepath.Join(dir, "roots/current")
	if err := errors.Join(os.Remove(current), os.Symlink("c", current)); err != nil {
		t.Fatal(err)
	}
	view, err := nfsroot.OpenReadOnly(filepath.Join(dir, "roots"))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := view.Plan(nfsroot.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range plan.Roots {
		if len(r.Kept) == 0 {
			t.Errorf("%s would go", r.Tag)
		}
	}
	s = open(t, filepath.Join(dir, "roots"))
	wantEntered(t, dir, "after the next open", map[string]string{"default": "c", "group compute": "b"})
	// What no entry can name is a person's to mend, and a switch is how.
	if err := errors.Join(s.Close(), os.Remove(current), os.Symlink("/elsewhere", current)); err != nil {
		t.Fatal(err)
	}
	s = open(t, filepath.Join(dir, "roots"))
	wantEntered(t, dir, "after a hand", map[string]string{"default": "c", "group compute": "b"})
	switchTo(t, s, "b")
	wantEntered(t, dir, "after a switch", map[string]string{"default": "b", "group compute": "b"})
}

// A TFTP directory that is not there keeps everything as it is, but for the end of
// entries.
func TestEntriesDirectoryGone(t *testing.T) {
	dir := t.TempDir()
	s := storeWithEntries(t, dir)
	if err := errors.Join(s.Close(), os.Rename(filepath.Join(dir, "tftp"), filepath.Join(dir, "away"))); err != nil {
		t.Fatal(err)
	}
	if err := nfsroot.Check(s.Dir()); err == nil || !strings.Contains(err.Error(), "rootbuild entries off") {
		t.Errorf("checking: %v", err)
	}
	var notes []string
	s, err := nfsroot.Open(s.Dir(), nfsroot.Options{Note: func(text string) { notes = append(notes, text) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if len(notes) != 1 || !strings.Contains(notes[0], "no such file or directory") {
		t.Errorf("it says %q", notes)
	}
	before := treeOf(t, dir)
	for name, err := range map[string]error{
		"switch": s.Switch(t.Context(), "c"), "remove": s.Remove(t.Context(), []string{"c"}, nfsroot.Sources{}), "set": s.SetGroup(t.Context(), "compute", "c"),
	} {
		if err == nil || !strings.Contains(err.Error(), "make it, mount it, or name another") {
			t.Errorf("%s: %v", name, err)
		}
	}
	equal(t, "store", treeOf(t, dir), before)
	if err := s.EndEntries(); err != nil {
		t.Fatal(err)
	}
	switchTo(t, s, "c")
}

func TestEntriesRefuse(t *testing.T) {
	dir := t.TempDir()
	s := storeWithEntries(t, dir)
	mustUnpack(t, s, "bare", image(t, []entry{file("name", "bare")}))
	for name, c := range map[string]struct {
		do   func() error
		want string
	}{
		"a switch to no kernel": {func() error { return s.Switch(t.Context(), "bare") }, "the root brings no kernel"},
		"a group of no kernel":  {func() error { return s.SetGroup(t.Context(), "compute", "bare") }, "root bare can be no boot entry (group compute): the root brings no kernel"},
		"an unknown tag":        {func() error { return s.SetGroup(t.Context(), "compute", "bar") }, `did you mean "bare"?`},
		"an unknown group":      {func() error { return s.SetGroup(t.Context(), "conpute", "a") }, `did you mean "compute"?`},
		"a node of two groups": {func() error {
			return s.DefineGroup(t.Context(), entries.Group{Name: "login", MACs: []string{"52:54:00:00:01:07"}})
		}, "node 52:54:00:00:01:07 is in group compute and in group login"},
		"a directory that is not there": {func() error {
			site := siteIn(dir)
			site.TFTP += "/none"
			return s.ConfigureEntries(t.Context(), site)
		}, "no such file or directory: make it"},
	} {
		before := treeOf(t, dir)
		if err := c.do(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		equal(t, "after "+name, treeOf(t, dir), before)
	}
	other := twoRoots(t, t.TempDir())
	if err := other.SetGroup(t.Context(), "compute", "a"); !errors.Is(err, nfsroot.ErrNoEntries) {
		t.Errorf("a group without entries: %v", err)
	}
}

// entryChanges are what changes boot entries, and what entries name afterwards.
var entryChanges = map[string]struct {
	do      func(s *nfsroot.Store) error
	calls   string
	current string
	entries map[string]string
}{
	"switch": {
		func(s *nfsroot.Store) error { return s.Switch(context.Background(), "c") },
		"pwrite64 fsync syncfs symlinkat renameat unlinkat", "c", map[string]string{"default": "c", "group compute": "b"},
	},
	"set": {
		func(s *nfsroot.Store) error { return s.SetGroup(context.Background(), "compute", "c") },
		"pwrite64 fsync symlinkat renameat", "a", map[string]string{"default": "a", "group compute": "c"},
	},
	"define": {
		func(s *nfsroot.Store) error {
			return s.DefineGroup(context.Background(), entries.Group{Name: "compute", MACs: []string{"52:54:00:00:02:01"}})
		},
		"write renameat unlinkat", "a", map[string]string{"default": "a", "group compute": "b"},
	},
	"configure": {
		func(s *nfsroot.Store) error {
			site := siteIn(filepath.Dir(s.Dir()))
			site.Words = []string{"quiet"}
			return s.ConfigureEntries(context.Background(), site)
		},
		"syncfs renameat", "a", map[string]string{"default": "a", "group compute": "b"},
	},
	"remove a root": {
		func(s *nfsroot.Store) error {
			err := s.Remove(context.Background(), []string{"c"}, nfsroot.Sources{})
			if errors.Is(err, nfsroot.ErrNoRoot) {
				return nil // the run that was killed had done it
			}
			return err
		},
		"fsync renameat renameat2 unlinkat", "a", map[string]string{"default": "a", "group compute": "b"},
	},
}

func changeEntries(name string) func(dir string) error {
	return func(dir string) error {
		s, err := nfsroot.Open(filepath.Join(dir, "roots"), nfsroot.Options{})
		if err != nil {
			return err
		}
		return errors.Join(entryChanges[name].do(s), s.Close())
	}
}

// TestEntriesKilled ends each change of boot entries at each system call by which it
// changes the disk, and fails each of them.
func TestEntriesKilled(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace")
	}
	if testing.Short() {
		t.Skip("kills hundreds of processes")
	}
	made := mountTmpfs(t, "size=64m")
	if err := storeWithEntries(t, filepath.Join(made, "before")).Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range entryChanges {
		for call := range strings.FieldsSeq(c.calls) {
			for _, fault := range []string{"signal=KILL", "error=EIO"} {
				t.Run(name+"/"+call+"/"+fault, func(t *testing.T) {
					for n := 1; ; n++ {
						dir := filepath.Join(made, "run")
						if out, err := exec.Command("sh", "-c", `rm -rf "$1" && cp -a "$2" "$1"`, "-", dir, filepath.Join(made, "before")).CombinedOutput(); err != nil {
							t.Fatalf("%v: %s", err, out)
						}
						rename(t, dir)
						cmd := child(t, "entries "+name, dir)
						cmd.Args = append([]string{strace, "-f", "-qq", "-o", "/dev/null",
							"-e", fmt.Sprintf("inject=%s:%s:when=%d", call, fault, n), "--", cmd.Path}, cmd.Args[1:]...)
						cmd.Path = strace
						out, err := cmd.CombinedOutput()
						checkEntries(t, dir, name, err == nil)
						if err == nil || t.Failed() {
							t.Logf("%d faults: %v: %s", n-1, err, out)
							if n == 1 && fault == "signal=KILL" {
								t.Error("the call was never made")
							}
							return
						}
						if n > 200 {
							t.Fatalf("fault %d: %v: %s", n, err, out)
						}
					}
				})
			}
		}
	}
}

// rename has a copied store be the one that its entries belong to.
func rename(t *testing.T, dir string) {
	t.Helper()
	before := filepath.Join(filepath.Dir(dir), "before")
	for _, file := range []string{"tftp/rootbuild/state.json", "roots/.rootbuild/entries.json"} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file), []byte(strings.ReplaceAll(string(text), before, dir)), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// The stamp is of the names, too.
	if err := open(t, filepath.Join(dir, "roots")).Close(); err != nil {
		t.Fatal(err)
	}
}

// checkEntries holds entries to their invariants as a fault left them, and after the
// next open, and makes the change again, which has to come to its end.
func checkEntries(t *testing.T, dir, name string, done bool) {
	t.Helper()
	c := entryChanges[name]
	before := map[string]string{"default": "a", "group compute": "b"}
	for entry, tag := range entered(t, dir) {
		if tag != before[entry] && tag != c.entries[entry] {
			t.Errorf("the entry of %s names %s", entry, tag)
		}
	}
	if done {
		wantEntered(t, dir, "after success", c.entries)
	}
	s := open(t, filepath.Join(dir, "roots"))
	current, err := s.Current()
	if err != nil || current != "a" && current != c.current {
		t.Errorf("current -> %q, %v", current, err)
	}
	list, err := s.Entries()
	if err != nil {
		t.Error(err)
	}
	for _, e := range list.Entries {
		if e.Problem != "" {
			t.Errorf("after the next open: %+v", e)
		}
	}
	if names := entered(t, dir); names["default"] != current || names["group compute"] == "" {
		t.Errorf("after the next open current is %s, and the entries are %v", current, names)
	}
	if err := c.do(s); err != nil {
		t.Errorf("again: %v", err)
	}
	wantEntered(t, dir, "at the end", c.entries)
	if left, err := filepath.Glob(filepath.Join(dir, "tftp/rootbuild/.staging")); err != nil || len(left) > 0 {
		t.Errorf("at the end there is %v, %v", left, err)
	}
	roots, _ := tags(t, s)
	if slices.Contains(roots, "c") == (name == "remove a root") {
		t.Errorf("at the end there are the roots %v", roots)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
