package builder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/safeopen"
)

// Key names a definition: the digest of its last operation, and with that of
// every operation and source below it. Equal keys mean equal builds.
func Key(def *llb.Definition) digest.Digest {
	return digest.FromBytes(def.Def[len(def.Def)-1])
}

// kindLayers are the records of which definition gave which layer.
const kindLayers = "layers"

// maxRecord is how large a record may be, in bytes.
const maxRecord = 64 << 20

// readRecord reads a JSON record. A missing one leaves v alone and says false.
func (s *State) readRecord(kind string, key digest.Digest, v any) (bool, error) {
	data, err := safeopen.Read(s.recordPath(kind, key), maxRecord)
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

func (s *State) writeRecord(kind string, key digest.Digest, v any) error {
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

// layer returns the layer that an earlier build made of a definition, if its
// blob is still there.
func (s *State) layer(images *oci.Layout, key digest.Digest) (oci.Layer, bool, error) {
	var l oci.Layer
	found, err := s.readRecord(kindLayers, key, &l)
	return l, found && err == nil && images.Has(l.Digest), err
}

// HasLayer says whether an earlier build made a layer of a definition, so that
// a build has nothing to do for it.
func (s *State) HasLayer(images *oci.Layout, def *llb.Definition) (bool, error) {
	_, found, err := s.layer(images, Key(def))
	return found, err
}

// Keep writes what the caller wants to find in a later run: v as JSON, under a
// name of its kind.
func (s *State) Keep(kind, name string, v any) error {
	return s.writeRecord(kind, digest.FromString(name), v)
}

// Kept reads what Keep wrote. If there is nothing it leaves v alone and says
// false.
func (s *State) Kept(kind, name string, v any) (bool, error) {
	return s.readRecord(kind, digest.FromString(name), v)
}
