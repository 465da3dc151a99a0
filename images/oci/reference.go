package oci

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
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
	name   string  // asked for of a layout; may be empty
	digest v1.Hash // asked for of a layout; may be zero
}

// ParseReference reads HOST/REPOSITORY:TAG, HOST/REPOSITORY@sha256:DIGEST,
// oci:DIR, oci-archive:FILE or docker-archive:FILE. A layout's may end with :NAME or
// @sha256:DIGEST, which pick one of several images. No host and no tag is guessed.
func ParseReference(s string) (Reference, error) {
	r, err := parseReference(s)
	if err != nil {
		return Reference{}, fmt.Errorf("reference %q: %w; want HOST/REPOSITORY:TAG, HOST/REPOSITORY@sha256:DIGEST, oci:DIR, oci-archive:FILE or docker-archive:FILE", s, err)
	}
	return r, nil
}

// IsLocal says whether a text names an image that is in no registry.
func IsLocal(s string) bool {
	format, _, found := strings.Cut(s, ":")
	return found && slices.Contains([]Format{FormatLayout, FormatArchive, FormatDocker}, Format(format))
}

func parseReference(s string) (Reference, error) {
	if IsLocal(s) {
		format, path, _ := strings.Cut(s, ":")
		return parseLocal(Format(format), path)
	}
	if info, err := os.Stat(s); err == nil && !info.IsDir() {
		return Reference{}, errors.New("it is a file: name it oci-archive:FILE, or docker-archive:FILE as docker save and podman save write it")
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
	r.path, r.name = cutName(r.path)
	if !found {
		return r, nil
	}
	var err error
	if r.digest, err = v1.NewHash(digest); err == nil && r.digest.Algorithm != "sha256" {
		err = errors.New("its digest is not a sha256")
	}
	return r, err
}

// cutName takes the name of an image from a path, PATH:NAME as skopeo and podman have
// it. A file's own name may have colons.
func cutName(path string) (file, name string) {
	if _, err := os.Lstat(path); err == nil {
		return path, ""
	}
	for i, c := range path {
		if c != ':' {
			continue
		}
		if _, err := os.Lstat(path[:i]); err == nil {
			return path[:i], path[i+1:]
		}
	}
	return path, ""
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
	s := r.at(v1.Hash{})
	if r.name != "" {
		s += ":" + r.name
	}
	if r.digest != (v1.Hash{}) {
		s += "@" + r.digest.String()
	}
	return s
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
