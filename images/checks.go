package images

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Check is a question that a booted node must answer with success.
type Check struct {
	Name   string
	Within time.Duration // whole seconds until it has failed
	Run    string        // shell text that root runs on the node; its last line of output says why it failed
}

const (
	defaultWithin = 30 * time.Second
	maxWithin     = time.Hour
)

// checkEntry is a check with where it is written.
type checkEntry struct {
	Check
	line int
}

// check reads one entry of checks.
func (s *source) check(n *yaml.Node) {
	c := checkEntry{Check{Within: defaultWithin}, n.Line}
	if s.Mapping(n, Fields{
		"name":   s.Name(&c.Name),
		"within": s.within(&c.Within),
		"run":    s.shell(&c.Run),
	}, "name", "run") == nil {
		return
	}
	for _, other := range s.checks {
		if other.Name == c.Name && c.Name != "" {
			s.Faultf(n.Line, "check %q is already in line %d", c.Name, other.line)
			return
		}
	}
	s.checks = append(s.checks, c)
}

// within reads a time limit.
func (s *source) within(to *time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var text string
		if s.String(&text)(n); text == "" {
			return
		}
		d, err := time.ParseDuration(text)
		if err != nil || d < time.Second || d > maxWithin || d%time.Second != 0 {
			s.want(n, "whole seconds from 1s to 1h, such as 30s or 2m")
			return
		}
		*to = d
	}
}

// shell reads shell text, which is not blank.
func (s *source) shell(to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if s.String(to)(n); n.Kind == yaml.ScalarNode && strings.TrimSpace(n.Value) == "" {
			s.want(n, "shell text")
		}
	}
}
