package unpack

import (
	"errors"
	"path"
	"strconv"
	"strings"
)

// Name is a path or another text that comes out of an image or from a node. As
// text it is itself, or a quoted Go string where it holds what a terminal or
// JSON would not show.
type Name string

// String returns the name as it can be shown.
func (n Name) String() string {
	if quoted := strconv.Quote(string(n)); quoted != `"`+string(n)+`"` {
		return quoted
	}
	return string(n)
}

// MarshalText implements encoding.TextMarshaler.
func (n Name) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *Name) UnmarshalText(text []byte) error {
	if len(text) == 0 || text[0] != '"' {
		*n = Name(text)
		return nil
	}
	name, err := strconv.Unquote(string(text))
	*n = Name(name)
	return err
}

// entryName cleans the name of a layer's entry, and refuses one that could
// mean a place outside the root. One that begins with "/", as some builders write
// them, begins at the root.
func entryName(name string) (string, error) {
	if name == "" || strings.ContainsRune(name, 0) {
		return "", errors.New("its name is empty or holds a NUL")
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", errors.New(`its name holds ".."`)
		}
	}
	return path.Clean(strings.TrimLeft(name, "/")), nil
}

// split returns the directory of a clean name, and its last component.
func split(name string) (dir, leaf string) {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return ".", name
	}
	return name[:i], name[i+1:]
}
