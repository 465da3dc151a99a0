package entries

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// The names in rootbuild's part of the directory that no loader reads.
const (
	stateName   = "state.json"
	stagingName = ".staging"
)

// maxText is how many bytes a text may have that is read again: one for pxelinux is
// small, a script for all nodes is not.
const maxText = 16 << 20

// state says whose a directory of boot entries is, and of what it was made.
type state struct {
	Store string `json:"nfsroot"`
	Stamp string `json:"stamp,omitempty"` // empty until it is whole
}

// readState returns that of the directory, zero where nothing was written yet.
func readState(dir string) (state, error) {
	file := filepath.Join(dir, ownName, stateName)
	data, err := safeopen.Read(file, maxText)
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, nil
	}
	if err != nil {
		return state{}, err
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return state{}, fmt.Errorf("reading %s: %w: remove the file, and rootbuild entries writes it again", file, err)
	}
	return s, nil
}

// Agrees says whether the directory holds what the set says, and was not left by a
// kill on the way to it.
func (s Set) Agrees() (bool, error) {
	have, err := readState(s.Site.TFTP)
	if err != nil || have.Store != s.Store || have.Stamp != s.stamp() {
		return false, err
	}
	links, err := Links(s.Site.TFTP)
	return err == nil && maps.Equal(links, s.named()), err
}

// named returns the tags of the entries, by what they are the entries of.
func (s Set) named() map[string]string {
	named := map[string]string{}
	for link, tag := range s.links() {
		named[entryOf(link)] = tag
	}
	return named
}

// Links returns the tags of the roots that the entries in the directory dir name as it
// is: by "default", and "group NAME". A directory that is not there names none.
func Links(dir string) (map[string]string, error) {
	own := filepath.Join(dir, ownName)
	list, err := os.ReadDir(own)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading boot entries: %w", err)
	}
	named := map[string]string{}
	for _, e := range list {
		if e.Type()&fs.ModeSymlink == 0 {
			continue
		}
		to, err := os.Readlink(filepath.Join(own, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading boot entries: %w", err)
		}
		if tag, _, ok := strings.Cut(to, "@"); ok {
			named[entryOf(e.Name())] = tag
		}
	}
	return named, nil
}

// Own says whether a directory is where entries are written: what names roots below
// it are menus, which do not keep them.
func Own(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, stateName))
	return err == nil && filepath.Base(dir) == ownName
}
