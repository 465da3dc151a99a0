package boot

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// Write is what a target has to say about paths that its node writes.
type Write struct {
	Path    string   `json:"path"`
	Mode    string   `json:"mode,omitempty"`
	Owner   string   `json:"owner,omitempty"`
	Tmpfs   bool     `json:"tmpfs"` // whether a tmpfs at Path is the answer
	Reason  string   `json:"reason,omitempty"`
	Service string   `json:"service,omitempty"`
	Written []string `json:"written"`
}

// String is the line for the tmpfs list of the target, or a comment where a
// tmpfs would hide files of the root.
func (w Write) String() string {
	by := cmp.Or(w.Service, "by nobody known")
	if !w.Tmpfs {
		return fmt.Sprintf("# %s: %s  # %s", w.Path, w.Reason, by)
	}
	line := fmt.Sprintf("- {path: %s, mode: %q", w.Path, w.Mode)
	if w.Owner != "0:0" {
		line += fmt.Sprintf(", owner: %q", w.Owner)
	}
	return line + "}  # " + by
}

// Summarize turns what was written over a root into directories that have to
// be writable: the outermost ones that the root does not have, or has empty.
func Summarize(root string, traces []Trace) (_ []Write, err error) {
	dir, err := safeopen.Root(root)
	if err != nil {
		return nil, fmt.Errorf("comparing with the root: %w", err)
	}
	defer dir.Close()
	modes := map[string]Trace{}
	for _, t := range traces {
		modes[t.Path] = t
	}
	var list []Write
	at := map[string]int{}
	for _, t := range traces {
		w, ours := place(dir, t, modes)
		if !ours {
			continue
		}
		i, seen := at[w.Path]
		if !seen {
			i = len(list)
			at[w.Path], list = i, append(list, w)
		}
		list[i].Written = append(list[i].Written, t.Path)
		list[i].Service = join(list[i].Service, by(t))
	}
	return list, nil
}

// place finds what a write asks for. A directory that was only copied up,
// because of what is in it, asks for nothing.
func place(root *os.Root, t Trace, modes map[string]Trace) (Write, bool) {
	w := Write{Path: t.Path}
	if info, err := root.Lstat(rel(t.Path)); err == nil && info.IsDir() && t.Mode.IsDir() {
		return w, false
	}
	if t.Deleted {
		w.Reason = "deleted"
		return w, true
	}
	where := t.Path
	if !t.Mode.IsDir() {
		where = path.Dir(t.Path)
	}
	if !bare(root, where) {
		w.Reason = "written in a directory that the root fills: a symlink into /run can stand there"
		return w, true
	}
	for up := path.Dir(where); missing(root, where) && missing(root, up); up = path.Dir(up) {
		where = up
	}
	w.Path, w.Tmpfs, w.Mode, w.Owner = where, true, "0755", "0:0"
	if d, ok := modes[where]; ok {
		w.Mode, w.Owner = fmt.Sprintf("%04o", d.Mode&0o7777), d.Owner
	}
	return w, true
}

func missing(root *os.Root, dir string) bool {
	_, err := root.Lstat(rel(dir))
	return errors.Is(err, fs.ErrNotExist)
}

// bare says whether a directory of the root is missing or empty.
func bare(root *os.Root, dir string) bool {
	entries, err := safeopen.ReadDirIn(root, rel(dir))
	return errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0
}

// rel is a path of the node as os.Root and fs.FS name it.
func rel(p string) string {
	if p = strings.TrimPrefix(p, "/"); p == "" {
		return "."
	}
	return p
}

func by(t Trace) string {
	if t.Service == "" || t.Certain {
		return t.Service
	}
	return "probably " + t.Service
}

// join adds a name to a list of names, once.
func join(names, name string) string {
	switch {
	case names == "":
		return name
	case name == "" || slices.Contains(strings.Split(names, ", "), name):
		return names
	}
	return names + ", " + name
}
