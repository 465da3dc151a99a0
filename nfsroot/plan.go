package nfsroot

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Policy says what a collection has to leave.
type Policy struct {
	// Keep is how many roots of each target stay, those that were current last
	// or unpacked last.
	Keep int
	// Grace is how long a root stays after it was unpacked or current, and
	// again how long it stays in the trash.
	Grace time.Duration
	// Sources tell what nodes hold.
	Sources Sources
	// Now is the time to reckon from. The zero value is the clock's.
	Now time.Time
}

// The reasons for which a root stays.
const (
	KeptCurrent    = "current"
	KeptEntry      = "boot entry"
	KeptRollback   = "rollback goes to it"
	KeptInUse      = "in use"
	KeptUnknown    = "may be in use"
	KeptGeneration = "generation"
	KeptGrace      = "grace"
)

// Reason is why a root stays.
type Reason struct {
	Why    string `json:"why"`
	Detail string `json:"detail,omitempty"`
}

// String is the reason for a person.
func (r Reason) String() string {
	if r.Detail == "" {
		return r.Why
	}
	return r.Why + ": " + r.Detail
}

// Standing is a root and what holds it. One that nothing holds goes.
type Standing struct {
	Root
	Kept []Reason
	Uses []Use // those that name the root
}

// Plan is what a collection would do.
type Plan struct {
	Roots []Standing // the newest first
	Trash []Trashed  // the oldest first
}

// going returns the tags of the roots that go.
func (p Plan) going() []string {
	var tags []string
	for _, r := range p.Roots {
		if len(r.Kept) == 0 {
			tags = append(tags, r.Tag)
		}
	}
	return tags
}

// Plan says of each root, and of all in the trash, whether a collection under
// this policy would take it, and why not.
func (v *View) Plan(p Policy) (Plan, error) {
	if p.Keep < 0 || p.Grace < 0 {
		return Plan{}, fmt.Errorf("planning a collection of nfsroot %s: %d generations and a grace of %s: neither can be negative", v.dir, p.Keep, p.Grace)
	}
	if p.Now.IsZero() {
		p.Now = time.Now()
	}
	facts, err := v.gather(p)
	if err != nil {
		return Plan{}, fmt.Errorf("planning a collection of nfsroot %s: %w", v.dir, err)
	}
	var plan Plan
	for _, r := range facts.roots {
		plan.Roots = append(plan.Roots, Standing{r, facts.reasons(r), append([]Use{}, facts.uses[r.Tag]...)})
	}
	for _, t := range facts.trash {
		t.Kept = facts.trashReasons(t)
		plan.Trash = append(plan.Trash, t)
	}
	return plan, nil
}

// facts is what decides over roots.
type facts struct {
	policy   Policy
	roots    []Root
	trash    []Trashed
	current  string // tag of the root that current leads to
	previous string
	last     map[string]time.Time // when a tag was current last
	rank     map[string]int       // generation of a tag among those of its target
	uses     map[string][]Use     // by tag
	entries  map[string][]string  // what boot entries name, by tag
	unknown  []Reason
}

func (v *View) gather(p Policy) (facts, error) {
	f := facts{policy: p}
	var errs [6]error
	f.roots, errs[0] = v.List()
	f.trash, errs[1] = v.trash()
	f.previous, errs[2] = v.Previous()
	f.current, errs[3] = v.currentRoot()
	switches, err := v.Switches()
	errs[4] = err
	f.entries, errs[5] = v.entriesByTag()
	if err := errors.Join(errs[:]...); err != nil {
		return facts{}, err
	}
	tags := map[string]bool{}
	for _, r := range f.roots {
		tags[r.Tag] = true
	}
	for _, t := range f.trash {
		tags[t.Tag] = true
	}
	f.last = lastCurrent(switches)
	f.rank = f.generations()
	uses, err := v.uses(p.Sources, tags)
	if err != nil {
		return facts{}, err
	}
	f.uses = map[string][]Use{}
	for _, u := range uses {
		f.uses[u.Tag] = append(f.uses[u.Tag], u)
	}
	f.unknown = unknownReasons(f.uses[""])
	return f, nil
}

// currentRoot returns the tag of the directory that current leads to, by
// whatever symlinks a person may have made, and nothing when that is no name
// in the store.
func (v *View) currentRoot() (string, error) {
	tag, err := v.Current()
	if err != nil || tag == "" {
		return "", err
	}
	real, err := filepath.EvalSymlinks(v.Path(currentName))
	if missing(err) {
		return tag, nil
	}
	if err != nil {
		return "", err
	}
	names, err := v.names()
	if err != nil {
		return "", err
	}
	if slices.Contains(names, filepath.Dir(real)) {
		return filepath.Base(real), nil
	}
	return tag, nil
}

// lastUsed is when a root was current last, or else when it was unpacked.
func (f facts) lastUsed(r Root) time.Time {
	if last := f.last[r.Tag]; last.After(r.Created) {
		return last
	}
	return r.Created
}

// generations numbers the roots of each target, the one used last being 1.
func (f facts) generations() map[string]int {
	roots := slices.Clone(f.roots)
	slices.SortStableFunc(roots, func(a, b Root) int {
		if (a.Tag == f.current) != (b.Tag == f.current) {
			if a.Tag == f.current {
				return -1
			}
			return 1
		}
		return f.lastUsed(b).Compare(f.lastUsed(a))
	})
	rank, count := map[string]int{}, map[string]int{}
	for _, r := range roots {
		count[r.Target]++
		rank[r.Tag] = count[r.Target]
	}
	return rank
}

// reasons returns why a root stays.
func (f facts) reasons(r Root) []Reason {
	list := f.holds(r.Tag)
	if r.Tag == f.previous {
		list = append(list, Reason{Why: KeptRollback})
	}
	if rank := f.rank[r.Tag]; rank <= f.policy.Keep {
		list = append(list, Reason{KeptGeneration, fmt.Sprintf("%d of %d", rank, f.policy.Keep)})
	}
	if until := f.lastUsed(r).Add(f.policy.Grace); f.policy.Now.Before(until) {
		list = append(list, Reason{KeptGrace, "until " + until.Local().Format(time.DateTime)})
	}
	return list
}

// holds returns what forbids a removal even by name.
func (f facts) holds(tag string) []Reason {
	list := []Reason{}
	if tag == f.current {
		list = append(list, Reason{Why: KeptCurrent})
	}
	list = append(list, f.entryReasons(tag)...)
	for _, u := range f.uses[tag] {
		list = append(list, Reason{KeptInUse, u.String()})
	}
	return append(list, f.unknown...)
}

// entryReasons returns the boot entries that name a root.
func (f facts) entryReasons(tag string) []Reason {
	if names := f.entries[tag]; len(names) > 0 {
		return []Reason{{KeptEntry, strings.Join(names, ", ")}}
	}
	return nil
}

// trashReasons returns why something stays in the trash.
func (f facts) trashReasons(t Trashed) []Reason {
	list := append([]Reason{}, f.entryReasons(t.Tag)...)
	for _, u := range f.uses[t.Tag] {
		list = append(list, Reason{KeptInUse, u.String()})
	}
	list = append(list, f.unknown...)
	if until := t.Since.Add(f.policy.Grace); f.policy.Now.Before(until) {
		list = append(list, Reason{KeptGrace, "until " + until.Local().Format(time.DateTime)})
	}
	return list
}

// unknownReasons sums up the uses that may be of any root.
func unknownReasons(uses []Use) []Reason {
	var texts []string
	for _, u := range uses {
		texts = append(texts, u.String())
	}
	if len(texts) == 0 {
		return nil
	}
	const shown = 2
	if more := len(texts) - shown; more > 0 {
		texts = append(texts[:shown], fmt.Sprintf("and %d more", more))
	}
	return []Reason{{KeptUnknown, "by " + strings.Join(texts, ", ")}}
}
