package unpack

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// apply adds one entry of a layer to the tree, or takes away what it hides.
func (t *tree) apply(hdr *tar.Header, content io.Reader) error {
	t.inodes = append(t.inodes, 0)
	if hdr.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name, err := entryName(hdr.Name)
	if err != nil {
		return err
	}
	if err := t.admit(name, hdr); err != nil {
		return err
	}
	if name == "." {
		return t.describeRoot(hdr)
	}
	dir, leaf := split(name)
	if strings.HasPrefix(dir, whiteoutPrefix) || strings.Contains(dir, "/"+whiteoutPrefix) {
		return errors.New("its parent is a whiteout")
	}
	if hidden, ok := strings.CutPrefix(leaf, whiteoutPrefix); ok {
		return t.whiteout(dir, hidden)
	}
	at, err := t.resolve(dir, true)
	if err != nil {
		return err
	}
	if at != dir {
		name = path.Join(at, leaf)
	}
	if err := checkName(name); err != nil {
		return err
	}
	if err := t.add(name, hdr, content); err != nil {
		return err
	}
	if hdr.Typeflag == tar.TypeDir {
		at = name
	}
	t.mark(at)
	return nil
}

// admit refuses an entry before anything is made of it.
func (t *tree) admit(name string, hdr *tar.Header) error {
	texts := len(hdr.Linkname)
	for key, value := range hdr.PAXRecords {
		texts += len(key) + len(value)
	}
	if err := t.limits.take(name, texts, hdr.Size); err != nil {
		return err
	}
	if err := t.refuse.check(hdr); err != nil {
		return err
	}
	if err := t.label(hdr); err != nil {
		return err
	}
	return checkHeader(hdr)
}

// describeRoot takes the attributes of the root itself.
func (t *tree) describeRoot(hdr *tar.Header) error {
	if hdr.Typeflag != tar.TypeDir {
		return errors.New("the root is not a directory")
	}
	t.describeDir(".", attrOf(hdr))
	return nil
}

// add makes one name. A directory over a directory keeps its content; all else
// that was there goes.
func (t *tree) add(name string, hdr *tar.Header, content io.Reader) error {
	if hdr.Typeflag == tar.TypeDir {
		return t.addDir(name, attrOf(hdr))
	}
	target := ""
	if hdr.Typeflag == tar.TypeLink {
		var err error
		if target, err = t.linkTarget(hdr.Linkname); err != nil {
			return err
		}
		if target == name {
			return errors.New("it is a hard link to itself")
		}
	}
	if err := t.makeWay(name); err != nil {
		return err
	}
	if target != "" && !t.has(target) {
		return fmt.Errorf("it is a hard link to %q, which it replaces", target)
	}
	f, err := t.create(name, target, hdr, content)
	if err != nil {
		return err
	}
	t.files[name] = leafNode{f, t.layer}
	return nil
}

func (t *tree) addDir(name string, a attr) error {
	if _, ok := t.dirs[name]; ok {
		t.describeDir(name, a)
		return nil
	}
	if err := t.makeWay(name); err != nil {
		return err
	}
	return t.mkdir(name, a)
}

// describeDir gives a directory that is there other attributes.
func (t *tree) describeDir(name string, a attr) {
	d := t.dirs[name]
	d.attr = a
	t.dirs[name] = d
}

// create makes what is not a directory.
func (t *tree) create(name, target string, hdr *tar.Header, content io.Reader) (*inode, error) {
	if hdr.Typeflag == tar.TypeLink {
		// No attributes: they are the first name's.
		f := t.files[target].inode
		f.linked = true
		return f, t.root.Link(target, name)
	}
	dir, leaf := split(name)
	d, err := t.way.open(dir)
	if err != nil {
		return nil, err
	}
	f := newInode(hdr)
	f.entry = uint32(len(t.inodes) - 1)
	switch hdr.Typeflag {
	case tar.TypeReg:
		return f, t.createFile(d, leaf, f, content)
	case tar.TypeSymlink:
		err = pathError("symlinkat", leaf, unix.Symlinkat(hdr.Linkname, d.fd, leaf))
	case tar.TypeChar:
		err = mknod(d, leaf, unix.S_IFCHR, hdr)
	case tar.TypeBlock:
		err = mknod(d, leaf, unix.S_IFBLK, hdr)
	case tar.TypeFifo:
		err = mknod(d, leaf, unix.S_IFIFO, hdr)
	default:
		return nil, fmt.Errorf("its type %q is not one that a root can hold", hdr.Typeflag)
	}
	if err != nil {
		return nil, err
	}
	return f, f.applyAt(d, leaf, f.typ)
}

// createFile makes a regular file of the bytes of its entry, or of a file of
// another root.
func (t *tree) createFile(d openDir, leaf string, i *inode, content io.Reader) error {
	t.wrote = i
	if other, ok := content.(*given); ok {
		return t.takeFile(d, leaf, i, other)
	}
	return t.writeFile(d, leaf, i, content)
}

// writeFile writes a regular file, and notes in the inode what it wrote.
func (t *tree) writeFile(d openDir, leaf string, i *inode, content io.Reader) (err error) {
	f, err := d.create(leaf)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	t.sum.Reset()
	w := holeWriter{file: f}
	if i.size, err = io.CopyBuffer(io.MultiWriter(&w, t.sum), content, t.buf); err != nil {
		return err
	}
	if err := w.end(); err != nil {
		return err
	}
	t.sum.Sum(i.sum[:0])
	return t.complete(f, d, leaf, i)
}

// complete gives a file that was written its attributes.
func (t *tree) complete(f *os.File, d openDir, leaf string, i *inode) error {
	fd := int(f.Fd())
	if err := i.applyTo(fd, d.fd, leaf); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return pathError("fstat", leaf, err)
	}
	t.inodes[i.entry] = st.Ino
	return nil
}

func mknod(d openDir, leaf string, kind uint32, hdr *tar.Header) error {
	dev := unix.Mkdev(uint32(hdr.Devmajor), uint32(hdr.Devminor))
	return pathError("mknodat", leaf, unix.Mknodat(d.fd, leaf, kind|0o600, int(dev)))
}

// linkTarget returns the canonical name of what a hard link names.
func (t *tree) linkTarget(linkname string) (string, error) {
	name, err := entryName(linkname)
	if err != nil {
		return "", fmt.Errorf("its hard link target %q: %w", linkname, err)
	}
	dir, leaf := split(name)
	dir, err = t.resolve(dir, false)
	if err != nil {
		return "", fmt.Errorf("its hard link target %q: %w", linkname, err)
	}
	name = path.Join(dir, leaf)
	if _, ok := t.files[name]; !ok {
		return "", fmt.Errorf("its hard link target %q is not a file in the root", linkname)
	}
	return name, nil
}

// has says whether the tree has this canonical name.
func (t *tree) has(name string) bool {
	_, dir := t.dirs[name]
	_, file := t.files[name]
	return dir || file
}

// makeWay removes what stands where an entry is to be made.
func (t *tree) makeWay(name string) error {
	if !t.has(name) {
		return nil
	}
	return t.remove(name)
}
