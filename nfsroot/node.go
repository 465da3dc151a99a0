package nfsroot

import (
	"archive/tar"
	"cmp"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
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

// nodeTypes are the types of nodes that an entry of a layer can be.
var nodeTypes = map[byte]string{
	tar.TypeReg: typeFile, tar.TypeDir: typeDir, tar.TypeSymlink: typeSymlink, tar.TypeLink: typeLink,
	tar.TypeChar: typeChar, tar.TypeBlock: typeBlock, tar.TypeFifo: typeFifo,
}

// node is the entry of a finished tree, as a person reads it.
func (e *listed) node() Node {
	n := Node{Name: Name(e.Name), Type: nodeTypes[e.Type], Target: Name(e.Linkname)}
	if e.Type == tar.TypeLink {
		return n
	}
	n.Owner, n.Time, n.Size, n.SHA256 = ownerText(uint32(e.UID), uint32(e.GID)), e.Sec, e.Size, hex.EncodeToString(e.Sum)
	if e.Type != tar.TypeSymlink {
		n.Mode = modeText(uint32(e.Mode))
	}
	if e.Type == tar.TypeChar || e.Type == tar.TypeBlock {
		n.Device = deviceText(uint32(e.Major), uint32(e.Minor))
	}
	for key, value := range e.PAX {
		if n.Xattrs == nil {
			n.Xattrs = map[string][]byte{}
		}
		n.Xattrs[strings.TrimPrefix(key, xattrPrefix)] = []byte(value)
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
