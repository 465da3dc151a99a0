package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/safeopen"
)

// MaxRecord is how large a record may be, in bytes.
const MaxRecord = 64 << 20

// Read reads a JSON record. A missing one leaves v alone and says false.
func (s *State) Read(kind string, key digest.Digest, v any) (bool, error) {
	data, err := safeopen.Read(s.recordPath(kind, key), MaxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading record: %w", err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return false, fmt.Errorf("reading record %s: %w", s.recordPath(kind, key), err)
	}
	return true, nil
}

// Write writes a JSON record, whole or not at all.
func (s *State) Write(kind string, key digest.Digest, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	path := s.recordPath(kind, key)
	_, err = safeopen.Make(filepath.Dir(path), 0o700)
	if err := errors.Join(err, safeopen.Subdir(filepath.Dir(path))); err != nil {
		return fmt.Errorf("writing record: %w", err)
	}
	if err := renameio.WriteFile(path, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing record: %w", err)
	}
	return nil
}

func (s *State) recordPath(kind string, key digest.Digest) string {
	return filepath.Join(s.dir, "records", kind, key.Encoded()+".json")
}

// Layer returns the layer that an earlier build made of a definition, if its
// blob is still there.
func (s *State) Layer(images *oci.Layout, key digest.Digest) (oci.Layer, bool, error) {
	var l oci.Layer
	found, err := s.Read(KindLayers, key, &l)
	return l, found && err == nil && images.Has(l.Digest), err
}

// KeepLayer records the layer that a build made of a definition.
func (s *State) KeepLayer(key digest.Digest, l oci.Layer) error {
	return s.Write(KindLayers, key, l)
}

// Keep writes what the caller wants to find in a later run: v as JSON, under a
// name of its kind.
func (s *State) Keep(kind, name string, v any) error {
	return s.Write(kind, digest.FromString(name), v)
}

// Kept reads what Keep wrote. If there is nothing it leaves v alone and says
// false.
func (s *State) Kept(kind, name string, v any) (bool, error) {
	return s.Read(kind, digest.FromString(name), v)
}
