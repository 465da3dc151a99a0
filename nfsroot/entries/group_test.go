package entries_test

import (
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/nfsroot/entries"
)

func TestGroupPatterns(t *testing.T) {
	for pattern, want := range map[string]string{
		"52:54:00:00:01:2A":             "",
		"52-54-00-00-01-2a":             "",
		"52:54:00:00:01:*":              "",
		"52:54:00:00:[01-0f]:*":         "",
		"52:54:00:00:01":                "want six octets",
		"52:54:00:00:01:2":              "want six octets",
		"52:54:00:00:01:[2a-10]":        "the range [2a-10] is empty",
		"52:54:00:00:*:*":               "stands for more than 4096",
		"52:54:00:00:01:2a:3b":          "want six octets",
		"52:54:00:00:01:zz":             "want six octets",
		"52:54:00:00:01:2a; reboot":     "want six octets",
		"":                              "want six octets",
		"52:54:00:00:01:2a\nfe:fe:fe:f": "want six octets",
	} {
		check(t, entries.Group{Name: "g", MACs: []string{pattern}}, want)
	}
	for pattern, want := range map[string]string{
		"node1":                 "",
		"node[01-40]":           "",
		"rack[1-3]-node[1,3-5]": "",
		"node*":                 "want a name, with ranges",
		"node[40-01]":           "is no range of numbers",
		"node[]":                "is no range of numbers",
		"node[1-9999]":          "is no range of numbers",
		"n[1-900]m[1-900]":      "stands for more than 4096",
		"node 1":                "want a name",
	} {
		check(t, entries.Group{Name: "g", Hosts: []string{pattern}}, want)
	}
	check(t, entries.Group{Name: "g", UUIDs: []string{"4c4c4544"}}, "want it whole")
	check(t, entries.Group{Name: "g"}, "group g has no nodes")
	check(t, entries.Group{Name: "default", Hosts: []string{"a"}}, `group "default"`)
	check(t, entries.Group{Name: "../x", Hosts: []string{"a"}}, `group "../x"`)
}

func check(t *testing.T, g entries.Group, want string) {
	t.Helper()
	err := g.Check()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%+v: %v, want %q", g, err, want)
	}
}

func TestGroupsMeet(t *testing.T) {
	const uuid = "4c4c4544-0000-4000-8000-000000000000"
	for _, c := range []struct {
		a, b    entries.Group
		loaders []string
		want    string
	}{
		{entries.Group{MACs: []string{"52:54:00:00:01:*"}}, entries.Group{MACs: []string{"52:54:00:00:02:*"}}, entries.AllLoaders, ""},
		{entries.Group{MACs: []string{"52:54:00:00:01:*"}}, entries.Group{MACs: []string{"52-54-00-00-01-2A"}}, entries.AllLoaders, "node 52:54:00:00:01:2a is in group a and in group b"},
		{entries.Group{UUIDs: []string{uuid}}, entries.Group{UUIDs: []string{strings.ToUpper(uuid)}}, entries.AllLoaders, "node " + uuid + " is in group a and in group b"},
		{entries.Group{Hosts: []string{"n[1-3]"}}, entries.Group{Hosts: []string{"n2"}}, []string{entries.IPXE}, "node n2 is in group a and in group b"},
		{entries.Group{Hosts: []string{"n1"}}, entries.Group{Hosts: []string{"n2"}}, []string{entries.IPXE, entries.GRUB}, ""},
		{entries.Group{Hosts: []string{"n1"}}, entries.Group{Hosts: []string{"n2"}}, entries.AllLoaders, "group a names hosts, and pxelinux asks for files by address and UUID alone"},
	} {
		c.a.Name, c.b.Name = "a", "b"
		err := entries.CheckGroups([]entries.Group{c.a, c.b}, c.loaders)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v and %+v: %v, want %q", c.a, c.b, err, c.want)
		}
	}
}
