package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/rootbuild/rootbuild/images"
)

// LoadPolicy reads a policy file. The error tells every fault of it, each with
// file and line.
func LoadPolicy(file string) (Policy, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Policy{}, fmt.Errorf("reading policy: %w", err)
	}
	return ParsePolicy(file, text)
}

// HasPolicy says whether there is a policy file: there is none only if nothing has its
// name, or that of a directory above. A symlink whose target is missing, as one of a
// file system that is not mounted, is an error, and so is all else that cannot be seen.
func HasPolicy(file string) (bool, error) { return hasPolicy(file, os.Lstat) }

func hasPolicy(file string, lstat func(string) (fs.FileInfo, error)) (bool, error) {
	file, err := filepath.Abs(file)
	for at := "/"; err == nil; {
		var info fs.FileInfo
		info, err = lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			_, err = os.Stat(at)
		}
		if err != nil || at == file {
			break
		}
		next, _, _ := strings.Cut(strings.TrimPrefix(file[len(at):], "/"), "/")
		at = filepath.Join(at, next)
	}
	if err != nil {
		// Not wrapped: whoever asks whether it is about what is not there would take the policy for absent.
		return false, fmt.Errorf("looking for policy %s: %s: mend that, or remove what is there if there shall be none", file, err.Error())
	}
	return true, nil
}

// PolicyOfKeys is the policy that all keys in these files signed an image. Its name is
// what called for it. The error tells every file that is no key's.
func PolicyOfKeys(name string, files []string) (Policy, error) {
	var keys []PublicKey
	var errs []error
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			errs = append(errs, fmt.Errorf("reading %s: %w", name, err))
			continue
		}
		key, err := ParsePublicKey(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("reading %s %s: %w", name, file, err))
		}
		key.Name = strings.TrimSuffix(filepath.Base(file), ".pub")
		keys = append(keys, key)
	}
	return Policy{Name: name, Default: Rule{Signatures: Quorum{Need: len(keys), Of: keys}}}, errors.Join(errs...)
}

// ParsePolicy is LoadPolicy for the text of a file.
func ParsePolicy(file string, text []byte) (Policy, error) {
	r := policyReader{Decoder: images.NewDecoder(file), dir: filepath.Dir(file), keys: map[string]PublicKey{}}
	p := Policy{Name: file}
	var rules, otherwise, packages *yaml.Node
	keep := func(to **yaml.Node) func(*yaml.Node) { return func(n *yaml.Node) { *to = n } }
	r.Document(text, images.Fields{
		"keys":     r.List(r.key),
		"rules":    keep(&rules),
		"default":  keep(&otherwise),
		"packages": keep(&packages),
	})
	// Rules are read after the keys that they name, wherever those stand.
	if rules != nil {
		r.List(func(n *yaml.Node) {
			var rule Rule
			r.rule(n, &rule, images.Fields{"references": r.references(&rule)}, "references")
			p.Rules = append(p.Rules, rule)
		})(rules)
	}
	if otherwise != nil {
		r.rule(otherwise, &p.Default, nil)
	}
	if packages != nil {
		refused := ""
		r.rule(packages, &p.Packages, images.Fields{"refused": r.String(&refused)})
		p.FailRefused = refused == "fail"
		if refused != "" && refused != "fail" && refused != "build" {
			r.Faultf(packages.Line, "packages: refused: want build or fail, have %q", refused)
		}
	}
	if err := r.Err(); err != nil {
		return Policy{}, err
	}
	return p, nil
}

// policyReader reads the YAML of a policy.
type policyReader struct {
	*images.Decoder
	dir  string // that files are relative to
	keys map[string]PublicKey
}

func (r policyReader) key(n *yaml.Node) {
	var name, file, text, expires string
	lines := r.Mapping(n, images.Fields{
		"name": r.Name(&name), "file": r.String(&file), "pem": r.String(&text), "expires": r.String(&expires),
	}, "name")
	if lines == nil || name == "" {
		return
	}
	if _, twice := r.keys[name]; twice {
		r.Faultf(n.Line, "key %q is there already", name)
		return
	}
	key, err := r.publicKey(file, text)
	if err != nil {
		r.Faultf(n.Line, "key %q: %v", name, err)
	}
	key.Name = name
	if expires != "" {
		day, err := time.Parse(time.DateOnly, expires)
		if err != nil {
			r.Faultf(lines["expires"], "key %q: expires: want a date as in 2027-01-31, have %q", name, expires)
		}
		key.Expires = day
	}
	for _, other := range r.keys {
		if err == nil && other.ID() == key.ID() {
			r.Faultf(n.Line, "key %q is the same as key %q: it would count twice", name, other.Name)
		}
	}
	r.keys[name] = key
}

func (r policyReader) publicKey(file, text string) (PublicKey, error) {
	if (file == "") == (text == "") {
		return PublicKey{}, fmt.Errorf("want file or pem, one of them")
	}
	data := []byte(text)
	if file != "" {
		if !filepath.IsAbs(file) {
			file = filepath.Join(r.dir, file)
		}
		var err error
		if data, err = os.ReadFile(file); err != nil {
			return PublicKey{}, err
		}
	}
	key, err := ParsePublicKey(data)
	if err != nil && file != "" {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return key, err
}

var patternForm = regexp.MustCompile(`^(oci:.*|oci-archive:.*|[A-Za-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*/([a-z0-9._-]+)?)$`)

const patternWant = "HOST/REPOSITORY, HOST/ or HOST/PATH/ for all below, oci:PATH or oci-archive:PATH"

// rule reads a rule, which may have more fields than the default.
func (r policyReader) rule(n *yaml.Node, rule *Rule, more images.Fields, required ...string) {
	fields := images.Fields{
		"unsigned":     r.Bool(&rule.Unsigned),
		"signatures":   r.quorum(&rule.Signatures),
		"rebuilt":      r.quorum(&rule.Rebuilt),
		"repositories": r.Strings(&rule.Repositories),
	}
	maps.Copy(fields, more)
	lines := r.Mapping(n, fields, required...)
	_, signatures := lines["signatures"]
	_, rebuilt := lines["rebuilt"]
	if lines != nil && rule.Unsigned == (signatures || rebuilt) {
		r.Faultf(n.Line, "want either unsigned: true, or signatures and rebuilt, one of them or both")
	}
}

func (r policyReader) references(rule *Rule) func(*yaml.Node) {
	return r.List(func(n *yaml.Node) {
		var pattern string
		if r.Match(&pattern, patternForm, patternWant)(n); pattern != "" {
			rule.References = append(rule.References, pattern)
		}
	})
}

func (r policyReader) quorum(to *Quorum) func(*yaml.Node) {
	return func(n *yaml.Node) {
		need, lines := 1, map[string]int{}
		var names []string
		if r.Mapping(n, images.Fields{"need": r.Number(&need, 100), "of": r.Names(&names, lines)}, "of") == nil {
			return
		}
		to.Need = need
		for _, name := range names {
			key, known := r.keys[name]
			if !known {
				r.Faultf(lines[name], "key %q is not among the keys", name)
			}
			to.Of = append(to.Of, key)
		}
		if need < 1 || need > len(names) {
			r.Faultf(n.Line, "need: %d of %d keys cannot be had", need, len(names))
		}
	}
}
