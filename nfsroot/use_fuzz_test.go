package nfsroot_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// FuzzUse reads what nodes and NFS servers say, whatever it is. Either it is an error,
// or a plan that gives of each client some account, in text that a terminal may show.
func FuzzUse(f *testing.F) {
	f.Add("address: \"192.0.2.7:873\"\nname: \"Linux NFSv4.2 4c4c-52:54:00:12:34:56/node7\"\n", "node7:/diskless/nfsroot/a:0x1\n", "192.0.2.1:/x/a", "append nfsroot=x:/y/a")
	f.Add("name: \"\\x1b[2J\"\nstatus: courtesy\n", "::1:/:0\n", "\x00", "a\nb")
	f.Add("", "x:/\x1b/../a:0x1", "a b c", "\x00")
	f.Fuzz(func(t *testing.T, client, rmtab, lease, pxe string) {
		d := t.TempDir()
		s := twoRoots(t, d+"/store")
		write(t, d+"/clients/3/info", client)
		write(t, d+"/rmtab", rmtab)
		write(t, d+"/leases/node7", lease)
		write(t, d+"/pxe/default", pxe)
		plan, err := s.Plan(nfsroot.Policy{Sources: nfsroot.Sources{Clients: d + "/clients", Rmtab: d + "/rmtab", Leases: d + "/leases", PXE: d + "/pxe"}})
		if err != nil {
			return
		}
		if len(plan.Roots) != 2 {
			t.Fatalf("%d roots", len(plan.Roots))
		}
		for _, r := range plan.Roots {
			if len(r.Kept) == 0 && !strings.Contains(lease, "a") && !strings.Contains(lease, "b") {
				t.Errorf("root %s may go, and a client is there without a lease of a root", r.Tag)
			}
			for _, why := range r.Kept {
				if text := why.String(); strings.ContainsFunc(text, unicode.IsControl) {
					t.Errorf("a reason has control characters: %q", text)
				}
			}
		}
	})
}
