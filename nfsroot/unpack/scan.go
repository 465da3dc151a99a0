package unpack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// scanner describes a tree as it is on disk. It names files by their directory, for a
// path may be longer than a call takes.
type scanner struct {
	way    way
	want   map[Name]node
	nodes  []node
	inodes map[inodeKey][]int // of files with further links, the places in nodes
	buf    []byte             // for an extended attribute
}

type inodeKey struct{ dev, ino uint64 }

// scan describes every name below dir, sorted. What is wanted spares work: a
// file of another size is not read, and of extended attributes those that the
// image has are looked at, and those that change what a file may do.
func scan(ctx context.Context, dir string, want []node) (_ []node, err error) {
	top, err := openWay(dir)
	if err != nil {
		return nil, err
	}
	s := scanner{way: top, want: map[Name]node{}, inodes: map[inodeKey][]int{}, buf: make([]byte, 64<<10)}
	defer func() { err = errors.Join(err, s.way.close()) }()
	for _, n := range want {
		s.want[n.Name] = n
	}
	if err := s.add(top.last(), "."); err != nil {
		return nil, err
	}
	if err := s.below(ctx, "."); err != nil {
		return nil, err
	}
	s.relink()
	slices.SortFunc(s.nodes, func(a, b node) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return s.nodes, nil
}

// below describes what is in a directory.
func (s *scanner) below(ctx context.Context, dir string) error {
	d, err := s.way.open(dir)
	if err != nil {
		return err
	}
	names, err := d.names()
	if err != nil {
		return err
	}
	for _, leaf := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		// What was below the last one may have closed it.
		if d, err = s.way.open(dir); err != nil {
			return err
		}
		if err := s.add(d, leaf); err != nil {
			return err
		}
		if s.nodes[len(s.nodes)-1].Type == typeDir {
			if err := s.below(ctx, path.Join(dir, leaf)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *scanner) add(d openDir, leaf string) error {
	st, err := d.stat(leaf)
	if err != nil {
		return err
	}
	n := node{Name: Name(path.Join(d.name, leaf)), Type: typeOf(st.Mode), Owner: ownerText(st.Uid, st.Gid), Time: st.Mtim.Sec}
	want := s.want[n.Name]
	if n.Type != typeSymlink {
		n.Mode = modeText(st.Mode & modeBits)
	}
	if n.Xattrs, err = s.xattrs(procPath(d.fd, leaf), want.Xattrs); err != nil {
		return err
	}
	if err := n.read(d, leaf, st, want); err != nil {
		return err
	}
	if st.Nlink > 1 && n.Type != typeDir {
		key := inodeKey{st.Dev, st.Ino}
		s.inodes[key] = append(s.inodes[key], len(s.nodes))
	}
	s.nodes = append(s.nodes, n)
	return nil
}

// read fills in what the type of a node has.
func (n *node) read(d openDir, leaf string, st unix.Stat_t, want node) (err error) {
	switch n.Type {
	case typeFile:
		n.Size = st.Size
		// A link's content is that of its first name.
		if want.Type == typeFile && want.Size == st.Size {
			n.SHA256, err = digestOf(d, leaf)
		} else if want.Type == typeFile {
			n.SHA256 = want.SHA256
		}
	case typeSymlink:
		var target string
		target, err = d.readlink(leaf)
		n.Target = Name(target)
	case typeChar, typeBlock:
		n.Device = deviceText(unix.Major(st.Rdev), unix.Minor(st.Rdev))
	}
	return err
}

// relink turns all names of a file but the bytewise first into links to it.
func (s *scanner) relink() {
	for _, places := range s.inodes {
		slices.SortFunc(places, func(a, b int) int {
			if s.nodes[a].Name < s.nodes[b].Name {
				return -1
			}
			return 1
		})
		for _, p := range places[1:] {
			s.nodes[p] = node{Name: s.nodes[p].Name, Type: typeLink, Target: s.nodes[places[0]].Name}
		}
	}
}

func digestOf(d openDir, leaf string) (_ string, err error) {
	f, err := d.read(leaf)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// privileged are the extended attributes that change what a file may do, or
// who may do it. No other than the image's may be there.
var privileged = []string{"security.capability", accessACL, defaultACL}

func (s *scanner) xattrs(file string, want map[string][]byte) (map[string][]byte, error) {
	var have map[string][]byte
	for _, x := range slices.AppendSeq(slices.Clone(privileged), maps.Keys(want)) {
		n, err := unix.Lgetxattr(file, x, s.buf)
		switch {
		case errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP):
			continue
		case err != nil:
			return nil, fmt.Errorf("reading extended attribute %s: %w", x, err)
		}
		if have == nil {
			have = map[string][]byte{}
		}
		have[x] = slices.Clone(s.buf[:n])
	}
	return have, nil
}

func typeOf(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return typeDir
	case unix.S_IFLNK:
		return typeSymlink
	case unix.S_IFCHR:
		return typeChar
	case unix.S_IFBLK:
		return typeBlock
	case unix.S_IFIFO:
		return typeFifo
	case unix.S_IFSOCK:
		return typeSocket
	}
	return typeFile
}
