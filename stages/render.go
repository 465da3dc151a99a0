package stages

import (
	"embed"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/rootbuild/rootbuild/images"
)

//go:embed node
var nodeFiles embed.FS

// initSystem is a way to start the services of a node.
type initSystem struct {
	pkg    string // the package that brings it
	render func(Node) []images.File
}

// inits are the values of a target's init. One more is one more file like
// sysvinit.go, and a line here.
var inits = map[string]initSystem{
	"busybox":  {"busybox", busyboxInit},
	"sysvinit": {"sysvinit", sysvinit},
}

// Inits returns the inits that a target may name, sorted.
func Inits() []string { return slices.Sorted(maps.Keys(inits)) }

// Render returns the files that make a node start its services, mount its
// writable directories and answer its checks, sorted by path.
func (n Node) Render() []images.File {
	var files []images.File
	if n.Init != "" {
		files = append(inits[n.Init].render(n), n.fstab(), n.directories())
	}
	for _, t := range n.Tmpfs {
		if n.nested(t) {
			continue // made at boot
		}
		files = append(files, images.File{Path: t.Path, Directory: true, Mode: t.Mode, UID: t.UID, GID: t.GID})
	}
	for _, c := range n.Checks {
		files = append(files, check(c))
	}
	slices.SortFunc(files, func(a, b images.File) int { return strings.Compare(a.Path, b.Path) })
	return files
}

// scripts are the files that are the same with every init: rc and what it walks.
func (n Node) scripts() []images.File {
	files := []images.File{{Path: "/usr/bin/rc-status", Mode: 0o777, Symlink: "../lib/rc/rc"}}
	for name, mode := range map[string]uint32{"dhcp": 0o755, "functions": 0o644, "getty": 0o755, "rc": 0o755} {
		content, err := nodeFiles.ReadFile(path.Join("node", name))
		if err != nil {
			panic("internal error: " + err.Error())
		}
		files = append(files, text("/usr/lib/rc/"+name, mode, string(content)))
	}
	for _, level := range images.Runlevels() {
		dir := "/etc/runlevels/" + string(level)
		files = append(files, images.File{Path: dir, Directory: true, Mode: 0o755})
		for i, wave := range n.Runlevels[level] {
			for _, s := range wave {
				files = append(files, text("/etc/init.d/"+s.Name, 0o755, s.script()),
					images.File{Path: fmt.Sprintf("%s/%02d-%s", dir, i+1, s.Name), Mode: 0o777, Symlink: "../../init.d/" + s.Name})
			}
		}
	}
	return files
}

// script is the service's file in /etc/init.d.
func (s Service) script() string {
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/sh\n# %s\n", strings.TrimSuffix(s.Name+": "+s.Description, ": "))
	b.WriteString("\n# shellcheck source=/dev/null\n. \"${RC_ROOT-}/usr/lib/rc/functions\"\n")
	if len(s.Needs) > 0 {
		fmt.Fprintf(&b, "\nneeds %s\n", strings.Join(s.Needs, " "))
	}
	kind, run := "oneshot", s.Start
	if s.Command != "" {
		kind, run = "daemon", execLast(s.Command)
	}
	for _, f := range []struct{ name, text string }{
		{"setup", s.Setup}, {"run", run}, {"end", s.Stop}, {"up", s.Up},
	} {
		if f.text != "" {
			fmt.Fprintf(&b, "\n%s() {\n%s}\n", f.name, indent(f.text))
		}
	}
	fmt.Fprintf(&b, "\n%s %s \"$@\"\n", kind, s.Name)
	return b.String()
}

// execLast puts the program of the last line in the place of the shell, so that
// its process is the one that rc knows.
func execLast(command string) string {
	command = strings.TrimSpace(command)
	i := strings.LastIndex(command, "\n") + 1
	return command[:i] + "exec " + command[i:]
}

// indent moves shell text into a function. A text with a here-document stays
// where it is: its end must stand at the beginning of a line.
func indent(s string) string {
	s = strings.TrimRight(s, "\n") + "\n"
	if strings.Contains(s, "<<") {
		return s
	}
	var b strings.Builder
	for line := range strings.Lines(s) {
		if line != "\n" {
			b.WriteString("    ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// check is the file of a check, which begins with its time limit.
func check(c images.Check) images.File {
	content := fmt.Sprintf("#!/bin/sh\n# within: %ds\n\n%s\n", int(c.Within.Seconds()), strings.TrimRight(c.Run, "\n"))
	return text("/usr/lib/rootbuild/checks/"+c.Name, 0o755, content)
}

func text(name string, mode uint32, content string) images.File {
	return images.File{Path: name, Mode: mode, Content: []byte(content)}
}
