package unpack

import (
	"archive/tar"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

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

// node is one name of a root with what a booted node sees of it. A further
// hard link has its target alone.
type node struct {
	Name   Name // relative to the root, which is "."
	Type   string
	Mode   string // octal; none for a symlink
	Owner  string // UID:GID
	Time   int64  // of the last change, in seconds since 1970
	Size   int64
	SHA256 string
	Target Name
	Device string // MAJOR,MINOR
	Xattrs map[string][]byte
}

// nodeTypes are the types of nodes that an entry of a layer can be.
var nodeTypes = map[byte]string{
	tar.TypeReg: typeFile, tar.TypeDir: typeDir, tar.TypeSymlink: typeSymlink, tar.TypeLink: typeLink,
	tar.TypeChar: typeChar, tar.TypeBlock: typeBlock, tar.TypeFifo: typeFifo,
}

// node is the entry of a finished tree, as a person reads it.
func (e *listed) node() node {
	n := node{Name: Name(e.Name), Type: nodeTypes[e.Type], Target: Name(e.Linkname)}
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
func (n node) aspects() []aspect {
	content := ""
	if n.SHA256 != "" {
		content = "sha256:" + n.SHA256
	}
	return []aspect{
		{"mode", n.Mode}, {"owner", n.Owner}, {"size", strconv.FormatInt(n.Size, 10)}, {"content", content},
		{"target", n.Target.String()}, {"device", n.Device}, {"time", timeText(n.Time)},
	}
}

func timeText(sec int64) string { return time.Unix(sec, 0).UTC().Format(time.RFC3339) }

func ownerText(uid, gid uint32) string { return fmt.Sprintf("%d:%d", uid, gid) }

func modeText(mode uint32) string { return fmt.Sprintf("%04o", mode) }

func deviceText(major, minor uint32) string { return fmt.Sprintf("%d,%d", major, minor) }
