// Package distfiles fetches every pinned source and keeps it by sha256 in an
// OCI layout, where builds read it as a blob.
//
// A source is wanted by its checksum alone: where the bytes come from (a
// directory, upstream, a Debian archive) decides nothing, and wrong bytes are
// never kept.
package distfiles

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"
)

// Source is one file that builds need, pinned by its checksum.
type Source struct {
	Name    string   // the file name as builds see it, e.g. bash-5.2.37.tar.xz
	SHA256  string   // 64 lower-case hex digits
	Origins []Origin // where it can be had, in the order to try
}

// Origin is one place that a source's bytes may come from. Exactly one of URL
// and Apt is set.
type Origin struct {
	URL    string // an https or http address
	Apt    string // path of a file in a Debian archive, e.g. pool/main/b/bash/bash_5.2.37.orig.tar.xz
	Member string // path of a file inside the .deb that URL or Apt names; empty: the file itself
}

// String names the origin as messages show it, without a URL's password.
func (o Origin) String() string {
	where := "apt " + o.Apt
	if o.Apt == "" {
		where = redact(o.URL)
	}
	return where + inMember(o.Member)
}

func inMember(member string) string {
	if member == "" {
		return ""
	}
	return " (its file " + member + ")"
}

func redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Redacted()
}

// base returns the file name of what the origin downloads.
func (o Origin) base() string {
	if o.Apt != "" {
		return path.Base(o.Apt)
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return ""
	}
	return path.Base(u.Path)
}

// check tells whether the origin can be asked at all.
func (o Origin) check() error {
	if o.Member != "" && !fs.ValidPath(o.Member) {
		return fmt.Errorf("member %q is not a path inside a package", o.Member)
	}
	switch {
	case o.URL != "" && o.Apt != "":
		return errors.New("origin has both a url and an apt path")
	case o.URL != "":
		return checkURL(o.URL)
	case !fs.ValidPath(o.Apt) || o.Apt == ".":
		return fmt.Errorf("apt path %q is not a path inside an archive", o.Apt)
	}
	return nil
}

func checkURL(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("parsing the address: %w", err)
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("scheme %q is refused: only https and http are fetched", u.Scheme)
	}
	if u.Host == "" {
		return errors.New("address names no host")
	}
	return nil
}

func (s Source) check() error {
	if !validSum(s.SHA256) {
		return fmt.Errorf("source %s: sha256 %q is not 64 lower-case hex digits", s.Name, s.SHA256)
	}
	if s.Name == "" || s.Name == "." || s.Name == ".." || strings.ContainsRune(s.Name, '/') {
		return fmt.Errorf("source with sha256 %s: name %q is not a file name", s.SHA256, s.Name)
	}
	return nil
}

func validSum(sum string) bool {
	return len(sum) == 64 && strings.Trim(sum, "0123456789abcdef") == ""
}
