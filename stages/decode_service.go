package stages

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rootbuild/rootbuild/images"
)

var (
	serviceForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`)
	lineForm    = regexp.MustCompile(`^[^\n]*\S[^\n]*$`)
	textForm    = regexp.MustCompile(`\S`)
)

// services reads the mapping of a recipe's services.
func (d *decoder) services(n *yaml.Node) {
	fields := images.Fields{}
	for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
		key := n.Content[i]
		if !serviceForm.MatchString(key.Value) {
			d.Faultf(key.Line, "%q is not the name of a service: a-z, 0-9, dot and hyphen", key.Value)
		}
		fields[key.Value] = func(n *yaml.Node) { d.service(key, n) }
	}
	d.Mapping(n, fields)
}

// service reads one service.
func (d *decoder) service(name, n *yaml.Node) {
	s := Service{Name: name.Value, Line: name.Line, lines: map[string]int{}}
	keys := d.Mapping(n, images.Fields{
		"description": d.Match(&s.Description, lineForm, "a line"),
		"needs":       d.Names(&s.Needs, s.lines),
		"after":       d.Names(&s.After, s.lines),
		"setup":       d.Match(&s.Setup, textForm, "shell text"),
		"command":     d.Match(&s.Command, textForm, "a command line"),
		"start":       d.Match(&s.Start, textForm, "shell text"),
		"stop":        d.Match(&s.Stop, textForm, "shell text"),
		"up":          d.Match(&s.Up, textForm, "shell text"),
		"writes":      d.Tmpfs(&s.Writes),
	})
	if keys == nil {
		return
	}
	_, command := keys["command"]
	_, start := keys["start"]
	if command == start {
		d.Faultf(name.Line, "service %q: it has either command, a daemon, or start", s.Name)
	}
	if line, ok := keys["stop"]; ok && command {
		d.Faultf(line, "service %q: stop beside command, whose process is stopped", s.Name)
	}
	for _, list := range [][]string{s.Needs, s.After} {
		for _, other := range list {
			if other == s.Name {
				d.Faultf(s.lines[other], "service %q names itself", s.Name)
			}
		}
	}
	s.Command = strings.TrimSpace(s.Command)
	d.recipe.Services = append(d.recipe.Services, s)
}
