package nfsroot_test

import (
	"archive/tar"
	"errors"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

// made is a layer with what its history says.
type made struct {
	by      string
	entries []entry
}

// imageMade makes an image with a history.
func imageMade(t *testing.T, layers ...made) v1.Image {
	t.Helper()
	var all [][]entry
	for _, l := range layers {
		all = append(all, l.entries)
	}
	img := image(t, all...)
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	// A line without a layer, as other builders write them.
	config.History = []v1.History{{CreatedBy: "ENV A=B", EmptyLayer: true}}
	for _, l := range layers {
		config.History = append(config.History, v1.History{CreatedBy: l.by})
	}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return img
}

func TestDiff(t *testing.T) {
	s := open(t, t.TempDir())
	mustUnpack(t, s, "a", imageMade(t,
		made{"package bash 5.1", []entry{file("bin/bash", "five one"), file("doc", "d")}},
		made{"package lib 1", []entry{file("lib/a", "1"), symlink("lib/b", "a")}},
		made{"package old 1", []entry{file("old", "o")}},
		made{"package same 1", []entry{file("same", "s")}},
	))
	mustUnpack(t, s, "b", imageMade(t,
		made{"package bash 5.2", []entry{file("bin/bash", "five two!"), file("doc", "d").with(func(h *tar.Header) { h.Mode, h.Uid = 0o600, 1 })}},
		made{"package lib 1", []entry{file("lib/a", "2"), symlink("lib/b", "./a")}},
		made{"package new 3", []entry{file("new", "nn")}},
		made{"package same 1", []entry{file("same", "s")}},
	))
	d, err := s.Diff("a", "b")
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.Packages {
		d.Packages[i].Size = 0 // as it comes from the compressor
	}
	equal(t, "diff", d, unpack.Diff{
		Packages: []unpack.PackageChange{
			{Name: "bash", What: unpack.Changed, From: "5.1", To: "5.2"},
			{Name: "lib", What: unpack.Rebuilt, From: "1", To: "1"},
			{Name: "new", What: unpack.Added, To: "3"},
			{Name: "old", What: unpack.Removed, From: "1"},
		},
		Files: []unpack.FileChange{
			{Name: "bin/bash", What: unpack.Changed, How: []string{"content"}, From: 8, To: 9},
			{Name: "doc", What: unpack.Changed, How: []string{"mode", "owner"}, From: 1, To: 1},
			{Name: "lib/a", What: unpack.Changed, How: []string{"content"}, From: 1, To: 1},
			{Name: "lib/b", What: unpack.Changed, How: []string{"target"}},
			{Name: "new", What: unpack.Added, To: 2},
			{Name: "old", What: unpack.Removed, From: 1},
		},
	})
	same, err := s.Diff("a", "a")
	if err != nil || len(same.Packages)+len(same.Files) > 0 {
		t.Errorf("a root and itself differ: %+v, %v", same, err)
	}
	if _, err := s.Diff("a", "none"); !errors.Is(err, nfsroot.ErrNoRoot) {
		t.Errorf("diff with a root that is not there: %v", err)
	}
}
