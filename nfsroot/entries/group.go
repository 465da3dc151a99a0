package entries

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Group is nodes that get a root of their own. Each list is of patterns, as they
// were given.
type Group struct {
	Name string `json:"name"`
	// MACs are addresses of network cards: of an octet, * is any, [10-1f] a range.
	MACs []string `json:"macs,omitempty"`
	// UUIDs are those of machines, whole.
	UUIDs []string `json:"uuids,omitempty"`
	// Hosts are names: [01-40] and [1,3,7-9] are ranges.
	Hosts []string `json:"hosts,omitempty"`
	// Tag is the root that the nodes get; empty as long as it is the default's.
	Tag string `json:"tag,omitempty"`
}

// maxNodes is how many names a group may have: a loader that matches by files gets
// one for each, and one that matches in its script a line.
const maxNodes = 4096

var (
	groupPattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$`)
	octetPattern = regexp.MustCompile(`^([0-9a-f]{2}|\*|\[[0-9a-f]{2}-[0-9a-f]{2}\])$`)
	uuidPattern  = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	namePattern  = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)
	rangePattern = regexp.MustCompile(`\[([0-9,-]*)\]`)
)

// nodes are the exact names of a group's nodes: no loader takes patterns alike.
type nodes struct{ MACs, UUIDs, Hosts []string }

// Check says what is wrong with a group, everything at once.
func (g Group) Check() error {
	_, err := g.expand()
	return err
}

// expand returns the names that the patterns stand for.
func (g Group) expand() (nodes, error) {
	var n nodes
	var errs []error
	seen := map[string]bool{}
	if !groupPattern.MatchString(g.Name) || g.Name == "default" {
		errs = append(errs, fmt.Errorf("group %q: name it with up to 64 letters, digits, dots, dashes and underscores, and not default", g.Name))
	}
	if len(g.MACs)+len(g.UUIDs)+len(g.Hosts) == 0 {
		errs = append(errs, fmt.Errorf("group %s has no nodes: name some by address, UUID or host name", g.Name))
	}
	for _, kind := range []struct {
		patterns []string
		expand   func(string) ([]string, error)
		into     *[]string
	}{{g.MACs, expandMAC, &n.MACs}, {g.UUIDs, expandUUID, &n.UUIDs}, {g.Hosts, expandHost, &n.Hosts}} {
		for _, p := range kind.patterns {
			names, err := kind.expand(p)
			if err != nil {
				errs = append(errs, fmt.Errorf("group %s: %w", g.Name, err))
			}
			for _, name := range names {
				if !seen[name] {
					*kind.into, seen[name] = append(*kind.into, name), true
				}
			}
		}
	}
	if count := len(n.MACs) + len(n.UUIDs) + len(n.Hosts); count > maxNodes {
		errs = append(errs, fmt.Errorf("group %s has %d nodes, and %d at most can be told apart: divide it", g.Name, count, maxNodes))
	}
	return n, errors.Join(errs...)
}

// expandMAC returns the addresses that a pattern stands for, in lower case with
// colons.
func expandMAC(pattern string) ([]string, error) {
	octets := strings.FieldsFunc(strings.ToLower(pattern), func(r rune) bool { return r == ':' })
	if strings.Count(pattern, "-") == 5 && len(octets) == 1 {
		octets = strings.Split(strings.ToLower(pattern), "-")
	}
	valid := !slices.ContainsFunc(octets, func(o string) bool { return !octetPattern.MatchString(o) })
	if len(octets) != 6 || !valid {
		return nil, fmt.Errorf("address %q: want six octets such as 52:54:00:00:01:2a, of which * is any and [10-1f] a range", pattern)
	}
	list := []string{""}
	for i, o := range octets {
		first, last := octetRange(o)
		if first > last {
			return nil, fmt.Errorf("address %q: the range %s is empty", pattern, o)
		}
		if len(list)*(last-first+1) > maxNodes {
			return nil, fmt.Errorf("address %q stands for more than %d: boot loaders match whole addresses, of which each takes a line or a file: fix more octets", pattern, maxNodes)
		}
		var longer []string
		for _, start := range list {
			for n := first; n <= last; n++ {
				longer = append(longer, start+strings.Repeat(":", min(i, 1))+fmt.Sprintf("%02x", n))
			}
		}
		list = longer
	}
	return list, nil
}

// octetRange returns the first and the last value of an octet that matches
// octetPattern.
func octetRange(octet string) (first, last int) {
	value := func(text string) int {
		n, err := strconv.ParseUint(text, 16, 8)
		if err != nil {
			panic("internal error: " + err.Error())
		}
		return int(n)
	}
	switch octet[0] {
	case '*':
		return 0, 255
	case '[':
		return value(octet[1:3]), value(octet[4:6])
	}
	return value(octet), value(octet)
}

// expandUUID returns a UUID as it is shown, and as pxelinux reads it from most machines:
// the first three fields with their bytes the other way round.
func expandUUID(pattern string) ([]string, error) {
	uuid := strings.ToLower(pattern)
	if !uuidPattern.MatchString(uuid) {
		return nil, fmt.Errorf("UUID %q: want it whole, as in 4c4c4544-0000-4000-8000-000000000000", pattern)
	}
	u := uuid
	return []string{uuid, u[6:8] + u[4:6] + u[2:4] + u[0:2] + "-" + u[11:13] + u[9:11] + "-" + u[16:18] + u[14:16] + u[18:]}, nil
}

// expandHost returns the names that a pattern stands for.
func expandHost(pattern string) ([]string, error) {
	at := rangePattern.FindStringSubmatchIndex(pattern)
	if at == nil {
		if !namePattern.MatchString(pattern) {
			return nil, fmt.Errorf("host name %q: want a name, with ranges as in node[01-40]", pattern)
		}
		return []string{pattern}, nil
	}
	var list []string
	for part := range strings.SplitSeq(pattern[at[2]:at[3]], ",") {
		numbers, err := expandRange(part)
		if err != nil {
			return nil, fmt.Errorf("host name %q: %w", pattern, err)
		}
		for _, n := range numbers {
			names, err := expandHost(pattern[:at[0]] + n + pattern[at[1]:])
			if err != nil {
				return nil, err
			}
			if list = append(list, names...); len(list) > maxNodes {
				return nil, fmt.Errorf("host name %q stands for more than %d", pattern, maxNodes)
			}
		}
	}
	return list, nil
}

// expandRange returns the numbers of 7, 1-40 or 001-040, as wide as the first.
func expandRange(text string) ([]string, error) {
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	first, errFirst := strconv.ParseUint(from, 10, 24)
	last, errLast := strconv.ParseUint(to, 10, 24)
	if errFirst != nil || errLast != nil || first > last || last-first >= maxNodes {
		return nil, fmt.Errorf("%q is no range of numbers such as 01-40, of %d at most", text, maxNodes)
	}
	var list []string
	for n := first; n <= last; n++ {
		list = append(list, fmt.Sprintf("%0*d", len(from), n))
	}
	return list, nil
}

// CheckGroups says what keeps groups from being told apart by the loaders, everything
// at once: a node in two of them, or a name that a loader cannot ask for.
func CheckGroups(groups []Group, loaders []string) error {
	var errs []error
	owner := map[string]string{}
	for _, g := range groups {
		n, err := g.expand()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if len(n.Hosts) > 0 && slices.Contains(loaders, PXELinux) {
			errs = append(errs, fmt.Errorf("group %s names hosts, and pxelinux asks for files by address and UUID alone: name the nodes by these, or write no entries for pxelinux (--loader)", g.Name))
		}
		for _, name := range slices.Concat(n.MACs, n.UUIDs, n.Hosts) {
			if other, ok := owner[name]; ok && other != g.Name {
				errs = append(errs, fmt.Errorf("node %s is in group %s and in group %s: take it out of one", name, other, g.Name))
				break // of a range, the first tells it
			}
			owner[name] = g.Name
		}
	}
	return errors.Join(errs...)
}
