package images

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// check looks for what only the whole target can lack.
func (m *merger) check() {
	sound := !slices.ContainsFunc(m.chain, func(s *source) bool { return len(s.faults) > 0 })
	for _, key := range []string{"epoch", "libc", "packages", "platforms"} {
		if !m.keys[key] {
			m.faultf(m.top, 1, "key %q is missing", key)
		}
	}
	if sound && m.keys["packages"] && len(m.Packages) == 0 {
		m.faultf(m.top, max(1, m.top.keys["packages"]), "the target has no packages")
	}
	m.checkUsers()
	m.checkGroups()
	m.checkParents()
	m.checkInit()
}

// checkInit refuses services that nothing would start.
func (m *merger) checkInit() {
	for _, name := range m.serviceNames() {
		if m.Init == "" {
			m.faultf(m.top, max(1, m.top.wants.lines[name]), "the target has services and no init")
			return
		}
	}
}

// checkUsers holds users to one id each and to groups that exist.
func (m *merger) checkUsers() {
	byID := map[int]string{}
	for _, u := range m.users {
		user := u.entry
		if !user.sound {
			continue
		}
		if other, taken := byID[user.UID]; taken {
			m.faultf(u.from, user.line, "user %q has the uid %d of user %q", user.Name, user.UID, other)
		}
		byID[user.UID] = user.Name
		if !slices.ContainsFunc(m.groups, func(g origin[groupEntry]) bool { return g.entry.GID == user.GID }) {
			m.faultf(u.from, user.line, "user %q: no group has the gid %d", user.Name, user.GID)
		}
	}
}

// checkGroups holds groups to one id each and to members that exist.
func (m *merger) checkGroups() {
	users := slices.Sorted(maps.Keys(m.userIDs()))
	byID := map[int]string{}
	for _, g := range m.groups {
		group := g.entry
		if !group.sound {
			continue
		}
		if other, taken := byID[group.GID]; taken {
			m.faultf(g.from, group.line, "group %q has the gid %d of group %q", group.Name, group.GID, other)
		}
		byID[group.GID] = group.Name
		for _, member := range group.Members {
			if !slices.Contains(users, member) {
				m.faultf(g.from, group.line, "group %q: unknown user %q%s", group.Name, member, DidYouMean(member, users))
			}
		}
	}
}

// checkParents refuses a file below one that is not a directory.
func (m *merger) checkParents() {
	entries := map[string]File{}
	for _, f := range m.files {
		entries[f.entry.Path] = f.entry.File
	}
	for _, f := range m.files {
		for dir := path.Dir(f.entry.Path); len(dir) > 1; dir = path.Dir(dir) {
			if above, ok := entries[dir]; ok && !above.Directory {
				m.faultf(f.from, f.entry.line, "file %q is below %q, which is not a directory", f.entry.Path, dir)
			}
		}
	}
}

// settle moves the entries into the target, with numbers for owners.
func (m *merger) settle() {
	for _, u := range m.users {
		m.Users = append(m.Users, u.entry.User)
	}
	for _, g := range m.groups {
		m.Groups = append(m.Groups, g.entry.Group)
	}
	for _, f := range m.files {
		file := f.entry.File
		file.UID, file.GID = m.owner(f.from, f.entry.line, f.entry.owner)
		m.Files = append(m.Files, file)
	}
	for _, e := range m.tmpfs {
		tmpfs := e.entry.Tmpfs
		tmpfs.UID, tmpfs.GID = m.owner(e.from, e.entry.Line, e.entry.Owner)
		m.Tmpfs = append(m.Tmpfs, tmpfs)
	}
	for _, c := range m.checks {
		m.Checks = append(m.Checks, c.entry.Check)
	}
}

// owner reads the owner of an entry in a line of a file.
func (m *merger) owner(from *source, line int, text string) (uid, gid int) {
	if !strings.Contains(text, ":") {
		from.Faultf(line, "owner %q is not user:group", text)
		return 0, 0
	}
	uid, gid, errs := owner(text, m.userIDs(), m.groupIDs())
	for _, err := range errs {
		m.faultf(from, line, "%s", err)
	}
	return uid, gid
}

// Owner reads user:group, each a name of the target or a number. The error
// tells each that is unknown.
func (t Target) Owner(text string) (uid, gid int, err error) {
	users, groups := map[string]int{}, map[string]int{}
	for _, u := range t.Users {
		users[u.Name] = u.UID
	}
	for _, g := range t.Groups {
		groups[g.Name] = g.GID
	}
	uid, gid, errs := owner(text, users, groups)
	return uid, gid, errors.Join(errs...)
}

func owner(text string, users, groups map[string]int) (uid, gid int, errs []error) {
	user, group, ok := strings.Cut(text, ":")
	if !ok {
		return 0, 0, []error{fmt.Errorf("owner %q is not user:group", text)}
	}
	uid, noUser := id("user", user, users)
	gid, noGroup := id("group", group, groups)
	for _, err := range []error{noUser, noGroup} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return uid, gid, errs
}

func id(what, name string, known map[string]int) (int, error) {
	if id, ok := known[name]; ok {
		return id, nil
	}
	if id, err := strconv.ParseUint(name, 10, 32); err == nil && id <= maxID && decimal.MatchString(name) {
		return int(id), nil
	}
	return 0, fmt.Errorf("owner: unknown %s %q%s", what, name, DidYouMean(name, slices.Sorted(maps.Keys(known))))
}

func (m *merger) userIDs() map[string]int {
	ids := map[string]int{}
	for _, u := range m.users {
		ids[u.entry.Name] = u.entry.UID
	}
	return ids
}

func (m *merger) groupIDs() map[string]int {
	ids := map[string]int{}
	for _, g := range m.groups {
		ids[g.entry.Name] = g.entry.GID
	}
	return ids
}
