package stages

import (
	"io/fs"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rootbuild/rootbuild/images"
)

var (
	sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)
	fileForm   = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+~_-]*$`)
)

// source reads one entry of sources.
func (d *decoder) source(n *yaml.Node) {
	s := Source{Line: n.Line}
	keys := d.Mapping(n, images.Fields{
		"file":    d.Match(&s.Name, fileForm, "the name of a file"),
		"sha256":  d.Match(&s.SHA256, sha256Form, "64 hexadecimal digits in lower case"),
		"origins": d.List(func(n *yaml.Node) { d.origin(n, &s) }),
	}, "file", "sha256", "origins")
	if line, ok := keys["origins"]; ok && len(s.Origins) == 0 {
		d.Faultf(line, "source without an origin")
	}
	same := func(other Source) bool { return other.Name == s.Name }
	if i := slices.IndexFunc(d.recipe.Sources, same); i >= 0 && s.Name != "" {
		d.Faultf(n.Line, "source %q is already in line %d", s.Name, d.recipe.Sources[i].Line)
	}
	d.recipe.Sources = append(d.recipe.Sources, s)
}

// origin reads one place of a source.
func (d *decoder) origin(n *yaml.Node, s *Source) {
	var o Origin
	keys := d.Mapping(n, images.Fields{
		"url":    d.String(&o.URL),
		"apt":    d.String(&o.Apt),
		"member": d.String(&o.Member),
	})
	s.Origins = append(s.Origins, o)
	_, web := keys["url"]
	_, apt := keys["apt"]
	_, member := keys["member"]
	switch {
	case keys == nil:
	case web == apt:
		d.Faultf(n.Line, "an origin has either url or apt")
	case web && !isWeb(o.URL):
		d.Faultf(n.Line, "url %q is not one of http or https", o.URL)
	case apt && (!strings.HasPrefix(o.Apt, "pool/") || !fs.ValidPath(o.Apt)):
		d.Faultf(n.Line, "apt %q is not a path of the mirror that begins with pool/", o.Apt)
	case member && !fs.ValidPath(o.Member):
		d.Faultf(n.Line, "member %q is not a path within the package", o.Member)
	}
}

func isWeb(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
