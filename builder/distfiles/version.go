package distfiles

import (
	"cmp"
	"path"
	"regexp"
	"strings"
)

var (
	// named is a file of a release: what it is of, its version, its form.
	named = regexp.MustCompile(`^(.*?[-_]|)v?([0-9][0-9A-Za-z.+~_-]*?)\.(tar\.[0-9a-z]+|tar|tgz|tbz2?|txz|zip)$`)
	// debian is a file of a Debian archive: a package, or a source.
	debian = regexp.MustCompile(`^[^_]+_([^_]+?)(_[^_]+\.deb|(\.orig)?\.tar\.[0-9a-z]+)$`)
	// repacked marks what Debian took files out of.
	repacked = regexp.MustCompile(`[.+~](dfsg|ds|repack)[0-9.]*`)
	// separators stand between parts of a version as each archive likes them.
	separators = strings.NewReplacer("-", ".", "_", ".", "+", ".")
	// early marks what is not yet a release.
	early = regexp.MustCompile(`(?i)(alpha|beta|rc|pre|dev|snap|test)`)
)

// versionOf returns the version that the names of a source's origins tell, or its
// own name.
func versionOf(j job) string {
	for _, o := range j.origins {
		form, group := named, 2
		if o.Apt != "" {
			form, group = debian, 1
		}
		found := form.FindStringSubmatch(o.base())
		switch {
		case found == nil:
		case path.Ext(o.base()) == ".deb":
			return upstream(found[group])
		default:
			return author(found[group])
		}
	}
	for _, name := range j.names {
		if found := named.FindStringSubmatch(name); found != nil {
			return found[2]
		}
	}
	return ""
}

// upstream returns the part of a Debian version that its author gave.
func upstream(version string) string {
	if _, rest, ok := strings.Cut(version, ":"); ok {
		version = rest
	}
	if i := strings.LastIndexByte(version, '-'); i > 0 {
		version = version[:i]
	}
	return author(version)
}

// author returns a version without what Debian's names add to it.
func author(version string) string {
	if _, really, ok := strings.Cut(version, "+really"); ok {
		version = really
	}
	return repacked.ReplaceAllString(version, "")
}

// newer says whether a is a later release than b. What calls itself a beta or the
// like is newer than nothing but its own kind.
func newer(a, b string) bool {
	if b == "" || early.MatchString(a) && !early.MatchString(b) {
		return false
	}
	return compareVersions(separators.Replace(a), separators.Replace(b)) > 0
}

// compareVersions orders versions as Debian does: parts of digits as numbers,
// the others as text in which letters come before all else and a tilde before
// the end.
func compareVersions(a, b string) int {
	for a != "" || b != "" {
		textA, restA := span(a, false)
		textB, restB := span(b, false)
		if c := compareText(textA, textB); c != 0 {
			return c
		}
		a, b = restA, restB
		textA, restA = span(a, true)
		textB, restB = span(b, true)
		if c := compareNumbers(textA, textB); c != 0 {
			return c
		}
		a, b = restA, restB
	}
	return 0
}

// span cuts what begins with digits, or with none.
func span(s string, digits bool) (part, rest string) {
	i := strings.IndexFunc(s, func(r rune) bool { return (r >= '0' && r <= '9') != digits })
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i:]
}

func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

func compareText(a, b string) int {
	for i := range max(len(a), len(b)) {
		if c := cmp.Compare(weight(a, i), weight(b, i)); c != 0 {
			return c
		}
	}
	return 0
}

// weight is the place of a character, or of the end, in the order.
func weight(s string, i int) int {
	switch {
	case i >= len(s):
		return 0
	case s[i] == '~':
		return -1
	case s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z':
		return int(s[i])
	}
	return int(s[i]) + 256
}
