package nfsroot

import (
	"archive/tar"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// inode is what one or more names of a tree that are no directories stand for.
type inode struct {
	attr
	typ    byte // of the tar entry
	linked bool // it has, or had, a further name
	size   int64
	sum    [sha256.Size]byte
}

func newInode(hdr *tar.Header) *inode {
	i := &inode{attr: attrOf(hdr), typ: hdr.Typeflag}
	if hdr.Typeflag == tar.TypeSymlink || isDevice(hdr) {
		i.extra = &extra{i.xattrs(), hdr.Linkname, uint32(hdr.Devmajor), uint32(hdr.Devminor)}
	}
	return i
}

// node describes the inode under the first of its names.
func (f *inode) node(name string) Node {
	switch f.typ {
	case tar.TypeSymlink:
		n := nodeOf(name, typeSymlink, f.attr)
		n.Target = Name(f.more().target)
		return n
	case tar.TypeChar, tar.TypeBlock:
		kind := map[byte]string{tar.TypeChar: typeChar, tar.TypeBlock: typeBlock}[f.typ]
		n := nodeOf(name, kind, f.attr)
		n.Device = deviceText(f.more().major, f.more().minor)
		return n
	case tar.TypeFifo:
		return nodeOf(name, typeFifo, f.attr)
	}
	n := nodeOf(name, typeFile, f.attr)
	n.Size, n.SHA256 = f.size, hex.EncodeToString(f.sum[:])
	return n
}

func sortNodes(list []Node) {
	slices.SortFunc(list, func(a, b Node) int { return strings.Compare(string(a.Name), string(b.Name)) })
}

// sortedKeys returns the keys of both maps.
func sortedKeys[K cmp.Ordered, V any](a, b map[K]V) []K {
	all := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(all)
	return slices.Compact(all)
}
