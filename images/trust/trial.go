package trust

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
)

// trial weighs the signatures of one image against one rule.
type trial struct {
	rule         Rule
	image        v1.Hash
	from         oci.Reference
	signed       map[string]uint64 // the highest serial by the key's ID
	rebuilt      map[string]uint64
	provenance   map[string]bool // names of keys
	repositories map[string]bool // that what counts was signed for
	doubts       []string        // why others do not count
}

func newTrial(r Rule, from oci.Reference, image v1.Hash) *trial {
	return &trial{rule: r, image: image, from: from, signed: map[string]uint64{}, rebuilt: map[string]uint64{}, provenance: map[string]bool{}, repositories: map[string]bool{}}
}

// hear counts a signature, or notes why it does not count.
func (t *trial) hear(s signed) {
	if s.err != nil {
		t.doubt("a signature cannot be read: %v", s.err)
		return
	}
	what, quorum, count := "a signature", t.rule.Signatures, t.signed
	switch s.predicate {
	case signedPredicate:
	case RebuiltPredicate:
		what, quorum, count = "a statement of a rebuild", t.rule.Rebuilt, t.rebuilt
	case ProvenancePredicate:
		t.note(s)
		return
	default:
		return
	}
	i := slices.IndexFunc(quorum.Of, func(k PublicKey) bool { return s.by(k) })
	if i < 0 {
		if quorum.Need > 0 {
			t.doubt("%s is of no key that counts", what)
		}
		return
	}
	key := quorum.Of[i]
	what += " of key " + key.Name
	switch {
	case s.image != t.image:
		t.doubt("%s is for another image, %s", what, s.image)
	case key.expired():
		t.doubt("%s does not count: the key expired on %s", what, key.Expires.Format(time.DateOnly))
	case !t.meant(s.repository):
		t.doubt("%s is for another repository, %s", what, s.repository)
	default:
		count[key.ID()] = max(count[key.ID()], s.serial)
		if s.repository != "" {
			t.repositories[oci.CanonicalRepository(s.repository)] = true
		}
	}
}

// note keeps who says how the image was built. Nothing is decided by it.
func (t *trial) note(s signed) {
	for _, k := range slices.Concat(t.rule.Signatures.Of, t.rule.Rebuilt.Of) {
		if s.image == t.image && !k.expired() && t.meant(s.repository) && s.by(k) {
			t.provenance[k.Name] = true
		}
	}
}

// meant says whether an image that was signed for a repository may come from
// where it came from. A layout is in none.
func (t *trial) meant(repository string) bool {
	repository = oci.CanonicalRepository(repository)
	return repository == "" || repository == t.from.Repository() ||
		slices.ContainsFunc(t.rule.Repositories, func(r string) bool { return oci.CanonicalRepository(r) == repository }) ||
		!t.from.Registry() && len(t.rule.Repositories) == 0
}

func (t *trial) doubt(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(t.doubts, text) {
		t.doubts = append(t.doubts, text)
	}
}

// verdict is the end of it.
func (t *trial) verdict() (Verdict, error) {
	if t.rule.Signatures.Need == 0 && t.rule.Rebuilt.Need == 0 {
		return Verdict{}, errors.New("it has no rule for this reference, and refuses what it has no rule for")
	}
	err := errors.Join(t.rule.Signatures.check("signature", t.signed), t.rule.Rebuilt.check("statement of a rebuild", t.rebuilt))
	if err == nil && t.from.Repository() == "" && len(t.repositories) > 1 {
		err = fmt.Errorf("it is signed for several repositories, %s, and does not come from one", strings.Join(slices.Sorted(maps.Keys(t.repositories)), ", "))
	}
	if err != nil {
		for _, d := range t.doubts {
			err = fmt.Errorf("%w\n    %s", err, d)
		}
		return Verdict{}, err
	}
	v := Verdict{
		Digest: t.image, Repository: t.from.Repository(),
		Signed: t.rule.Signatures.names(t.signed), SignedIDs: t.rule.Signatures.ids(t.signed),
		Rebuilt: t.rule.Rebuilt.names(t.rebuilt), Provenance: slices.Sorted(maps.Keys(t.provenance)),
	}
	if v.Repository == "" {
		v.Repository = strings.Join(slices.Collect(maps.Keys(t.repositories)), "")
	}
	v.Serial = t.rule.Signatures.serial(t.signed)
	if t.rule.Signatures.Need == 0 {
		v.Serial = t.rule.Rebuilt.serial(t.rebuilt)
	}
	return v, nil
}

// check says whose word is missing.
func (q Quorum) check(what string, have map[string]uint64) error {
	if len(have) >= q.Need {
		return nil
	}
	var missing, names []string
	for _, k := range q.Of {
		names = append(names, k.Name)
		if _, ok := have[k.ID()]; !ok {
			missing = append(missing, k.Name)
		}
	}
	return fmt.Errorf("it needs a %s of %d of the keys %s, and has %d; missing: %s",
		what, q.Need, strings.Join(names, ", "), len(have), strings.Join(missing, ", "))
}

func (q Quorum) names(have map[string]uint64) []string {
	var list []string
	for _, k := range q.Of {
		if _, ok := have[k.ID()]; ok {
			list = append(list, k.Name)
		}
	}
	return list
}

func (q Quorum) ids(have map[string]uint64) []string {
	var list []string
	for _, k := range q.Of {
		if _, ok := have[k.ID()]; ok {
			list = append(list, k.ID())
		}
	}
	return list
}

// serial is the highest that as many keys as are needed vouch for, so that
// fewer cannot raise it.
func (q Quorum) serial(have map[string]uint64) uint64 {
	all := slices.Sorted(maps.Values(have))
	if q.Need == 0 || len(all) < q.Need {
		return 0
	}
	return all[len(all)-q.Need]
}
