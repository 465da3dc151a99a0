package images

import (
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// String reads a text. A plain number is taken as it is written, so that a
// version needs no quotes; a plain true, false or null is refused.
func (d *Decoder) String(to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode {
			switch n.ShortTag() {
			case "!!str", "!!int", "!!float", "!!timestamp":
				*to = n.Value
				return
			case "!!bool":
				d.want(n, "a text (in quotes)")
				return
			}
		}
		d.want(n, "a text")
	}
}

// Match reads a text of the given form; what names the form in a fault.
func (d *Decoder) Match(to *string, form *regexp.Regexp, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var s string
		before := len(d.faults)
		d.String(&s)(n)
		switch {
		case len(d.faults) > before:
		case !form.MatchString(s):
			d.want(n, what)
		default:
			*to = s
		}
	}
}

// Bool reads true or false.
func (d *Decoder) Bool(to *bool) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
			d.want(n, "true or false")
			return
		}
		*to = n.Value[0] == 't' || n.Value[0] == 'T'
	}
}

// decimal has no leading zero: YAML 1.1 reads 010 as eight, YAML 1.2 as ten.
var decimal = regexp.MustCompile(`^(0|[1-9][0-9]{0,9})$`)

// Number reads a decimal number from 0 to most.
func (d *Decoder) Number(to *int, most int) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!int" && decimal.MatchString(n.Value) {
			if i, err := strconv.Atoi(n.Value); err == nil && i <= most {
				*to = i
				return
			}
		}
		d.want(n, "a decimal number from 0 to "+strconv.Itoa(most))
	}
}

// List reads a list and calls each for its values.
func (d *Decoder) List(each func(*yaml.Node)) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.SequenceNode {
			d.want(n, "a list")
			return
		}
		for _, item := range n.Content {
			each(item)
		}
	}
}

// Strings reads a list of texts.
func (d *Decoder) Strings(to *[]string) func(*yaml.Node) {
	return d.List(func(n *yaml.Node) {
		var s string
		before := len(d.faults)
		if d.String(&s)(n); len(d.faults) == before {
			*to = append(*to, s)
		}
	})
}

// StringMap reads a mapping of texts whose keys are free.
func (d *Decoder) StringMap(to *map[string]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		values := map[string]string{}
		d.pairs(n, func(key, value *yaml.Node) {
			var s string
			d.path = append(d.path, key.Value)
			d.String(&s)(value)
			d.path = d.path[:len(d.path)-1]
			values[key.Value] = s
		})
		*to = values
	}
}

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`)

const nameWant = "a name of a-z, 0-9, dot and hyphen"

// Name reads the name of a target or a recipe.
func (d *Decoder) Name(to *string) func(*yaml.Node) { return d.Match(to, nameForm, nameWant) }

// Names reads a list of names without repetition and notes the line of each.
func (d *Decoder) Names(to *[]string, lines map[string]int) func(*yaml.Node) {
	seen := map[string]int{}
	return d.List(func(n *yaml.Node) {
		var name string
		if d.Name(&name)(n); name == "" {
			return
		}
		if line, twice := seen[name]; twice {
			d.Faultf(n.Line, "%q is already in line %d", name, line)
			return
		}
		seen[name] = n.Line
		if _, known := lines[name]; !known {
			lines[name] = n.Line
		}
		*to = append(*to, name)
	})
}
