package oci

import (
	"archive/tar"
	"time"
)

// archive is a tar that holds an exported image. Owner, mode and time say
// nothing about the image and are fixed.
type archive struct{ *tar.Writer }

func (a archive) dir(name string) error {
	return a.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755, ModTime: time.Unix(0, 0), Format: tar.FormatPAX})
}

// file begins a file whose size bytes are written next.
func (a archive) file(name string, size int64) error {
	return a.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatPAX})
}

func (a archive) bytes(name string, data []byte) error {
	if err := a.file(name, int64(len(data))); err != nil {
		return err
	}
	_, err := a.Write(data)
	return err
}
