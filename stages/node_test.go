package stages_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/stages"
)

// nodeOf resolves the target site.yaml of an archive with the archive's recipes.
func nodeOf(t *testing.T, fsys fs.FS) (stages.Node, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, fsys); err != nil {
		t.Fatal(err)
	}
	recipes, err := stages.Load(images.RecipeDir{Path: "recipes", FS: os.DirFS(filepath.Join(dir, "recipes"))})
	if err != nil {
		t.Fatal(err)
	}
	target, err := images.Load(filepath.Join(dir, "site.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := stages.Resolve(target, recipes)
	if err != nil {
		err = fmt.Errorf("%s", strings.ReplaceAll(err.Error(), dir+"/", ""))
	}
	return g.Node, err
}

func TestNodeRender(t *testing.T) {
	cases(t, "node", func(t *testing.T, dir images.RecipeDir) string {
		node, err := nodeOf(t, dir.FS)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, f := range node.Render() {
			fmt.Fprintf(&b, "%s %05o %d:%d", f.Path, f.Mode, f.UID, f.GID)
			switch {
			case f.Symlink != "":
				fmt.Fprintf(&b, " -> %s\n", f.Symlink)
			case f.Directory:
				b.WriteString(" directory\n")
			case filepath.Dir(f.Path) == "/usr/lib/rc" && filepath.Base(f.Path) != "directories":
				b.WriteString(" is the same for every node\n")
			default:
				// No line of a file may look like the beginning of one of the archive's.
				fmt.Fprintf(&b, "\n  | %s\n", strings.ReplaceAll(strings.TrimRight(string(f.Content), "\n"), "\n", "\n  | "))
			}
		}
		return strings.ReplaceAll(b.String(), "| \n", "|\n")
	})
}

func TestNodeTellsEveryFault(t *testing.T) {
	cases(t, "unstarted", func(t *testing.T, dir images.RecipeDir) string {
		_, err := nodeOf(t, dir.FS)
		if err == nil {
			t.Fatal("bad services were resolved")
		}
		return err.Error() + "\n"
	})
}

// writeTree lays the files of a node below a directory, for the given shell.
func writeTree(t *testing.T, node stages.Node, dir, shell string) {
	t.Helper()
	for _, f := range node.Render() {
		name := filepath.Join(dir, f.Path)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch {
		case f.Directory:
			err = os.MkdirAll(name, 0o755)
		case f.Symlink != "":
			err = os.Symlink(f.Symlink, name)
		default:
			content := strings.Replace(string(f.Content), "#!/bin/sh\n", "#!"+shell+"\n", 1)
			err = os.WriteFile(name, []byte(content), os.FileMode(f.Mode))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestShellcheck holds what the embedded targets run on a node to the rules of
// shellcheck.
func TestShellcheck(t *testing.T) {
	shellcheck, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Skip("shellcheck is not installed")
	}
	for _, name := range []string{"embedded", "uclibc"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeTree(t, load(t, name).Node, dir, "/bin/sh")
			args := []string{"--shell=sh", "--external-sources"}
			for _, pattern := range []string{"etc/init.d/*", "usr/lib/rc/[!d]*", "usr/lib/rc/dhcp", "usr/lib/rootbuild/checks/*"} {
				files, err := filepath.Glob(filepath.Join(dir, pattern))
				if err != nil || len(files) == 0 {
					t.Fatalf("no files for %s (%v)", pattern, err)
				}
				args = append(args, files...)
			}
			cmd := exec.Command(shellcheck, args...)
			// The scripts name what they read by its path in the source tree.
			if cmd.Dir, err = filepath.Abs(".."); err != nil {
				t.Fatal(err)
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
