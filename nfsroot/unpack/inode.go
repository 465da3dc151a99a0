package unpack

import (
	"archive/tar"
	"crypto/sha256"
)

// inode is what one or more names of a tree that are no directories stand for.
type inode struct {
	attr
	typ    byte   // of the tar entry
	linked bool   // it has, or had, a further name
	entry  uint32 // that made it, among those of all layers
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

// listed describes the inode under the first of its names.
func (f *inode) listed(name string) listed {
	e := f.attr.listed(f.typ, name)
	e.Linkname, e.Major, e.Minor = f.more().target, int64(f.more().major), int64(f.more().minor)
	if f.typ == tar.TypeReg {
		e.Size, e.Sum = f.size, f.sum[:]
	}
	return e
}
