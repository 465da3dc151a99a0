package distfiles

import (
	"path"
	"regexp"
	"strings"

	"pault.ag/go/debian/version"
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
func upstream(text string) string {
	if v, err := version.Parse(text); err == nil {
		return author(v.Version)
	}
	return author(text)
}

// author returns a version without what Debian's names add to it.
func author(text string) string {
	if _, really, ok := strings.Cut(text, "+really"); ok {
		text = really
	}
	return repacked.ReplaceAllString(text, "")
}

// newer says whether a is a later release than b, in Debian's order. What calls
// itself a beta or the like is newer than nothing but its own kind.
func newer(a, b string) bool {
	if b == "" || early.MatchString(a) && !early.MatchString(b) {
		return false
	}
	return version.Compare(version.Version{Version: separators.Replace(a)}, version.Version{Version: separators.Replace(b)}) > 0
}
