package nfsroot

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// currentName is the symlink that names the root that nodes boot.
const currentName = "current"

// tagPattern is the grammar of tags in registries, so that one name serves both.
var tagPattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

// checkTag refuses what cannot name a root's directory.
func checkTag(tag string) error {
	if tag == currentName {
		return errors.New(`tag "current" is the name of the symlink: choose another`)
	}
	if !tagPattern.MatchString(tag) {
		return fmt.Errorf("tag %q: use up to 128 letters, digits, dots, dashes and underscores, with no dot or dash first", tag)
	}
	return nil
}

// entryName cleans the name of a layer's entry, and refuses one that could
// mean a place outside the root.
func entryName(name string) (string, error) {
	switch {
	case name == "" || strings.ContainsRune(name, 0):
		return "", errors.New("its name is empty or holds a NUL")
	case path.IsAbs(name):
		return "", errors.New("its name is absolute")
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", errors.New(`its name holds ".."`)
		}
	}
	return path.Clean(name), nil
}

// split returns the directory of a clean name, and its last component.
func split(name string) (dir, leaf string) {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return ".", name
	}
	return name[:i], name[i+1:]
}
