package images

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// source is one file of a target as it is written.
type source struct {
	*Decoder
	place    place
	keys     map[string]int // the line of each key
	extends  string
	target   Target
	packages map[string]int // the line of each
	without  []string
	dropped  map[string]int // the line of each of without
	users    []userEntry
	groups   []groupEntry
	files    []fileEntry
	tmpfs    []TmpfsEntry
	checks   []checkEntry

	wants           serviceLists
	withoutServices []string
	droppedServices map[string]int // the line of each of withoutServices

	wantsKernel *kernelEntry // nil where the file says nothing of it
}

// userEntry, groupEntry and fileEntry keep where what they hold is written.
type (
	userEntry struct {
		User
		line  int
		sound bool // every value was read
	}
	groupEntry struct {
		Group
		line  int
		sound bool
	}
	fileEntry struct {
		File
		owner string
		line  int
	}
)

// maxID is the highest id: the next one means "no id" to chown(2).
const maxID = math.MaxUint32 - 1

var (
	platformForm = regexp.MustCompile(`^linux/[a-z0-9]+(/[a-z0-9]+)?$`)
	accountForm  = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	fieldForm    = regexp.MustCompile(`^[^:\n]*$`)
	pathForm     = regexp.MustCompile(`^(/[^:\n]*)?$`)
)

// decode reads one file of a target.
func decode(at place, text []byte) *source {
	s := &source{
		Decoder: NewDecoder(at.file), place: at,
		packages: map[string]int{}, dropped: map[string]int{},
		wants: serviceLists{lines: map[string]int{}}, droppedServices: map[string]int{},
	}
	t := &s.target
	s.keys = s.Document(text, Fields{
		"name":             s.Name(&t.Name),
		"description":      s.String(&t.Description),
		"extends":          s.Match(&s.extends, wordForm, "a name or a path"),
		"libc":             s.Name(&t.Libc),
		"platforms":        s.List(s.platform),
		"packages":         s.Names(&t.Packages, s.packages),
		"kernel":           s.kernel,
		"without":          s.Names(&s.without, s.dropped),
		"init":             s.Name(&t.Init),
		"services":         s.services,
		"without_services": s.Names(&s.withoutServices, s.droppedServices),
		"tmpfs":            s.Tmpfs(&s.tmpfs),
		"checks":           s.List(s.check),
		"users":            s.List(s.user),
		"groups":           s.List(s.group),
		"files":            s.List(s.file),
		"epoch":            s.epoch,
		"recipes":          s.List(s.recipes),
	}, "name")
	for _, key := range []string{"without", "without_services"} {
		if line, ok := s.keys[key]; ok && s.keys["extends"] == 0 {
			s.Faultf(line, "%s: there is nothing to remove; the target extends none", key)
		}
	}
	return s
}

func (s *source) platform(n *yaml.Node) {
	var p string
	if s.Match(&p, platformForm, "a platform such as linux/amd64")(n); p != "" {
		s.target.Platforms = append(s.target.Platforms, p)
	}
}

func (s *source) user(n *yaml.Node) {
	u, before := userEntry{line: n.Line}, len(s.faults)
	s.Mapping(n, Fields{
		"name":    s.Match(&u.Name, accountForm, "a name of a-z, 0-9, hyphen and underscore"),
		"uid":     s.Number(&u.UID, maxID),
		"gid":     s.Number(&u.GID, maxID),
		"comment": s.Match(&u.Comment, fieldForm, "a line without a colon"),
		"home":    s.Match(&u.Home, pathForm, "an absolute path without a colon"),
		"shell":   s.Match(&u.Shell, pathForm, "an absolute path without a colon"),
	}, "name", "uid", "gid", "home", "shell")
	for _, other := range s.users {
		if other.Name == u.Name && u.Name != "" {
			s.Faultf(n.Line, "user %q is already in line %d", u.Name, other.line)
			return
		}
	}
	u.sound = len(s.faults) == before
	s.users = append(s.users, u)
}

func (s *source) group(n *yaml.Node) {
	g, before := groupEntry{line: n.Line}, len(s.faults)
	s.Mapping(n, Fields{
		"name":    s.Match(&g.Name, accountForm, "a name of a-z, 0-9, hyphen and underscore"),
		"gid":     s.Number(&g.GID, maxID),
		"members": s.Strings(&g.Members),
	}, "name", "gid")
	for _, other := range s.groups {
		if other.Name == g.Name && g.Name != "" {
			s.Faultf(n.Line, "group %q is already in line %d", g.Name, other.line)
			return
		}
	}
	g.sound = len(s.faults) == before
	s.groups = append(s.groups, g)
}

// epoch reads a date, a time with its zone, or seconds since 1970.
func (s *source) epoch(n *yaml.Node) {
	var text string
	s.String(&text)(n)
	if text == "" {
		return
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil && t.Unix() >= 0 {
			s.target.Epoch = t.UTC().Truncate(time.Second)
			return
		}
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds >= 0 && seconds <= math.MaxUint32 {
		s.target.Epoch = time.Unix(seconds, 0).UTC()
		return
	}
	s.want(n, "a time as 2026-11-01T00:00:00Z, or seconds since 1970")
}

// recipes reads the name of a directory beside the file.
func (s *source) recipes(n *yaml.Node) {
	var name string
	s.Match(&name, wordForm, "a path")(n)
	switch {
	case name == "":
		return
	case s.place.dir == "":
		s.Faultf(n.Line, "an embedded target has no recipes of its own")
		return
	}
	dir := name
	if !filepath.IsAbs(name) {
		dir = filepath.Join(s.place.dir, name)
	}
	if info, err := os.Stat(dir); err != nil {
		s.Faultf(n.Line, "recipes: %s", err)
		return
	} else if !info.IsDir() {
		s.Faultf(n.Line, "recipes: %s is not a directory", dir)
		return
	}
	s.target.RecipeDirs = append(s.target.RecipeDirs, RecipeDir{dir, os.DirFS(dir)})
}
