package images

import (
	"archive/tar"
	"fmt"
	"io"
	"strings"
)

// WriteTar writes the files of Layer as one tar stream, all with the time of
// the epoch. The same target gives the same bytes.
func (t Target) WriteTar(w io.Writer) error {
	out := tar.NewWriter(w)
	for _, f := range t.Layer() {
		header := f.header()
		header.ModTime = t.Epoch
		if err := out.WriteHeader(header); err != nil {
			return fmt.Errorf("writing layer of target %s: %s: %w", t.Name, f.Path, err)
		}
		if header.Size == 0 {
			continue
		}
		if _, err := out.Write(f.Content); err != nil {
			return fmt.Errorf("writing layer of target %s: %s: %w", t.Name, f.Path, err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("writing layer of target %s: %w", t.Name, err)
	}
	return nil
}

// header describes a file as an entry of a tar stream.
func (f File) header() *tar.Header {
	h := &tar.Header{
		Name: strings.TrimPrefix(f.Path, "/"),
		Mode: int64(f.Mode), Uid: f.UID, Gid: f.GID,
	}
	switch {
	case f.Symlink != "":
		h.Typeflag, h.Linkname = tar.TypeSymlink, f.Symlink
	case f.Directory:
		h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
	case f.Device.Type == CharDevice:
		h.Typeflag, h.Devmajor, h.Devminor = tar.TypeChar, int64(f.Device.Major), int64(f.Device.Minor)
	case f.Device.Type == BlockDevice:
		h.Typeflag, h.Devmajor, h.Devminor = tar.TypeBlock, int64(f.Device.Major), int64(f.Device.Minor)
	default:
		h.Typeflag, h.Size = tar.TypeReg, int64(len(f.Content))
	}
	return h
}
