package images

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Decoder reads one YAML file strictly: it refuses unknown and repeated keys,
// values of another type, aliases and further documents. It goes on after a
// fault, so that Err tells all of them.
type Decoder struct {
	file   string
	path   []string // the keys that lead to the value being read
	faults []fault
}

// Fields maps the keys that a mapping may have to what reads their values.
type Fields map[string]func(*yaml.Node)

type fault struct {
	line int
	text string
}

// NewDecoder returns a Decoder whose faults name the given file.
func NewDecoder(file string) *Decoder { return &Decoder{file: file} }

// At tells a line of the file in the form of the faults.
func (d *Decoder) At(line int) string { return fmt.Sprintf("%s:%d", d.file, line) }

// Faultf notes a fault in a line.
func (d *Decoder) Faultf(line int, format string, args ...any) {
	d.faults = append(d.faults, fault{line, fmt.Sprintf(format, args...)})
}

// Err returns all faults in the order of their lines, each beginning with file
// and line, or nil.
func (d *Decoder) Err() error {
	slices.SortStableFunc(d.faults, func(a, b fault) int { return cmp.Compare(a.line, b.line) })
	var errs []error
	for _, f := range d.faults {
		errs = append(errs, fmt.Errorf("%s: %s", d.At(f.line), f.text))
	}
	return errors.Join(errs...)
}

// Document reads text, whose only document is a mapping of the given fields,
// and returns the line of each key that it has.
func (d *Decoder) Document(text []byte, fields Fields, required ...string) map[string]int {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, further yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		d.Faultf(1, "the file is empty")
		return nil
	} else if err != nil {
		d.syntax(err)
		return nil
	}
	keys := d.Mapping(doc.Content[0], fields, required...)
	switch err := dec.Decode(&further); {
	case err == nil:
		d.Faultf(further.Line, "a second document in the file")
	case !errors.Is(err, io.EOF):
		d.syntax(err)
	}
	return keys
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

func (d *Decoder) syntax(err error) {
	line, text := 1, err.Error()
	if m := yamlError.FindStringSubmatch(text); m != nil {
		text = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
	}
	d.Faultf(line, "not YAML: %s", text)
}

// Mapping reads a mapping of the given fields and returns the line of each key
// that it has.
func (d *Decoder) Mapping(n *yaml.Node, fields Fields, required ...string) map[string]int {
	keys := d.pairs(n, func(key, value *yaml.Node) {
		read, known := fields[key.Value]
		if !known {
			d.Faultf(key.Line, "unknown key %q%s", key.Value, DidYouMean(key.Value, slices.Sorted(maps.Keys(fields))))
			return
		}
		d.path = append(d.path, key.Value)
		defer func() { d.path = d.path[:len(d.path)-1] }()
		read(value)
	})
	for _, key := range required {
		if _, has := keys[key]; keys != nil && !has {
			d.Faultf(n.Line, "key %q is missing", key)
		}
	}
	return keys
}

// pairs calls each for the keys of a mapping that are fit to be one. It returns
// nil if n is not a mapping.
func (d *Decoder) pairs(n *yaml.Node, each func(key, value *yaml.Node)) map[string]int {
	if n.Kind != yaml.MappingNode {
		d.want(n, "a mapping")
		return nil
	}
	keys := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			d.want(key, "a key")
			continue
		}
		if line, twice := keys[key.Value]; twice {
			d.Faultf(key.Line, "key %q is already in line %d", key.Value, line)
			continue
		}
		keys[key.Value] = key.Line
		each(key, value)
	}
	return keys
}

// want notes that a value is not of the type that its place asks for.
func (d *Decoder) want(n *yaml.Node, what string) {
	where := ""
	if len(d.path) > 0 {
		where = strings.Join(d.path, ".") + ": "
	}
	d.Faultf(max(1, n.Line), "%swant %s, have %s", where, what, describe(n))
}

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias"
	case n.ShortTag() == "!!null":
		return "nothing"
	}
	if tag := n.ShortTag(); !strings.HasPrefix(tag, "!!") {
		return fmt.Sprintf("%q of the type %s", n.Value, tag)
	}
	return fmt.Sprintf("%q", n.Value)
}
