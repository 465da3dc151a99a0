package trust

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
)

// Policy says whose signatures an image needs before it may be used. The zero
// value lets nothing through.
type Policy struct {
	// Name is what errors call the policy: its file.
	Name string
	// Rules are tried in their order; the first that names a reference counts.
	Rules []Rule
	// Default is the rule of references that no other names.
	Default Rule
	// Packages is the rule of packages that builds take, wherever they come from.
	Packages Rule
	// FailRefused has a build fail on a package that the rule refuses, and not build
	// it instead.
	FailRefused bool
}

// ForPackages is the policy of packages alone. Without a rule for them it lets none
// through.
func (p Policy) ForPackages() Policy {
	return Policy{Name: p.Name, Default: p.Packages, FailRefused: p.FailRefused}
}

// Unverified is the policy that lets everything through. Who uses it says so to
// the user.
var Unverified = Policy{Name: "none", Default: Rule{Unsigned: true}}

// Rule is what a policy asks of some references. The zero value refuses all.
type Rule struct {
	// References are repositories, or with a slash at the end all below; or
	// "oci:" and "oci-archive:" with the beginning of a path.
	References []string
	// Unsigned lets images through that nobody signed.
	Unsigned bool
	// Signatures is who has to have signed the image.
	Signatures Quorum
	// Rebuilt is who has to have stated that a build of their own gave the
	// same image.
	Rebuilt Quorum
	// Repositories are those that the image may be signed for, beside the one
	// that it comes from.
	Repositories []string
}

// Quorum is that some of several keys have to agree. The zero value asks for
// nothing.
type Quorum struct {
	Need int
	Of   []PublicKey
}

// Verdict is what made a policy let an image through.
type Verdict struct {
	Digest v1.Hash
	// Signed and Rebuilt are the names of the keys that count.
	Signed, Rebuilt []string
	// SignedIDs are the IDs of the keys in Signed.
	SignedIDs []string
	// Provenance are the names of the keys that say how the image was built, of those
	// that the rule names. It counts for nothing.
	Provenance []string
	// Repository is the one that the image came from, or, from a layout, the
	// one that it was signed for. It may be empty.
	Repository string
	// Serial is the highest that as many keys as are needed vouch for.
	Serial uint64
}

// WriteText tells a person who vouches for the image.
func (v Verdict) WriteText(w io.Writer) {
	tell := func(what string, keys []string) {
		if len(keys) > 0 {
			fmt.Fprintf(w, "%s by %s\n", what, strings.Join(keys, ", "))
		}
	}
	tell("signed", v.Signed)
	tell("rebuilt", v.Rebuilt)
	tell("provenance signed", v.Provenance)
	fmt.Fprintf(w, "serial %d\n", v.Serial)
}

// rule returns the one for a reference.
func (p Policy) rule(from oci.Reference) Rule {
	for _, r := range p.Rules {
		if slices.ContainsFunc(r.References, func(pattern string) bool { return names(pattern, from) }) {
			return r
		}
	}
	return p.Default
}

// names says whether a pattern of a rule is for a reference.
func names(pattern string, r oci.Reference) bool {
	if format, dir, _ := strings.Cut(pattern, ":"); format == string(oci.FormatLayout) || format == string(oci.FormatArchive) {
		return format == string(r.Format()) && below(dir, r.Path())
	}
	repository := r.Repository()
	pattern = oci.CanonicalRepository(pattern)
	return repository != "" && (pattern == repository || strings.HasSuffix(pattern, "/") && strings.HasPrefix(repository, pattern))
}

// below says whether a path begins with that of a pattern: both without "..", and the
// path from the top if the pattern is.
func below(pattern, path string) bool {
	if pattern == "" {
		return true
	}
	if filepath.IsAbs(pattern) {
		abs, err := filepath.Abs(path)
		if err != nil {
			return false
		}
		path = abs
	}
	clean := filepath.Clean(pattern)
	if strings.HasSuffix(pattern, "/") && clean != "/" {
		clean += "/"
	}
	return strings.HasPrefix(filepath.Clean(path), clean)
}

// judge lets an image through, or tells all that is missing.
func (p Policy) judge(from oci.Reference, image v1.Hash, list []signed) (Verdict, error) {
	r := p.rule(from)
	if r.Unsigned {
		return Verdict{Digest: image, Repository: from.Repository()}, nil
	}
	t := newTrial(r, from, image)
	for _, s := range list {
		t.hear(s)
	}
	v, err := t.verdict()
	if err != nil {
		return Verdict{}, fmt.Errorf("image %s of %s is not trusted by policy %s: %w", image, from, p.Name, err)
	}
	return v, nil
}
