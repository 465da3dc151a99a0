package nfsroot

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// ErrNoRoot is wrapped by errors about a tag that the store does not have.
var ErrNoRoot = errors.New("no such root")

// Root is one complete node root.
type Root struct {
	Tag    string
	Digest v1.Hash // of the image's manifest
	Ref    string  // reference the image came by; may be empty
	Target string  // target the image was built from; may be empty

	Created time.Time // when it was unpacked
	Size    int64     // bytes in its regular files, hard links counted once
	Files   int       // names in its tree, the root itself included

	Current bool // whether current names it
}

// record is a Root as it is kept in roots/<tag>.json.
type record struct {
	Tag     string    `json:"tag"`
	Digest  v1.Hash   `json:"digest"`
	Ref     string    `json:"ref,omitempty"`
	Target  string    `json:"target,omitempty"`
	Created time.Time `json:"created"`
	Size    int64     `json:"size"`
	Files   int       `json:"files"`
}

func (v *View) recordPath(tag string) string { return v.meta("roots", tag+".json") }

// records returns the tags that have a record, sorted.
func (v *View) records() ([]string, error) {
	entries, err := os.ReadDir(v.meta("roots"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing roots of %s: %w", v.dir, err)
	}
	var tags []string
	for _, e := range entries {
		tag, ok := strings.CutSuffix(e.Name(), ".json")
		if ok && checkTag(tag) == nil {
			tags = append(tags, tag)
		}
	}
	return tags, nil
}

// root returns a complete root, or an error that wraps fs.ErrNotExist.
func (v *View) root(tag string) (Root, error) {
	if !v.exists(tag) {
		return Root{}, fmt.Errorf("reading root %s: %w", tag, fs.ErrNotExist)
	}
	data, err := os.ReadFile(v.recordPath(tag))
	if err != nil {
		return Root{}, fmt.Errorf("reading root %s: %w", tag, err)
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return Root{}, fmt.Errorf("reading %s: %w", v.recordPath(tag), err)
	}
	current, err := v.Current()
	if err != nil {
		return Root{}, err
	}
	return Root{
		Tag: tag, Digest: r.Digest, Ref: r.Ref, Target: r.Target,
		Created: r.Created, Size: r.Size, Files: r.Files, Current: current == tag,
	}, nil
}

// writeRecord keeps what is known of a root.
func (s *Store) writeRecord(r Root) error {
	data, err := json.MarshalIndent(record{
		Tag: r.Tag, Digest: r.Digest, Ref: r.Ref, Target: r.Target,
		Created: r.Created, Size: r.Size, Files: r.Files,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("internal error: encoding the record of %s: %w", r.Tag, err)
	}
	return s.writeFile("roots/"+r.Tag+".json", append(data, '\n'))
}

func sortNewestFirst(roots []Root) {
	slices.SortFunc(roots, func(a, b Root) int {
		return cmp.Or(b.Created.Compare(a.Created), strings.Compare(a.Tag, b.Tag))
	})
}
