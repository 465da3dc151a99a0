package images

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// modeForm is octal with its leading zero, quoted or not: 644 is refused, since
// it might as well be meant as a decimal number.
var modeForm = regexp.MustCompile(`^0[0-7]{3,4}$`)

// contentKeys are the keys of which a file has exactly one.
var contentKeys = []string{"content", "from", "symlink", "directory", "device"}

// file reads one entry of files.
func (s *source) file(n *yaml.Node) {
	f := fileEntry{owner: "0:0", line: n.Line}
	var mode, content, from string
	keys := s.Mapping(n, Fields{
		"path":      s.Path(&f.Path),
		"mode":      s.Match(&mode, modeForm, "octal permissions with a leading zero, such as 0644"),
		"owner":     s.String(&f.owner),
		"content":   s.String(&content),
		"from":      s.Match(&from, wordForm, "a path"),
		"symlink":   s.Match(&f.Symlink, wordForm, "a path"),
		"directory": s.Bool(&f.Directory),
		"device":    s.device(&f.Device),
	}, "path")
	if keys == nil {
		return
	}
	s.checkKeys(n, keys)
	f.Content = []byte(content)
	if from != "" {
		f.Content = s.beside(from, keys["from"])
	}
	f.Mode = f.defaultMode()
	if bits, err := strconv.ParseUint(mode, 8, 32); err == nil {
		f.Mode = uint32(bits)
	}
	for _, other := range s.files {
		if other.Path == f.Path && f.Path != "" {
			s.Faultf(n.Line, "file %q is already in line %d", f.Path, other.line)
			return
		}
	}
	s.files = append(s.files, f)
}

var wordForm = regexp.MustCompile(`^[^\x00\n]+$`)

// Path reads an absolute path of a root, below none of the symlinks of every root.
func (d *Decoder) Path(to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var p string
		if d.Match(&p, wordForm, "a path")(n); p == "" {
			return
		}
		if !path.IsAbs(p) || path.Clean(p) != p || p == "/" {
			d.Faultf(n.Line, "path %q is not absolute and clean", p)
			return
		}
		for _, m := range merged {
			if rest, below := strings.CutPrefix(p, m.link+"/"); below {
				d.Faultf(n.Line, "path %q is below a symlink: write %q", p, m.to+"/"+rest)
				return
			}
		}
		*to = p
	}
}

// merged are the symlinks of every root: it has one /usr, and in it one bin.
var merged = []struct{ link, to string }{
	{"/bin", "/usr/bin"}, {"/sbin", "/usr/bin"}, {"/usr/sbin", "/usr/bin"},
	{"/lib", "/usr/lib"}, {"/lib64", "/usr/lib"}, {"/usr/lib64", "/usr/lib"},
}

// checkKeys holds the keys of a file that exclude each other.
func (s *source) checkKeys(n *yaml.Node, keys map[string]int) {
	var has []string
	for _, key := range contentKeys {
		if _, ok := keys[key]; ok {
			has = append(has, key)
		}
	}
	if len(has) != 1 {
		have := "none"
		if len(has) > 0 {
			have = strings.Join(has, ", ")
		}
		s.Faultf(n.Line, "a file has exactly one of %s; have %s", strings.Join(contentKeys, ", "), have)
	}
	if line, ok := keys["mode"]; ok && slices.Equal(has, []string{"symlink"}) {
		s.Faultf(line, "a symlink has no mode")
	}
}

// device reads a device node.
func (s *source) device(to *Device) func(*yaml.Node) {
	// The limits are those of Linux's dev_t: 12 and 20 bits.
	return func(n *yaml.Node) {
		s.Mapping(n, Fields{
			"type":  s.Match(&to.Type, deviceForm, "char or block"),
			"major": s.Number(&to.Major, 1<<12-1),
			"minor": s.Number(&to.Minor, 1<<20-1),
		}, "type", "major", "minor")
	}
}

var deviceForm = regexp.MustCompile(`^(` + CharDevice + `|` + BlockDevice + `)$`)

// beside reads a file that a target's file names.
func (s *source) beside(name string, line int) []byte {
	if !fs.ValidPath(name) || name == "." {
		s.Faultf(line, "from %q is not a path below the directory of this file", name)
		return nil
	}
	content, err := fs.ReadFile(s.place.fsys, name)
	if err != nil {
		s.Faultf(line, "from: %s", err)
	}
	return content
}

func (f File) defaultMode() uint32 {
	switch {
	case f.Symlink != "":
		return 0o777
	case f.Directory:
		return 0o755
	case f.Device.Type != "":
		return 0o600
	}
	return 0o644
}
