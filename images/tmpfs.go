package images

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Tmpfs is a directory of a node that can be written; all else is read-only.
type Tmpfs struct {
	Path     string // absolute and clean
	Mode     uint32 // permission bits and the sticky bit
	UID, GID int
	Size     string // the most that it holds, as mount takes it: 64M, 10%; empty is the kernel's default
}

// TmpfsEntry is a Tmpfs as a file names it.
type TmpfsEntry struct {
	Tmpfs
	Owner string // user:group, which Target.Owner turns into numbers
	Line  int
}

var (
	// The table of mounts takes no blanks and its like without escapes.
	plainPathForm = regexp.MustCompile(`^/[A-Za-z0-9._+@/-]*$`)
	sizeForm      = regexp.MustCompile(`^[1-9][0-9]{0,11}[kMG%]?$`)
	tmpfsModeForm = regexp.MustCompile(`^(0|1|01)[0-7]{3}$`)
)

// kernelDirs are those whose content is the kernel's.
var kernelDirs = []string{"/dev", "/proc", "/sys"}

// Tmpfs reads a list of directories that can be written.
func (d *Decoder) Tmpfs(to *[]TmpfsEntry) func(*yaml.Node) {
	return d.List(func(n *yaml.Node) {
		e := TmpfsEntry{Owner: "0:0", Line: n.Line, Tmpfs: Tmpfs{Mode: 0o755}}
		var mode string
		if d.Mapping(n, Fields{
			"path":  d.tmpfsPath(&e.Path),
			"owner": d.String(&e.Owner),
			"mode":  d.Match(&mode, tmpfsModeForm, "octal permissions such as 0755 or 1777"),
			"size":  d.Match(&e.Size, sizeForm, "a size such as 64M, or 10% of the memory"),
		}, "path") == nil {
			return
		}
		if bits, err := strconv.ParseUint(mode, 8, 32); err == nil {
			e.Mode = uint32(bits)
		}
		for _, other := range *to {
			if other.Path == e.Path && e.Path != "" {
				d.Faultf(n.Line, "%q is already in line %d", e.Path, other.Line)
				return
			}
		}
		*to = append(*to, e)
	})
}

// tmpfsPath reads a path at which a node can mount a tmpfs.
func (d *Decoder) tmpfsPath(to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var p string
		if d.Path(&p)(n); p == "" {
			return
		}
		if !plainPathForm.MatchString(p) {
			d.Faultf(n.Line, "path %q has other characters than a-z, A-Z, 0-9 and ._+@-", p)
			return
		}
		for _, dir := range kernelDirs {
			if p == dir || strings.HasPrefix(p, dir+"/") {
				d.Faultf(n.Line, "path %q is in %s, which the kernel fills", p, dir)
				return
			}
		}
		for _, m := range mergedRun {
			if p == m.link || strings.HasPrefix(p, m.link+"/") {
				d.Faultf(n.Line, "path %q is a symlink or below one: write %q", p, m.to+strings.TrimPrefix(p, m.link))
				return
			}
		}
		*to = p
	}
}

// mergedRun are the symlinks of every root that lead into /run.
var mergedRun = []struct{ link, to string }{{"/var/run", "/run"}, {"/var/lock", "/run/lock"}}
