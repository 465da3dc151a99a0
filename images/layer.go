package images

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Layer returns every file that the target lays over its packages, sorted by
// path: its accounts, its os-release and its own files, which win over the
// former. Directories above them are not among them.
func (t Target) Layer() []File {
	files := map[string]File{}
	for _, f := range []File{
		{Path: "/etc/group", Mode: 0o644, Content: t.group()},
		{Path: "/etc/os-release", Mode: 0o644, Content: t.osRelease()},
		{Path: "/etc/passwd", Mode: 0o644, Content: t.passwd()},
		{Path: "/etc/shadow", Mode: 0o600, Content: t.shadow()},
		{Path: "/etc/shells", Mode: 0o644, Content: t.shells()},
	} {
		files[f.Path] = f
	}
	for _, f := range t.Files {
		files[f.Path] = f
	}
	sorted := make([]File, 0, len(files))
	for _, f := range files {
		sorted = append(sorted, f)
	}
	slices.SortFunc(sorted, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return sorted
}

// passwd renders the users in the order of their ids.
func (t Target) passwd() []byte {
	var b strings.Builder
	for _, u := range t.byUID() {
		fmt.Fprintf(&b, "%s:x:%d:%d:%s:%s:%s\n", u.Name, u.UID, u.GID, u.Comment, u.Home, u.Shell)
	}
	return []byte(b.String())
}

// shadow locks every password: every host that can mount a root reads it.
func (t Target) shadow() []byte {
	// The day of the last change must not be 0, which asks for a new password.
	day := max(1, t.Epoch.Unix()/(24*60*60))
	var b strings.Builder
	for _, u := range t.byUID() {
		fmt.Fprintf(&b, "%s:*:%d::::::\n", u.Name, day)
	}
	return []byte(b.String())
}

func (t Target) byUID() []User {
	return slices.SortedStableFunc(slices.Values(t.Users), func(a, b User) int { return cmp.Compare(a.UID, b.UID) })
}

func (t Target) group() []byte {
	groups := slices.SortedStableFunc(slices.Values(t.Groups), func(a, b Group) int { return cmp.Compare(a.GID, b.GID) })
	var b strings.Builder
	for _, g := range groups {
		fmt.Fprintf(&b, "%s:x:%d:%s\n", g.Name, g.GID, strings.Join(g.Members, ","))
	}
	return []byte(b.String())
}

// shells lists the shells that a user logs in with: ssh servers refuse others.
func (t Target) shells() []byte {
	shells := []string{"/bin/sh"}
	for _, u := range t.Users {
		switch path.Base(u.Shell) {
		case ".", "nologin", "false":
		default:
			shells = append(shells, u.Shell)
		}
	}
	slices.Sort(shells)
	return []byte(strings.Join(slices.Compact(shells), "\n") + "\n")
}

func (t Target) osRelease() []byte {
	version := t.Epoch.Format("2006.01.02")
	return fmt.Appendf(nil, "ID=rootbuild\nNAME=rootbuild\nVARIANT_ID=%s\nVERSION_ID=%s\nPRETTY_NAME=\"rootbuild %s %s\"\n",
		t.Name, version, t.Name, version)
}
