package nfsroot

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strconv"
	"time"
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

// The types of nodes.
const (
	typeFile    = "file"
	typeDir     = "directory"
	typeSymlink = "symlink"
	typeLink    = "link" // a further hard link, to the bytewise first name
	typeChar    = "char"
	typeBlock   = "block"
	typeFifo    = "fifo"
	typeSocket  = "socket" // which no image holds
)

// Node is one name of a root with what a booted node sees of it. A further
// hard link has its target alone.
type Node struct {
	Name   Name              `json:"name"` // relative to the root, which is "."
	Type   string            `json:"type"`
	Mode   string            `json:"mode,omitempty"`  // octal; none for a symlink
	Owner  string            `json:"owner,omitempty"` // UID:GID
	Time   int64             `json:"time,omitempty"`  // of the last change, in seconds since 1970
	Size   int64             `json:"size,omitempty"`
	SHA256 string            `json:"sha256,omitempty"`
	Target Name              `json:"target,omitempty"`
	Device string            `json:"device,omitempty"` // MAJOR,MINOR
	Xattrs map[string][]byte `json:"xattrs,omitempty"`
}

// nodeOf describes what attributes tell of a name.
func nodeOf(name, kind string, a attr) Node {
	n := Node{Name: Name(name), Type: kind, Owner: ownerText(a.uid, a.gid), Time: a.sec}
	if kind != typeSymlink {
		n.Mode = modeText(unixMode(a.mode))
	}
	for x, value := range a.xattrs() {
		if n.Xattrs == nil {
			n.Xattrs = map[string][]byte{}
		}
		n.Xattrs[x] = []byte(value)
	}
	return n
}

// aspect is one thing that can differ between two nodes, as text.
type aspect struct{ what, text string }

// aspects lists what can differ between two nodes of one type.
func (n Node) aspects() []aspect {
	content := ""
	if n.SHA256 != "" {
		content = "sha256:" + n.SHA256
	}
	return []aspect{
		{"mode", n.Mode}, {"owner", n.Owner}, {"size", strconv.FormatInt(n.Size, 10)}, {"content", content},
		{"target", n.Target.String()}, {"device", n.Device}, {"time", time.Unix(n.Time, 0).UTC().Format(time.RFC3339)},
	}
}

// Difference is one thing that two trees do not share.
type Difference struct {
	Name Name   `json:"name"`
	What string `json:"what"` // missing, extra, or what of it differs
	Want string `json:"want,omitempty"`
	Have string `json:"have,omitempty"`
}

// String is a line for a person.
func (d Difference) String() string {
	switch {
	case d.Want == "" && d.Have == "":
		return fmt.Sprintf("%s: %s", d.Name, d.What)
	}
	return fmt.Sprintf("%s: %s is %s, want %s", d.Name, d.What, cmp.Or(d.Have, "none"), cmp.Or(d.Want, "none"))
}

// differences compares two nodes of one name.
func differences(want, have Node) []Difference {
	if want.Type != have.Type {
		return []Difference{{want.Name, "type", want.Type, have.Type}}
	}
	var list []Difference
	others := have.aspects()
	for i, a := range want.aspects() {
		if b := others[i]; a.text != b.text {
			list = append(list, Difference{want.Name, a.what, a.text, b.text})
		}
	}
	for _, x := range sortedKeys(want.Xattrs, have.Xattrs) {
		a, b := hex.EncodeToString(want.Xattrs[x]), hex.EncodeToString(have.Xattrs[x])
		if a != b {
			list = append(list, Difference{want.Name, x, a, b})
		}
	}
	return list
}

func ownerText(uid, gid uint32) string { return fmt.Sprintf("%d:%d", uid, gid) }

func modeText(mode uint32) string { return fmt.Sprintf("%04o", mode) }

func deviceText(major, minor uint32) string { return fmt.Sprintf("%d,%d", major, minor) }

// unixMode returns the bits that chmod takes.
func unixMode(m fs.FileMode) uint32 {
	mode := uint32(m.Perm())
	for _, special := range []struct {
		is  fs.FileMode
		bit uint32
	}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}} {
		if m&special.is != 0 {
			mode |= special.bit
		}
	}
	return mode
}
