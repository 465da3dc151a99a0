package unpack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// scanner describes a tree as it is on disk.
type scanner struct {
	dir    string
	want   map[Name]node
	nodes  []node
	inodes map[inodeKey][]int // of files with further links, the places in nodes
	buf    []byte             // for an extended attribute
}

type inodeKey struct{ dev, ino uint64 }

// scan describes every name below dir, sorted. What is wanted spares work: a
// file of another size is not read, and of extended attributes those that the
// image has are looked at, and those that change what a file may do.
func scan(ctx context.Context, dir string, want []node) ([]node, error) {
	s := scanner{dir: dir, want: map[Name]node{}, inodes: map[inodeKey][]int{}, buf: make([]byte, 64<<10)}
	for _, n := range want {
		s.want[n.Name] = n
	}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		return s.add(path)
	})
	if err != nil {
		return nil, err
	}
	s.relink()
	slices.SortFunc(s.nodes, func(a, b node) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return s.nodes, nil
}

func (s *scanner) add(path string) error {
	rel, err := filepath.Rel(s.dir, path)
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return &fs.PathError{Op: "lstat", Path: path, Err: err}
	}
	n := node{Name: Name(rel), Type: typeOf(st.Mode), Owner: ownerText(st.Uid, st.Gid), Time: st.Mtim.Sec}
	want := s.want[n.Name]
	if n.Type != typeSymlink {
		n.Mode = modeText(st.Mode & modeBits)
	}
	if n.Xattrs, err = s.xattrs(path, want.Xattrs); err != nil {
		return err
	}
	if err := n.read(path, st, want); err != nil {
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
func (n *node) read(path string, st unix.Stat_t, want node) (err error) {
	switch n.Type {
	case typeFile:
		n.Size = st.Size
		// A link's content is that of its first name.
		if want.Type == typeFile && want.Size == st.Size {
			n.SHA256, err = digestOf(path)
		} else if want.Type == typeFile {
			n.SHA256 = want.SHA256
		}
	case typeSymlink:
		var target string
		target, err = os.Readlink(path)
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

func digestOf(path string) (_ string, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
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
var privileged = []string{"security.capability", "system.posix_acl_access", "system.posix_acl_default"}

func (s *scanner) xattrs(path string, want map[string][]byte) (map[string][]byte, error) {
	var have map[string][]byte
	for _, x := range slices.AppendSeq(slices.Clone(privileged), maps.Keys(want)) {
		n, err := unix.Lgetxattr(path, x, s.buf)
		switch {
		case errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP):
			continue
		case err != nil:
			return nil, fmt.Errorf("reading extended attribute %s of %s: %w", x, path, err)
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
