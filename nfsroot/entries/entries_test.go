package entries_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot/entries"
)

const version = "6.12.1-rootbuild"

// newSet returns a set with the roots one and two, of which nodes get one.
func newSet(t *testing.T) entries.Set {
	t.Helper()
	dir := t.TempDir()
	set := entries.Set{
		Store: filepath.Join(dir, "roots"), Default: "one",
		Site: entries.Site{
			TFTP: filepath.Join(dir, "tftp"), Server: "192.0.2.1", Export: "/diskless/nfsroot", Words: []string{"console=ttyS0"},
			Loaders: entries.AllLoaders, Templates: filepath.Join(dir, "templates"),
		},
	}
	for _, d := range []string{set.Site.TFTP, set.Site.Templates} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for i, tag := range []string{"one", "two"} {
		root := entries.Root{Tag: tag, Digest: strings.Repeat(fmt.Sprint(i+1), 64), Dir: filepath.Join(set.Store, tag)}
		write(t, root.Dir, map[string]string{
			"boot/vmlinuz-" + version: "kernel of " + tag, "boot/initramfs-" + version + ".cpio.zst": "initramfs of " + tag,
			"usr/lib/modules/" + version + "/modules.dep": "",
		})
		set.Roots = append(set.Roots, root)
	}
	return set
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func apply(t *testing.T, set entries.Set) *entries.Pending {
	t.Helper()
	p, err := set.Prepare(context.Background())
	if err == nil {
		err = p.Commit()
	}
	if err != nil {
		t.Fatal(err)
	}
	if agrees, err := set.Agrees(); err != nil || !agrees {
		t.Errorf("what was written agrees with the set: %v, %v", agrees, err)
	}
	return p
}

// tree returns what lies below dir: the text of a file, or where a symlink leads.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			to, err := os.Readlink(path)
			all[name] = "-> " + to
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() > 1<<20 {
			all[name] = fmt.Sprintf("%d bytes", info.Size())
			return nil
		}
		text, err := os.ReadFile(path)
		all[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// names are the paths of a tree, sorted.
func names(tree map[string]string) []string {
	var list []string
	for name, text := range tree {
		if strings.HasPrefix(text, "-> ") {
			name += " " + text
		}
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func TestWrite(t *testing.T) {
	set := newSet(t)
	set.Groups = []entries.Group{
		{Name: "compute", MACs: []string{"52:54:00:00:01:[09-0b]"}, UUIDs: []string{"4C4C4544-0031-4A10-8042-B7C04F4A3003"}, Tag: "two"},
		{Name: "undecided", MACs: []string{"52-54-00-00-02-01"}},
	}
	apply(t, set)
	have := tree(t, set.Site.TFTP)
	want := []string{
		"boot.ipxe", "grub/grub.cfg",
		"pxelinux.cfg/01-52-54-00-00-01-09", "pxelinux.cfg/01-52-54-00-00-01-0a", "pxelinux.cfg/01-52-54-00-00-01-0b",
		"pxelinux.cfg/44454c4c-3100-104a-8042-b7c04f4a3003", "pxelinux.cfg/4c4c4544-0031-4a10-8042-b7c04f4a3003", "pxelinux.cfg/default",
		"rootbuild/default -> one@111111111111", "rootbuild/group-compute -> two@222222222222",
		"rootbuild/menu/boot.ipxe", "rootbuild/menu/grub.cfg", "rootbuild/menu/pxelinux.cfg",
	}
	for _, root := range []string{"one@111111111111", "two@222222222222"} {
		for _, file := range []string{"boot.ipxe", "grub.cfg", "initramfs.cpio.zst", "pxelinux.cfg", "vmlinuz"} {
			want = append(want, "rootbuild/"+root+"/"+file)
		}
	}
	want = append(want, "rootbuild/state.json")
	slices.Sort(want)
	if diff := cmp.Diff(want, names(have)); diff != "" {
		t.Errorf("names: %s", diff)
	}
	for file, part := range map[string]string{
		"rootbuild/one@111111111111/vmlinuz":      "kernel of one",
		"rootbuild/two@222222222222/pxelinux.cfg": "LINUX rootbuild/two@222222222222/vmlinuz\n",
		"rootbuild/two@222222222222/grub.cfg":     "initrd /rootbuild/two@222222222222/initramfs.cpio.zst",
		"rootbuild/one@111111111111/boot.ipxe":    "kernel ../one@111111111111/vmlinuz initrd=initramfs.cpio.zst ip=dhcp nfsroot=192.0.2.1:/diskless/nfsroot/one rootbuild.tag=one rootbuild.digest=sha256:" + strings.Repeat("1", 64) + " console=ttyS0 BOOTIF=",
		"pxelinux.cfg/01-52-54-00-00-01-0a":       "INCLUDE rootbuild/group-compute/pxelinux.cfg\n",
		"pxelinux.cfg/default":                    "INCLUDE rootbuild/default/pxelinux.cfg\n",
		"grub/grub.cfg":                           "for mac in 52:54:00:00:01:09 52:54:00:00:01:0a 52:54:00:00:01:0b; do\n\tif [ \"$mac\" = \"$net_default_mac\" ]; then set entry=rootbuild/group-compute; fi",
		"boot.ipxe":                               "iseq ${netX/mac} 52:54:00:00:01:0a && set entry rootbuild/group-compute && goto found ||\n",
	} {
		if !strings.Contains(have[file], part) {
			t.Errorf("%s has no %q:\n%s", file, part, have[file])
		}
	}
	// No first file names a root: which one it is is a symlink.
	for file, text := range have {
		if !strings.HasPrefix(file, "rootbuild/") && (strings.Contains(text, "/one") || strings.Contains(text, "/two")) {
			t.Errorf("%s names a root:\n%s", file, text)
		}
	}
	if strings.Contains(have["boot.ipxe"], "02:01") {
		t.Error("a group without a root is among the entries")
	}
}

// Each change leaves what it does not concern, and nothing of what is gone.
func TestChange(t *testing.T) {
	set := newSet(t)
	apply(t, set)
	before := tree(t, set.Site.TFTP)
	set.Default = "two"
	apply(t, set)
	after := tree(t, set.Site.TFTP)
	delete(before, "rootbuild/state.json")
	delete(after, "rootbuild/state.json")
	before["rootbuild/default"] = "-> two@222222222222"
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("more than the default changed: %s", diff)
	}
	set.Groups = []entries.Group{{Name: "compute", MACs: []string{"52:54:00:00:01:01"}, Tag: "two"}}
	apply(t, set)
	set.Groups, set.Roots = nil, set.Roots[1:]
	apply(t, set)
	for name := range tree(t, set.Site.TFTP) {
		if strings.Contains(name, "one@") || strings.Contains(name, "compute") || strings.Contains(name, "01-52") {
			t.Errorf("%s is still there", name)
		}
	}
	set.Site.Loaders = []string{entries.GRUB}
	apply(t, set)
	want := []string{
		"grub/grub.cfg", "rootbuild/default -> two@222222222222", "rootbuild/menu/grub.cfg", "rootbuild/state.json",
		"rootbuild/two@222222222222/boot.ipxe", "rootbuild/two@222222222222/grub.cfg", "rootbuild/two@222222222222/initramfs.cpio.zst",
		"rootbuild/two@222222222222/pxelinux.cfg", "rootbuild/two@222222222222/vmlinuz",
	}
	if diff := cmp.Diff(want, names(tree(t, set.Site.TFTP))); diff != "" {
		t.Errorf("with GRUB alone: %s", diff)
	}
	if err := entries.Remove(set.Site.TFTP, set.Store); err != nil {
		t.Fatal(err)
	}
	if left := tree(t, set.Site.TFTP); len(left) > 0 {
		t.Errorf("removed, and there is %q", names(left))
	}
}

// The kernel of a root is the file itself, where that can be, and never one that
// servers cannot read.
func TestPublish(t *testing.T) {
	set := newSet(t)
	secret := filepath.Join(set.Roots[0].Dir, "boot/initramfs-"+version+".cpio.zst")
	if err := os.Chmod(secret, 0o600); err != nil {
		t.Fatal(err)
	}
	apply(t, set)
	inode := func(path string) uint64 {
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err != nil {
			t.Fatal(err)
		}
		return st.Ino
	}
	at := filepath.Join(set.Site.TFTP, "rootbuild/one@111111111111")
	if inode(at+"/vmlinuz") != inode(filepath.Join(set.Roots[0].Dir, "boot/vmlinuz-"+version)) {
		t.Error("the kernel on the same file system is no link")
	}
	if inode(at+"/initramfs.cpio.zst") == inode(secret) {
		t.Error("a file that only its owner may read is linked")
	}
	if info, err := os.Stat(at + "/initramfs.cpio.zst"); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the copy: %v, %v", info.Mode(), err)
	}
	// What is lost of a directory comes back.
	if err := os.Remove(at + "/vmlinuz"); err != nil {
		t.Fatal(err)
	}
	apply(t, set)
	if text, err := os.ReadFile(at + "/vmlinuz"); err != nil || string(text) != "kernel of one" {
		t.Errorf("after it was lost: %q, %v", text, err)
	}
}

// A large initramfs is told of once, when it comes.
func TestLarge(t *testing.T) {
	set := newSet(t)
	if err := os.Truncate(filepath.Join(set.Roots[1].Dir, "boot/initramfs-"+version+".cpio.zst"), 100<<20); err != nil {
		t.Fatal(err)
	}
	p := apply(t, set)
	if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "root two: boot/initramfs-"+version+".cpio.zst has 100 MiB") {
		t.Errorf("it warns %q", p.Warnings)
	}
	if p := apply(t, set); len(p.Warnings) > 0 {
		t.Errorf("it warns again %q", p.Warnings)
	}
}

// On another file system there are copies. One that is full is told, and left as it was.
func TestOtherFileSystem(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	set := newSet(t)
	if err := unix.Mount("tmpfs", set.Site.TFTP, "tmpfs", 0, "mode=755,size=256k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(set.Site.TFTP, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	kernel := filepath.Join(set.Roots[1].Dir, "boot/vmlinuz-"+version)
	if err := os.WriteFile(kernel, make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, set, "no space left on device: free some space there")
	one := set
	one.Roots = set.Roots[:1]
	apply(t, one)
	wantRefused(t, set, "no space left on device: free some space there")
	if agrees, err := one.Agrees(); err != nil || !agrees {
		t.Errorf("after a refusal: %v, %v", agrees, err)
	}
}

// wantRefused wants an error with these words, and everything as it was.
func wantRefused(t *testing.T, set entries.Set, words string) {
	t.Helper()
	before := tree(t, filepath.Dir(set.Store))
	_, err := set.Prepare(context.Background())
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("got %v, want %q", err, words)
	}
	if diff := cmp.Diff(before, tree(t, filepath.Dir(set.Store))); diff != "" {
		t.Errorf("refused (%s), and changed: %s", words, diff)
	}
}

func TestRefuses(t *testing.T) {
	boot := func(tag, file string) string { return filepath.Join("roots", tag, "boot", file) }
	for name, c := range map[string]struct {
		files  map[string]string // written beside
		remove string
		do     func(t *testing.T, s *entries.Set)
		want   string
	}{
		"no directory":      {do: func(_ *testing.T, s *entries.Set) { s.Site.TFTP += "/none" }, want: "no such file or directory: make it, mount it, or name another"},
		"in the store":      {do: func(_ *testing.T, s *entries.Set) { s.Site.TFTP = s.Roots[0].Dir }, want: "lies in the directory of node roots"},
		"others write":      {do: func(t *testing.T, s *entries.Set) { chmod(t, s.Site.TFTP, 0o777) }, want: "can be written by everybody"},
		"a link":            {do: func(t *testing.T, s *entries.Set) { link(t, "/etc", s.Site.TFTP+"/rootbuild") }, want: "not a directory"},
		"a site's file":     {files: map[string]string{"tftp/pxelinux.cfg/default": "DEFAULT local\n"}, want: "tftp/pxelinux.cfg/default is not rootbuild's: move it away"},
		"a site's own":      {files: map[string]string{"tftp/rootbuild/notes": "mine"}, want: "tftp/rootbuild is not rootbuild's"},
		"another store's":   {files: map[string]string{"tftp/rootbuild/state.json": `{"nfsroot":"/other"}`}, want: "holds the boot entries of the node roots in /other"},
		"no kernel":         {remove: boot("one", "vmlinuz-"+version), want: "root one can be no boot entry (default): the root brings no kernel: /boot has no vmlinuz-VERSION"},
		"two kernels":       {files: map[string]string{boot("one", "vmlinuz-5"): ""}, want: "the root brings 2 kernels, and a node boots one: /boot/vmlinuz-5, /boot/vmlinuz-" + version},
		"no initramfs":      {remove: boot("one", "initramfs-"+version+".cpio.zst"), want: "has no initramfs beside it: want /boot/initramfs-" + version},
		"other modules":     {remove: "roots/one/usr/lib/modules/" + version, files: map[string]string{"roots/one/usr/lib/modules/5/x": ""}, want: "and the modules in /usr/lib/modules are of 5"},
		"a kernel's link":   {do: func(t *testing.T, s *entries.Set) { relink(t, s.Roots[0].Dir+"/boot/vmlinuz-"+version) }, want: "is a symlink, not a regular file"},
		"a huge initramfs":  {do: func(t *testing.T, s *entries.Set) { enlarge(t, s.Roots[0].Dir+"/boot/initramfs-"+version+".cpio.zst") }, want: "has 1025 MiB, and boot loaders take 1024 at most"},
		"unknown default":   {do: func(_ *testing.T, s *entries.Set) { s.Default = "three" }, want: "the entry of default: three is none of the roots"},
		"template's syntax": {files: map[string]string{"templates/grub.tmpl": "\n{{if}}"}, want: "templates/grub.tmpl:2: missing value for if"},
		"template's field":  {files: map[string]string{"templates/ipxe.tmpl": `{{define "top"}}{{end}}{{define "menu"}}{{end}}{{define "root"}}` + "\n{{.Gone}}{{end}}"}, want: "templates/ipxe.tmpl:2:2: executing \"root\" at <.Gone>"},
		"template's parts":  {files: map[string]string{"templates/ipxe.tmpl": "x"}, want: `templates/ipxe.tmpl:1: it defines no template "top"`},
		"no templates":      {do: func(_ *testing.T, s *entries.Set) { s.Site.Templates += "/none" }, want: "reading templates: stat"},
		"a word":            {do: func(_ *testing.T, s *entries.Set) { s.Site.Words = []string{"a b"} }, want: `word "a b"`},
		"many words":        {do: func(_ *testing.T, s *entries.Set) { s.Site.Words = []string{strings.Repeat("x", 2000)} }, want: "and a kernel reads 2047: give it fewer words"},
		"a loader":          {do: func(_ *testing.T, s *entries.Set) { s.Site.Loaders = []string{"lilo"} }, want: `boot loader "lilo": want one of grub, ipxe, pxelinux`},
	} {
		t.Run(name, func(t *testing.T) {
			set := newSet(t)
			top := filepath.Dir(set.Store)
			if c.remove != "" {
				if err := os.RemoveAll(filepath.Join(top, c.remove)); err != nil {
					t.Fatal(err)
				}
			}
			write(t, top, c.files)
			if c.do != nil {
				c.do(t, &set)
			}
			wantRefused(t, set, c.want)
		})
	}
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}

// relink puts a symlink in the place of a file.
func relink(t *testing.T, path string) {
	t.Helper()
	if err := os.Rename(path, path+".real"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".real", filepath.Join(filepath.Dir(path), "real")); err != nil {
		t.Fatal(err)
	}
	link(t, "real", path)
}

func enlarge(t *testing.T, path string) {
	t.Helper()
	if err := os.Truncate(path, 1025<<20); err != nil {
		t.Fatal(err)
	}
}
