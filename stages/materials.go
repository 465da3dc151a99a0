package stages

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	intoto "github.com/in-toto/attestation/go/v1"
	"golang.org/x/mod/sumdb/dirhash"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/rootbuild/rootbuild/images"
)

// Materials describes what a graph is made of, as in-toto's ResourceDescriptors: the
// target and every recipe as they lie in a blueprint, and every source. made says, by
// the name of a stage, how its result came.
func (g Graph) Materials(made map[string]string) ([]*intoto.ResourceDescriptor, error) {
	target, err := g.Target.Flatten()
	if err != nil {
		return nil, err
	}
	list := materials{}
	list.dir("target", target, nil)
	for _, r := range g.Recipes() {
		annotations := map[string]any{"kind": string(r.Kind), "version": r.Version}
		if how := made[r.Name]; how != "" {
			annotations["made"] = how
		}
		files := maps.Clone(r.Files)
		if files == nil {
			files = map[string][]byte{}
		}
		files[recipeFile] = r.Text
		list.dir(path.Join(images.FlatRecipes, r.Name), files, annotations)
	}
	for _, s := range g.Sources() {
		list.source(s)
	}
	return list.all, list.err
}

// materials is a list that is being written.
type materials struct {
	all []*intoto.ResourceDescriptor
	err error // the first one
}

// dir adds files by the digest of their directory, which in-toto calls dirHash.
func (m *materials) dir(name string, files map[string][]byte, annotations map[string]any) {
	sum, err := dirHash(files)
	if err != nil {
		m.fail(fmt.Errorf("hashing %s: %w", name, err))
	}
	m.add(&intoto.ResourceDescriptor{Name: name, Digest: map[string]string{string(intoto.AlgorithmDirHash): sum}}, annotations)
}

func (m *materials) source(s Source) {
	var uris []any
	for _, o := range s.Origins {
		uris = append(uris, o.uri())
	}
	d := &intoto.ResourceDescriptor{Name: s.Name, Digest: map[string]string{string(intoto.AlgorithmSHA256): s.SHA256}}
	if len(s.Origins) > 0 {
		d.Uri = s.Origins[0].uri()
	}
	m.add(d, map[string]any{"origins": uris})
}

func (m *materials) add(d *intoto.ResourceDescriptor, annotations map[string]any) {
	if len(annotations) > 0 {
		var err error
		if d.Annotations, err = structpb.NewStruct(annotations); err != nil {
			m.fail(fmt.Errorf("describing %s: %w", d.GetName(), err))
		}
	}
	m.all = append(m.all, d)
}

func (m *materials) fail(err error) {
	if m.err == nil {
		m.err = err
	}
}

// uri names the origin as provenance does: apt:PATH is a file of any Debian archive,
// and what follows # is a member of the Debian package before it.
func (o Origin) uri() string {
	where := public(o.URL)
	if o.URL == "" {
		where = "apt:" + o.Apt
	}
	if o.Member != "" {
		where += "#" + o.Member
	}
	return where
}

// dirHash is the sha256 of the lines that sha256sum prints of files, sorted by name.
func dirHash(files map[string][]byte) (string, error) {
	sum, err := dirhash.Hash1(slices.Collect(maps.Keys(files)), func(name string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(files[name])), nil
	})
	if err != nil {
		return "", err
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sum, "h1:"))
	return hex.EncodeToString(raw), err
}
