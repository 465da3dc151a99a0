package oci

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Reference names an image in a registry, by tag or digest, or in an image
// layout: a directory, or a tar of one.
type Reference struct {
	remote name.Reference // of a registry, or nil

	format Format // of a layout
	path   string
	digest v1.Hash // asked for of a layout; may be zero
}

// ParseReference reads HOST/REPOSITORY:TAG, HOST/REPOSITORY@sha256:DIGEST,
// oci:DIR or oci-archive:FILE. A layout's may end with @sha256:DIGEST, which
// picks one of several images. No host and no tag is guessed.
func ParseReference(s string) (Reference, error) {
	r, err := parseReference(s)
	if err != nil {
		return Reference{}, fmt.Errorf("reference %q: %w; want HOST/REPOSITORY:TAG, HOST/REPOSITORY@sha256:DIGEST, oci:DIR or oci-archive:FILE", s, err)
	}
	return r, nil
}

func parseReference(s string) (Reference, error) {
	format, path, found := strings.Cut(s, ":")
	switch f := Format(format); {
	case found && (f == FormatLayout || f == FormatArchive):
		return parseLocal(f, path)
	case found && f == FormatDocker:
		return Reference{}, errors.New("it has no manifest that could be checked")
	}
	if strings.Contains(s, "://") {
		return Reference{}, errors.New("it begins with a scheme: leave that out")
	}
	ref, err := name.ParseReference(s, name.StrictValidation)
	if err != nil {
		return Reference{}, errors.New("it names no host, or neither a tag nor a digest")
	}
	if d, ok := ref.(name.Digest); ok && !strings.HasPrefix(d.DigestStr(), "sha256:") {
		return Reference{}, errors.New("its digest is not a sha256")
	}
	if !repositoryName.MatchString(ref.Context().RepositoryStr()) {
		return Reference{}, errors.New("its repository is no path of lower case words")
	}
	return Reference{remote: ref}, nil
}

// repositoryName is what the standard of registries allows. It becomes a part of
// addresses, in which dots have a meaning.
var repositoryName = regexp.MustCompile(`^[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)

func parseLocal(f Format, path string) (Reference, error) {
	r := Reference{format: f}
	var digest string
	var found bool
	r.path, digest, found = strings.Cut(path, "@")
	if r.path == "" {
		return Reference{}, errors.New("it has no path")
	}
	if !found {
		return r, nil
	}
	var err error
	if r.digest, err = v1.NewHash(digest); err == nil && r.digest.Algorithm != "sha256" {
		err = errors.New("its digest is not a sha256")
	}
	return r, err
}

// Reference returns that of the image h in the layout.
func (l *Layout) Reference(h v1.Hash) Reference {
	return Reference{format: FormatLayout, path: l.dir, digest: h}
}

// Registry says whether the image is in a registry, and not in a layout.
func (r Reference) Registry() bool { return r.remote != nil }

// Remote returns the name in a registry, or nil for a layout.
func (r Reference) Remote() name.Reference { return r.remote }

// Pinned says whether the reference names one image for ever, by its digest.
func (r Reference) Pinned() bool {
	if r.remote == nil {
		return r.digest != (v1.Hash{})
	}
	_, ok := r.remote.(name.Digest)
	return ok
}

// Dir returns the directory of a layout, and "" for others.
func (r Reference) Dir() string {
	if r.format != FormatLayout {
		return ""
	}
	return r.path
}

// Repository returns HOST/REPOSITORY, in the form of CanonicalRepository, or "" for a
// layout.
func (r Reference) Repository() string {
	if r.remote == nil {
		return ""
	}
	return CanonicalRepository(r.remote.Context().Name())
}

// CanonicalRepository gives HOST/REPOSITORY one form, so that two names of one place
// are equal: the host in lower case, without the dot of a full name and without the
// port that is meant if none is named. Docker's registry has several names.
func CanonicalRepository(s string) string {
	host, path, found := strings.Cut(s, "/")
	host = strings.ToLower(host)
	for _, port := range []string{":443", ":80"} {
		host = strings.TrimSuffix(host, port)
	}
	name, port, ported := strings.Cut(host, ":")
	if host = strings.TrimSuffix(name, "."); ported {
		host += ":" + port
	}
	if host == "index.docker.io" || host == "registry-1.docker.io" {
		host = "docker.io"
	}
	if found {
		host += "/" + path
	}
	return host
}

// Path returns that of a layout or an archive, or "" for a registry.
func (r Reference) Path() string { return r.path }

// Format returns how a layout is kept, or "" for a registry.
func (r Reference) Format() Format { return r.format }

// String returns the form that ParseReference reads.
func (r Reference) String() string {
	if r.remote != nil {
		return r.remote.Name()
	}
	return r.at(r.digest)
}

// At returns the reference with the digest of the image that it led to, as a
// record keeps it: with the tag too, where there was one.
func (r Reference) At(h v1.Hash) string {
	if r.remote == nil {
		return r.at(h)
	}
	if tag, ok := r.remote.(name.Tag); ok {
		return tag.Name() + "@" + h.String()
	}
	return r.remote.Name()
}

func (r Reference) at(h v1.Hash) string {
	s := string(r.format) + ":" + r.path
	if h != (v1.Hash{}) {
		s += "@" + h.String()
	}
	return s
}

// tag is the name by which a layout keeps the image: what a registry calls it.
// A digest needs none.
func (r Reference) tag() string {
	if tag, ok := r.remote.(name.Tag); ok {
		return tag.Name()
	}
	return ""
}
