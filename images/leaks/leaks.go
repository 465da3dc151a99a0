// Package leaks finds in the files of a package what its build left there of
// its surroundings: what makes the package another one on another day, on
// another machine or on another base; and the secrets that no image may hold.
package leaks

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"time"
)

// Kind is what leaked.
type Kind string

// The kinds of leaks, as a recipe names them to allow one.
const (
	BuildPath Kind = "build-path" // a directory that only a build step has
	Base      Kind = "base"       // a path or a version of the base
	Date      Kind = "date"       // the day of the build
	Host      Kind = "host"       // the build host's name
	Kernel    Kind = "kernel"     // the release of the build host's kernel
	RunPath   Kind = "rpath"      // a directory that the loader searches in vain, or anyway
	Times     Kind = "times"      // in a static library, in compiled Python, in gzip's header
	Libtool   Kind = "libtool"    // a .la file: paths of the build for libtool
	Cache     Kind = "ld-cache"   // ldconfig's aux-cache: times and inodes
)

// Kinds returns all kinds.
func Kinds() []Kind {
	return []Kind{BuildPath, Base, Date, Host, Kernel, RunPath, Times, Libtool, Cache}
}

// Leak is one kind of thing in one file.
type Leak struct {
	Path string `json:"path"` // of the layer, without a leading slash
	Kind Kind   `json:"kind"`
	What string `json:"what"` // such as the text around it
}

// Surroundings are what a build ran in.
type Surroundings struct {
	// Dirs are the directories that only a build step has, such as /build.
	Dirs []string
	// Host is the build host's name. One that may be a word of its own, which
	// is one without digit, hyphen or dot, is not looked for.
	Host string
	// Kernel is the release of its kernel.
	Kernel string
	// Now is when the build ended. A date of today or yesterday leaked, unless
	// it is that of the Epoch, which steps know.
	Now, Epoch time.Time
}

// Find reads the tar of a layer and returns its leaks, one of each kind a file,
// in the order of the tar.
func Find(layer io.Reader, s Surroundings) ([]Leak, error) {
	f := finder{words: s.words(), epoch: s.Epoch, files: map[string]bool{}}
	for in := tar.NewReader(layer); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("looking for leaks: %w", err)
		}
		name := path.Clean(h.Name)
		f.files[name] = true
		if h.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(in)
		if err != nil {
			return nil, fmt.Errorf("looking for leaks in /%s: %w", name, err)
		}
		f.file(name, content)
	}
	return f.found(), nil
}

// finder collects the leaks of a layer.
type finder struct {
	words []word
	epoch time.Time
	files map[string]bool // paths of the layer
	leaks []Leak
	runs  []runPath // judged when all files are known
}

// found returns the leaks, with the paths for the loader that no file needs.
func (f *finder) found() []Leak {
	for _, r := range f.runs {
		for _, dir := range r.dirs {
			if !r.needs(dir, f.files) {
				f.add(r.file, RunPath, dir)
			}
		}
	}
	return f.leaks
}

// add notes a leak, the first of its kind in its file.
func (f *finder) add(name string, kind Kind, what string) {
	same := func(l Leak) bool { return l.Path == name && l.Kind == kind }
	if !slices.ContainsFunc(f.leaks, same) {
		f.leaks = append(f.leaks, Leak{name, kind, what})
	}
}

func (f *finder) file(name string, content []byte) {
	switch {
	case path.Ext(name) == ".la":
		f.add(name, Libtool, "a libtool archive")
	case path.Ext(name) == ".pyc":
		f.time(name, pycTime(content))
	case path.Base(name) == "aux-cache":
		f.add(name, Cache, "ldconfig's cache")
	}
	f.time(name, archiveTime(content))
	if r, ok := readRunPath(name, content); ok {
		f.runs = append(f.runs, r)
	}
	f.text(name, content)
	if text, modified, ok := unzip(content); ok {
		f.text(name, text)
		if !modified.IsZero() && !modified.Equal(f.epoch) {
			f.add(name, Times, "gzip's header: "+modified.UTC().Format(time.RFC3339))
		}
	}
}

// time notes a time, if there is one.
func (f *finder) time(name, what string) {
	if what != "" {
		f.add(name, Times, what)
	}
}

// text looks for every word.
func (f *finder) text(name string, content []byte) {
	for _, w := range f.words {
		if at := w.find(content); at >= 0 {
			f.add(name, w.kind, around(content, at, len(w.text)))
		}
	}
}

// unzipped is how much of a compressed file is looked at.
const unzipped = 64 << 20

// unzip returns what a gzip file holds, and the time in its header.
func unzip(content []byte) ([]byte, time.Time, bool) {
	r, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, time.Time{}, false
	}
	text, err := io.ReadAll(io.LimitReader(r, unzipped))
	return text, r.ModTime, err == nil
}
