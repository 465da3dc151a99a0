package oci_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
)

// benchStream is about 64 MiB in 4,000 files, half text and half noise.
func benchStream(b *testing.B) []byte {
	noise := make([]byte, 8<<10)
	rand.NewChaCha8([32]byte{2}).Read(noise)
	var members []member
	for i := range 4000 {
		text := strings.Repeat(fmt.Sprintf("symbol_%d = value_%d\n", i, i*i), 500)
		members = append(members, file(fmt.Sprintf("usr/%d/%d", i%64, i), text[:8<<10]+string(noise)))
		noise[i%len(noise)]++
	}
	return pack(b, members...)
}

func BenchmarkWriteLayer(b *testing.B) {
	in := benchStream(b)
	l := imagetest.NewLayout(b)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.WriteLayer(b.Context(), bytes.NewReader(in), oci.LayerOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPlainTarZstd is the yardstick of BenchmarkWriteLayer: the same
// stream through archive/tar and zstd to a synced file, in the order it comes
// and with no digest.
func BenchmarkPlainTarZstd(b *testing.B) {
	in := benchStream(b)
	dir := b.TempDir()
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if err := plainTarZstd(bytes.NewReader(in), dir+"/layer"); err != nil {
			b.Fatal(err)
		}
	}
}

func plainTarZstd(r io.Reader, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	enc, err := zstd.NewWriter(f, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	tw := tar.NewWriter(enc)
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
		if _, err := io.Copy(tw, tr); err != nil {
			return err
		}
	}
	if err := tw.Close(); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	return f.Sync()
}
