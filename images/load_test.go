package images_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rootbuild/rootbuild/images"
)

var update = flag.Bool("update", false, "write what the tests see into testdata")

// cases runs a test for each archive of testdata/NAME in a directory that holds
// the archive's files, and compares what it returns with the archive's "want".
func cases(t *testing.T, name string, run func(t *testing.T) string) {
	files, err := filepath.Glob("testdata/" + name + "/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata/%s (%v)", name, err)
	}
	for _, file := range files {
		file, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			isWant := func(f txtar.File) bool { return f.Name == "want" }
			var want string
			if i := slices.IndexFunc(archive.Files, isWant); i >= 0 {
				want = string(archive.Files[i].Data)
				archive.Files = slices.Delete(archive.Files, i, i+1)
			}
			dir := t.TempDir()
			if err := txtar.Write(archive, dir); err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			got := run(t)
			if *update {
				archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("differs from %s (-want +got):\n%s", file, diff)
			}
		})
	}
}

func TestLoadTellsEveryFault(t *testing.T) {
	cases(t, "bad", func(t *testing.T) string {
		_, err := images.Load("./site.yaml")
		if err == nil {
			t.Fatal("a bad target was loaded")
		}
		return err.Error() + "\n"
	})
}

func TestLoadSite(t *testing.T) {
	cases(t, "good", func(t *testing.T) string {
		target, err := images.Load("site.yaml")
		if err != nil {
			t.Fatal(err)
		}
		return describe(target)
	})
}

func describeKernel(b *strings.Builder, t images.Target) {
	k := t.Kernel
	if k.Recipe == "" {
		return
	}
	fmt.Fprintf(b, "kernel %s by %s\ninitramfs %s (%s)\nmodules %v\n", k.Recipe, t.KernelAt(), k.Initramfs.Name, k.Initramfs.Source, k.Modules)
	for _, line := range k.Config {
		fmt.Fprintf(b, "%s by %s\n", line, t.ConfigAt(line))
	}
	for _, pattern := range k.Firmware {
		fmt.Fprintf(b, "firmware %s by %s\n", pattern, t.FirmwareAt(pattern))
	}
}

// describe tells all of a target in lines.
func describe(t images.Target) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s (%s)\n", t.Name, t.Description, t.Source)
	fmt.Fprintf(&b, "libc %s by %s\nplatforms %v\nepoch %s\n", t.Libc, t.LibcAt(), t.Platforms, t.Epoch)
	for _, name := range t.Packages {
		fmt.Fprintf(&b, "package %s by %s\n", name, t.PackageAt(name))
	}
	describeKernel(&b, t)
	for _, dir := range t.RecipeDirs {
		names, err := fs.Glob(dir.FS, "*")
		fmt.Fprintf(&b, "recipes %s: %v %v\n", dir.Path, names, err)
	}
	if t.Init != "" {
		fmt.Fprintf(&b, "init %s by %s\n", t.Init, t.InitAt())
	}
	for _, level := range images.Runlevels() {
		for _, name := range t.Services[level] {
			fmt.Fprintf(&b, "%s %s by %s\n", level, name, t.ServiceAt(name))
		}
	}
	for _, f := range t.Tmpfs {
		fmt.Fprintf(&b, "tmpfs %s %05o %d:%d %s\n", f.Path, f.Mode, f.UID, f.GID, f.Size)
	}
	for _, c := range t.Checks {
		fmt.Fprintf(&b, "check %s within %s: %q\n", c.Name, c.Within, c.Run)
	}
	for _, f := range t.Layer() {
		fmt.Fprintf(&b, "%s %05o %d:%d %s\n", f.Path, f.Mode, f.UID, f.GID, kind(f))
	}
	for _, f := range t.Layer() {
		if slices.Contains([]string{"passwd", "group", "authorized_keys"}, filepath.Base(f.Path)) {
			fmt.Fprintf(&b, "\n%s:\n%s", f.Path, f.Content)
		}
	}
	return b.String()
}

func kind(f images.File) string {
	switch {
	case f.Symlink != "":
		return "-> " + f.Symlink
	case f.Directory:
		return "directory"
	case f.Device.Type != "":
		return fmt.Sprintf("%s %d %d", f.Device.Type, f.Device.Major, f.Device.Minor)
	}
	return fmt.Sprintf("%d bytes", len(f.Content))
}

func TestEmbeddedTargets(t *testing.T) {
	if want := []string{"embedded", "initramfs", "uclibc"}; !slices.Equal(images.Names(), want) {
		t.Fatalf("names are %v, want %v", images.Names(), want)
	}
	for _, name := range images.Names() {
		t.Run(name, func(t *testing.T) {
			target, err := images.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			if target.Name != name {
				t.Errorf("the name is %q, the directory's %q", target.Name, name)
			}
			if target.Description == "" || !strings.HasPrefix(target.Libc, "uclibc") || len(target.Packages) < 2 {
				t.Errorf("incomplete:\n%s", describe(target))
			}
		})
	}
}

func TestLoadUnknown(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"uclib", `unknown target "uclib"; did you mean "uclibc"? (embedded: `},
		{"zzzzzzzz", `unknown target "zzzzzzzz" (embedded: embedded, initramfs, uclibc; `},
		{"..", `unknown target ".." (embedded: `},
		{"", `unknown target "" (embedded: `},
		{"./missing.yaml", `reading target ./missing.yaml: open missing.yaml: `},
		{"testdata/", `reading target testdata/: read testdata: `},
	} {
		_, err := images.Load(c.name)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("Load(%q): %v, want %s...", c.name, err, c.want)
		}
	}
}

// located is how each line of an error about a file begins.
var located = regexp.MustCompile(`^\S+:[1-9][0-9]*: `)

func FuzzTarget(f *testing.F) {
	for _, name := range images.Names() {
		text, err := fs.ReadFile(images.Embedded(), name+"/target.yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, pattern := range []string{"testdata/bad/*.txtar", "testdata/good/*.txtar"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(archive.Files[0].Data)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file := filepath.Join(t.TempDir(), "site.yaml")
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
		target, err := images.Load(file)
		if err == nil && (target.Name == "" || target.Epoch.IsZero() || len(target.Packages) == 0) {
			t.Errorf("an incomplete target was loaded: %+v", target)
		}
		if err == nil {
			return
		}
		for line := range strings.Lines(err.Error()) {
			if !located.MatchString(line) {
				t.Errorf("an error without file and line: %q", line)
			}
		}
	})
}
