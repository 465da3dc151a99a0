// Package oci is an image on disk. It keeps images in an OCI image layout, with what
// is attached to them, writes them to other places, and takes them from a Source
// that it does not trust. It opens no connection and knows no keys.
//
// The bytes of an image are a function of what goes in. A layer is one
// canonical tar under one pinned encoder, config and manifest are JSON with
// sorted keys, and the only time in any of them is the epoch that the caller
// names.
package oci

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/renameio/v2"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

const (
	layoutFile    = "oci-layout"
	layoutVersion = "1.0.0"
	layoutMarker  = `{"imageLayoutVersion":"` + layoutVersion + `"}`
	indexFile     = "index.json"
	tempPrefix    = ".tmp-"

	// staleAfter is how old a temporary file must be before it counts as left
	// by a killed process and not as one that another process still writes.
	staleAfter = 24 * time.Hour
)

// Layout is an OCI image layout directory. Its methods may be called from
// several goroutines at once; of the processes that use a directory, one at a
// time may write.
type Layout struct {
	dir   string
	index sync.Mutex
}

// OpenLayout opens the image layout in dir, and creates it when dir is absent
// or empty. A directory that holds something else is an error and stays as it
// is.
func OpenLayout(dir string) (*Layout, error) {
	l := &Layout{dir: dir}
	if err := l.claim(); err != nil {
		return nil, fmt.Errorf("opening OCI layout %s: %w", dir, err)
	}
	return l, nil
}

// Dir returns the directory that the layout was opened with.
func (l *Layout) Dir() string { return l.dir }

// BlobPath returns where the blob h is kept, whether it is there or not.
func (l *Layout) BlobPath(h v1.Hash) string {
	return filepath.Join(l.dir, "blobs", h.Algorithm, h.Hex)
}

// Has says whether the blob h is in the layout.
func (l *Layout) Has(h v1.Hash) bool {
	info, err := os.Lstat(l.BlobPath(h))
	return err == nil && info.Mode().IsRegular()
}

// claim makes sure that the directory is a layout of the version known here.
func (l *Layout) claim() error {
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return err
	}
	marker, err := safeopen.Read(l.path(layoutFile), MaxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return l.create()
	}
	if err != nil {
		return err
	}
	var m struct {
		Version string `json:"imageLayoutVersion"`
	}
	if err := json.Unmarshal(marker, &m); err != nil {
		return fmt.Errorf("reading %s: %w", layoutFile, err)
	}
	if m.Version != layoutVersion {
		return fmt.Errorf("layout version %q, want %q", m.Version, layoutVersion)
	}
	return l.complete()
}

// create turns an empty directory into a layout. The marker goes first, so
// that a creation cut short is known for what it is and gets completed.
func (l *Layout) create() error {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "."+layoutFile) {
			return fmt.Errorf("neither empty nor an OCI layout: it holds %s and no %s", e.Name(), layoutFile)
		}
	}
	if err := l.writeFile(layoutFile, []byte(layoutMarker)); err != nil {
		return err
	}
	return l.complete()
}

// complete adds what is missing beside the marker and removes what killed
// writers left.
func (l *Layout) complete() error {
	if err := os.MkdirAll(l.path("blobs", "sha256"), 0o755); err != nil {
		return err
	}
	info, err := os.Lstat(l.path(indexFile))
	if errors.Is(err, fs.ErrNotExist) {
		err = l.writeIndex(newIndex())
	} else if err == nil {
		err = l.shrink(info.Size())
	}
	if err != nil {
		return err
	}
	return l.sweep()
}

// sweep removes stale temporary files. Another writer may be quicker.
func (l *Layout) sweep() error {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), tempPrefix) {
			continue
		}
		if err := l.removeStale(e); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (l *Layout) removeStale(e fs.DirEntry) error {
	info, err := e.Info()
	if err != nil || time.Since(info.ModTime()) < staleAfter {
		return err
	}
	return os.Remove(l.path(e.Name()))
}

// writeFile replaces a file at the top of the layout, whole or not at all.
func (l *Layout) writeFile(name string, data []byte) error {
	return renameio.WriteFile(l.path(name), data, 0o644, renameio.WithTempDir(l.dir))
}

func (l *Layout) path(elem ...string) string {
	return filepath.Join(append([]string{l.dir}, elem...)...)
}
