package oci_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
)

func TestWriteLayerCanonical(t *testing.T) {
	const capability = "\x01\x00\x00\x02\x00\x04\x00\x00"
	tests := []struct {
		name string
		in   []member
		want []string
	}{
		{"nothing", nil, nil},
		{"sorted bytewise, parents first", []member{
			file("a/c", "2"), file("a-b", "1"), dir("a"), file("Z", "0"),
		}, []string{"0 0644 0:0 Z = 0", "5 0755 0:0 a/", "0 0644 0:0 a-b = 1", "0 0644 0:0 a/c = 2"}},
		{"parents made", []member{file("./usr//lib/x", "x")}, []string{
			"5 0755 0:0 usr/", "5 0755 0:0 usr/lib/", "0 0644 0:0 usr/lib/x = x",
		}},
		{"plain root dropped", []member{dir("."), file(".bashrc", "x"), file("+", "y")}, []string{
			"0 0644 0:0 + = y", "0 0644 0:0 .bashrc = x",
		}},
		{"root with a mode kept first", []member{file("+", "x"), {tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o700}, ""}}, []string{
			"5 0700 0:0 ./", "0 0644 0:0 + = x",
		}},
		{"owner, mode and capability", []member{
			{tar.Header{Typeflag: tar.TypeReg, Name: "ping", Mode: 0o104755, Uid: 3000000, Gid: 7, PAXRecords: map[string]string{
				"SCHILY.xattr.security.capability": capability, "SCHILY.xattr.user.note": "n", "SCHILY.xattr.security.selinux": "s",
			}}, "x"},
		}, []string{`0 4755 3000000:7 ping = x cap "\x01\x00\x00\x02\x00\x04\x00\x00"`}},
		{"devices and fifo", []member{
			{tar.Header{Typeflag: tar.TypeBlock, Name: "dev/sda", Mode: 0o660, Gid: 6, Devmajor: 8}, ""},
			{tar.Header{Typeflag: tar.TypeChar, Name: "dev/null", Mode: 0o666, Devmajor: 1, Devminor: 3}, ""},
			{tar.Header{Typeflag: tar.TypeFifo, Name: "dev/initctl", Mode: 0o600}, ""},
		}, []string{
			"5 0755 0:0 dev/", "6 0600 0:0 dev/initctl", "3 0666 0:0 dev/null 1,3", "4 0660 0:6 dev/sda 8,0",
		}},
		{"symlinks verbatim", []member{link(tar.TypeSymlink, "a", "../../b/"), link(tar.TypeSymlink, "b", "/etc//x")}, []string{
			"2 0777 0:0 a -> ../../b/", "2 0777 0:0 b -> /etc//x",
		}},
		{"hard link, target first", []member{file("b", "x"), link(tar.TypeLink, "a", "b")}, []string{
			"0 0644 0:0 a = x", "1 0644 0:0 b -> a",
		}},
		{"hard link, target last", []member{link(tar.TypeLink, "c", "./b"), link(tar.TypeLink, "a", "c"), file("b", "x")}, []string{
			"0 0644 0:0 a = x", "1 0644 0:0 b -> a", "1 0644 0:0 c -> a",
		}},
		{"hard linked symlink", []member{link(tar.TypeSymlink, "b", "t"), link(tar.TypeLink, "a", "b")}, []string{
			"2 0777 0:0 a -> t", "1 0777 0:0 b -> a",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := imagetest.NewLayout(t)
			layer := writeLayer(t, l, tt.in...)
			var got []string
			for i, p := range unpack(t, l, layer) {
				got = append(got, p.describe())
				if !p.ModTime.Equal(epoch) || !p.AccessTime.IsZero() || p.Uname+p.Gname != "" {
					t.Errorf("%s: time %v, access time %v, owner %q %q", p.Name, p.ModTime, p.AccessTime, p.Uname, p.Gname)
				}
				if e := layer.Entries[i]; e.Path != strings.TrimSuffix(p.Name, "/") || e.Size != int64(len(p.content)) || e.Link != p.Linkname {
					t.Errorf("entry %+v stands for %s", e, p.describe())
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("layer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWriteLayerFormat(t *testing.T) {
	l := imagetest.NewLayout(t)
	long := strings.Repeat("n", 101)
	layer := writeLayer(t, l, file("short", ""), file(strings.Repeat("d", 99)+"/f", ""), file(long, ""), file("é", ""))
	for _, p := range unpack(t, l, layer) {
		want := tar.FormatUSTAR
		if p.Name == long || p.Name == "é" {
			want = tar.FormatPAX
		}
		if p.Format != want {
			t.Errorf("%s: format %v, want %v", p.Name, p.Format, want)
		}
	}
}

// The same files are the same layer, in whatever order, shape and chunks the
// stream brings them.
func TestWriteLayerIgnoresPacking(t *testing.T) {
	l := imagetest.NewLayout(t)
	want := writeLayer(t, l, dir("a"), file("a/b", "content"), link(tar.TypeLink, "a/c", "a/b"), link(tar.TypeSymlink, "d", "a"))
	other := pack(t, link(tar.TypeSymlink, "./d", "a"), link(tar.TypeLink, "a/b", "a//c"), dir("a"), file("a/c", "content"), dir("./"))
	padded := append(other, make([]byte, 9*1024)...)
	got, err := l.WriteLayer(t.Context(), iotest.OneByteReader(bytes.NewReader(padded)), oci.LayerOptions{Epoch: epoch})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("layer (-first +second):\n%s", diff)
	}
}

func TestWriteLayerRefuses(t *testing.T) {
	socket := file("run/s", "")
	socket.Mode = 0o140755
	tests := []struct {
		name string
		in   []member
		want string
	}{
		{"path twice", []member{file("a", "1"), file("./a", "2")}, `"./a": the stream holds this path twice`},
		{"absolute path", []member{file("/a", "")}, `"/a": the path is absolute`},
		{"path that climbs", []member{file("a/../../b", "")}, `"a/../../b": the path holds ".."`},
		{"socket", []member{socket}, `"run/s": an image cannot hold a socket`},
		{"unknown type", []member{{tar.Header{Typeflag: tar.TypeCont, Name: "a"}, ""}}, "none that an image can hold"},
		{"whiteout", []member{file("a/.wh.b", "")}, "would remove a file of a lower layer"},
		{"below a whiteout", []member{file(".wh.a/b", "")}, "would remove a file of a lower layer"},
		{"not UTF-8", []member{file("a\xff", "")}, "not UTF-8"},
		{"root is a file", []member{link(tar.TypeSymlink, ".", "x")}, "the root is not a directory"},
		{"below a file", []member{file("a", ""), file("a/b/c", "")}, `"a/b/c": "a" above it is not a directory`},
		{"below a symlink", []member{link(tar.TypeSymlink, "a", "/etc"), file("a/b", "")}, `"a" above it is not a directory`},
		{"hard link to nothing", []member{link(tar.TypeLink, "a", "b")}, `"a": hard link to "b", which the stream does not hold`},
		{"hard link to a directory", []member{dir("b"), link(tar.TypeLink, "a", "b")}, `hard link to the directory "b"`},
		{"hard link out", []member{link(tar.TypeLink, "a", "../b")}, `hard link to "../b": the path holds ".."`},
		{"hard link loop", []member{link(tar.TypeLink, "a", "b"), link(tar.TypeLink, "b", "a")}, "hard links in a loop"},
		{"hard link to itself", []member{link(tar.TypeLink, "a", "a")}, "hard links in a loop"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := imagetest.NewLayout(t)
			_, err := l.WriteLayer(t.Context(), bytes.NewReader(pack(t, tt.in...)), oci.LayerOptions{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			wantClean(t, l)
		})
	}
}

func TestWriteLayerBrokenStream(t *testing.T) {
	whole := pack(t, file("a", strings.Repeat("x", 5000)), file("b", "y"))
	cause := errors.New("the build died")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		in   io.Reader
		want error
	}{
		{"empty", t.Context(), strings.NewReader(""), nil},
		{"cut in a file", t.Context(), bytes.NewReader(whole[:4096]), io.ErrUnexpectedEOF},
		{"cut between files", t.Context(), bytes.NewReader(whole[:len(whole)-1024]), nil},
		{"failing reader", t.Context(), io.MultiReader(bytes.NewReader(whole[:4096]), iotest.ErrReader(cause)), cause},
		{"failing after the end", t.Context(), io.MultiReader(bytes.NewReader(whole), iotest.ErrReader(cause)), cause},
		{"canceled", canceled, bytes.NewReader(whole), context.Canceled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := imagetest.NewLayout(t)
			_, err := l.WriteLayer(tt.ctx, tt.in, oci.LayerOptions{})
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			wantClean(t, l)
		})
	}
}

// wantClean fails if the layout holds a blob or a temporary file.
func wantClean(t *testing.T, l *oci.Layout) {
	t.Helper()
	if got, want := imagetest.Names(t, l.Dir()), []string{"blobs", "index.json", "oci-layout"}; !slices.Equal(got, want) {
		t.Errorf("the layout holds %q, want %q", got, want)
	}
	if got := imagetest.Names(t, l.Dir()+"/blobs/sha256"); len(got) != 0 {
		t.Errorf("the layout holds blobs %q", got)
	}
}

func TestWriteLayerConcurrently(t *testing.T) {
	l := imagetest.NewLayout(t)
	in := pack(t, file("a", strings.Repeat("content ", 100_000)), link(tar.TypeLink, "b", "a"))
	layers := make([]oci.Layer, 8)
	group, ctx := errgroup.WithContext(t.Context())
	for i := range layers {
		group.Go(func() (err error) {
			if layers[i], err = l.WriteLayer(ctx, bytes.NewReader(in), oci.LayerOptions{}); err != nil {
				return err
			}
			o := options(layers[i])
			o.Ref = strings.Repeat("r", i+1)
			_, err = l.WriteImage(o)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, layer := range layers {
		if layer.Digest != layers[0].Digest {
			t.Errorf("digests %s and %s of one stream", layers[0].Digest, layer.Digest)
		}
	}
	if got := len(imagetest.Index(t, l.Dir()).Manifests); got != len(layers) {
		t.Errorf("the index names %d images, want %d", got, len(layers))
	}
}

func TestLayerJSON(t *testing.T) {
	want := writeLayer(t, imagetest.NewLayout(t), file("a", "x"), link(tar.TypeSymlink, "b", "a"))
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got oci.Layer
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("layer through JSON (-want +got):\n%s", diff)
	}
}
