package cpio

import (
	"archive/tar"
	"fmt"
	"io"
	"path"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rootbuild/rootbuild/images/oci"
	"golang.org/x/sys/unix"
)

// FromImage returns what the layers of an image hold, the higher ones over the
// lower. Its contents are in memory: an initramfs is, too.
func FromImage(img v1.Image) (Tree, error) {
	layers, err := img.Layers()
	if err != nil {
		return nil, fmt.Errorf("reading the layers of the image: %w", err)
	}
	t := Tree{}
	for i := range layers {
		if err := t.addLayer(img, i); err != nil {
			return nil, fmt.Errorf("reading layer %d of the image: %w", i, err)
		}
	}
	return t, nil
}

func (t Tree) addLayer(img v1.Image, i int) error {
	layer, err := oci.OpenLayer(img, i)
	if err != nil {
		return err
	}
	defer layer.Close()
	if err := t.AddTar(layer); err != nil {
		return err
	}
	// Only at its end is it known that the bytes are the layer's.
	_, err = io.Copy(io.Discard, layer)
	return err
}

// AddTar adds what a tar stream holds over what is there.
func (t Tree) AddTar(r io.Reader) error {
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := t.addEntry(h, tr); err != nil {
			return err
		}
	}
}

// types are the kinds of files that layers hold, by their letter in a tar.
var types = map[byte]uint32{
	tar.TypeReg: unix.S_IFREG, tar.TypeDir: unix.S_IFDIR, tar.TypeSymlink: unix.S_IFLNK,
	tar.TypeChar: unix.S_IFCHR, tar.TypeBlock: unix.S_IFBLK, tar.TypeFifo: unix.S_IFIFO,
}

func (t Tree) addEntry(h *tar.Header, r io.Reader) error {
	p := path.Clean(h.Name)
	if p == "." {
		return nil
	}
	if h.Typeflag == tar.TypeLink {
		f := t[path.Clean(h.Linkname)]
		if f == nil {
			return fmt.Errorf("%s is a hard link to %s, which is not there", p, h.Linkname)
		}
		return t.Add(p, f)
	}
	kind, ok := types[h.Typeflag]
	if !ok {
		return fmt.Errorf("%s has type %q, which an initramfs cannot hold", p, h.Typeflag)
	}
	f := &File{
		Mode: kind | uint32(h.Mode&0o7777), UID: h.Uid, GID: h.Gid,
		Content: []byte(h.Linkname), Major: h.Devmajor, Minor: h.Devminor,
	}
	if kind == unix.S_IFREG {
		content, err := io.ReadAll(r)
		if err != nil {
			return fmt.Errorf("reading %s: %w", p, err)
		}
		f.Content = content
	}
	return t.Add(p, f)
}
