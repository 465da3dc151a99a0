package nfsroot_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// write makes a file with all directories above it.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// kept returns for each root why it stays, under a policy that keeps nothing
// by itself.
func kept(t *testing.T, s *nfsroot.Store, sources nfsroot.Sources) map[string][]string {
	t.Helper()
	plan, err := s.Plan(nfsroot.Policy{Sources: sources, Now: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	why := map[string][]string{}
	for _, r := range plan.Roots {
		why[r.Tag] = []string{}
		for _, reason := range r.Kept {
			why[r.Tag] = append(why[r.Tag], reason.String())
		}
	}
	return why
}

func TestSources(t *testing.T) {
	const client = "clientid: 0x1\naddress: \"192.0.2.7:873\"\nstatus: confirmed\nname: \"Linux NFSv4.2 node7\"\n"
	const byClient = "may be in use: by node7 192.0.2.7 (nfsd client, of which no lease says what it mounts)"
	all := func(why string) map[string][]string { return map[string][]string{"a": {why}, "b": {why}} }
	justA := func(why string) map[string][]string { return map[string][]string{"a": {why}, "b": {}} }
	none := map[string][]string{"a": {}, "b": {}}
	tests := []struct {
		name    string
		prepare func(t *testing.T, dir, store string)
		others  string
		want    map[string][]string
	}{
		{"nothing known", func(*testing.T, string, string) {}, "", none},
		{"a client", func(t *testing.T, d, _ string) { write(t, d+"/clients/3/info", client) }, "", all(byClient)},
		{"a client without a word", func(t *testing.T, d, _ string) { write(t, d+"/clients/3/info", "\n") }, "",
			all("may be in use: by client 3 (nfsd client, of which no lease says what it mounts)")},
		{"a client of IPv6", func(t *testing.T, d, _ string) {
			write(t, d+"/clients/3/info", "address: \"[2001:db8::7]:873\"\n")
		}, "", all("may be in use: by 2001:db8::7 (nfsd client, of which no lease says what it mounts)")},
		{"a client of something else", func(t *testing.T, d, _ string) { write(t, d+"/clients/3/info", client) }, "192.0.2.0/24", none},
		{"a client with a lease by name", func(t *testing.T, d, _ string) {
			write(t, d+"/clients/3/info", client)
			write(t, d+"/leases/node7", "a\n")
		}, "", justA("in use: node7 (lease)")},
		{"a client with a lease by address", func(t *testing.T, d, _ string) {
			write(t, d+"/clients/3/info", client)
			write(t, d+"/leases/rack1/192.0.2.7", "192.0.2.1:/exports/a / nfs4 ro\n")
		}, "", justA("in use: rack1/192.0.2.7 (lease)")},
		{"a lease of nothing", func(t *testing.T, d, _ string) { write(t, d+"/leases/node7", "") }, "", all("may be in use: by node7 (lease, which is empty)")},
		{"a torn lease", func(t *testing.T, d, _ string) { write(t, d+"/leases/node7", "192.0.2.1:/diskless/nfs") }, "",
			all(`may be in use: by node7 (lease, which names no root: "192.0.2.1:/diskless/nfs")`)},
		{"a lease of current", func(t *testing.T, d, _ string) { write(t, d+"/leases/node7", "current") }, "",
			all(`may be in use: by node7 (lease, which names no root: "current")`)},
		{"a lease that is a link", func(t *testing.T, d, _ string) {
			write(t, d+"/leases/node7", "a")
			if err := os.Symlink("node7", d+"/leases/node8"); err != nil {
				t.Fatal(err)
			}
		}, "", map[string][]string{"a": {"in use: node7 (lease)", "may be in use: by node8 (lease, which cannot be read)"}, "b": {"may be in use: by node8 (lease, which cannot be read)"}}},
		{"a lease that is a fifo", func(t *testing.T, d, _ string) {
			write(t, d+"/leases/node7", "a")
			if err := unix.Mkfifo(d+"/leases/node\x1b8", 0o666); err != nil {
				t.Fatal(err)
			}
		}, "", map[string][]string{"a": {"in use: node7 (lease)", `may be in use: by "node\x1b8" (lease, which is no file)`}, "b": {`may be in use: by "node\x1b8" (lease, which is no file)`}}},
		{"rmtab names a root", func(t *testing.T, d, s string) {
			write(t, d+"/rmtab", "node7:"+s+"/a:0x00000001\n\n2001:db8::7:"+s+"/gone:0x1\nnode9:/home:0x00000001\nnode9:"+s+"2/b:0x1\n")
		}, "", justA("in use: node7 (rmtab)")},
		{"rmtab names what is below a root", func(t *testing.T, d, s string) { write(t, d+"/rmtab", "192.0.2.7:"+s+"/a/usr:0x1\n") }, "", justA("in use: 192.0.2.7 (rmtab)")},
		{"rmtab names current", func(t *testing.T, d, s string) { write(t, d+"/rmtab", "192.0.2.7:"+s+"/current:0x1\n") }, "",
			all("may be in use: by 192.0.2.7 (rmtab, which mounts current as it was then)")},
		{"rmtab names current, and a lease the root", func(t *testing.T, d, s string) {
			write(t, d+"/rmtab", "192.0.2.7:"+s+"/current:0x1\n")
			write(t, d+"/leases/192.0.2.7", "a")
		}, "", justA("in use: 192.0.2.7 (lease)")},
		{"rmtab names the store", func(t *testing.T, d, s string) { write(t, d+"/rmtab", "node7:"+s+":0x1\n") }, "",
			all("may be in use: by node7 (rmtab, which mounts STORE)")},
		{"rmtab names a directory above", func(t *testing.T, d, s string) { write(t, d+"/rmtab", "node7:"+filepath.Dir(s)+"/:0x1\n") }, "",
			all("may be in use: by node7 (rmtab, which mounts ABOVE/)")},
		{"boot configuration", func(t *testing.T, d, _ string) {
			write(t, d+"/pxe/pxelinux.cfg/default", "append nfsroot=192.0.2.1:/diskless/nfsroot/a,ro\n")
			write(t, d+"/pxe/grub.cfg", "# not ab, b2 nor x-b\n")
			write(t, d+"/pxe/vmlinuz", "MZ\x00 b ")
			if err := os.Symlink("nowhere", d+"/pxe/dangling"); err != nil {
				t.Fatal(err)
			}
		}, "", justA("in use: pxelinux.cfg/default (pxe)")},
		{"boot configuration in a sentence", func(t *testing.T, d, _ string) { write(t, d+"/pxe/notes", "Rack 1 boots a.\n") }, "", justA("in use: notes (pxe)")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := t.TempDir()
			s := twoRoots(t, d+"/above/store")
			for _, sub := range []string{"leases", "pxe"} {
				if err := os.Mkdir(filepath.Join(d, sub), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			test.prepare(t, d, s.Dir())
			sources := nfsroot.Sources{Clients: d + "/clients", Rmtab: d + "/rmtab", Leases: d + "/leases", PXE: d + "/pxe"}
			if test.others != "" {
				sources.Others = []netip.Prefix{netip.MustParsePrefix(test.others)}
			}
			got := kept(t, s, sources)
			for _, reasons := range got {
				for i, r := range reasons {
					reasons[i] = strings.NewReplacer(s.Dir(), "STORE", filepath.Dir(s.Dir()), "ABOVE").Replace(r)
				}
			}
			equal(t, "reasons", got, test.want)
		})
	}
}

// TestSourcesThroughSymlink mounts the store by another name than it was opened by.
func TestSourcesThroughSymlink(t *testing.T) {
	d := t.TempDir()
	if err := os.MkdirAll(d+"/real", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", d+"/named"); err != nil {
		t.Fatal(err)
	}
	s := twoRoots(t, d+"/named")
	for _, name := range []string{"real", "named"} {
		write(t, d+"/rmtab", "node7:"+d+"/"+name+"/b:0x1\n")
		if got := kept(t, s, nfsroot.Sources{Rmtab: d + "/rmtab"}); !slices.Equal(got["b"], []string{"in use: node7 (rmtab)"}) {
			t.Errorf("by the name %s: %v", name, got)
		}
	}
}

// TestSourcesUnreadable wants an error, and not a guess.
func TestSourcesUnreadable(t *testing.T) {
	d := t.TempDir()
	s := twoRoots(t, d+"/store")
	write(t, d+"/rmtab", "what is this\n")
	write(t, d+"/file", "")
	for name, sources := range map[string]nfsroot.Sources{
		"rmtab:1: ":             {Rmtab: d + "/rmtab"},
		"reading leases":        {Leases: d + "/none"},
		"boot configuration":    {PXE: d + "/none"},
		"reading nfsd's client": {Clients: d + "/file"},
	} {
		before := treeOf(t, s.Dir())
		if _, err := s.Collect(t.Context(), nfsroot.Policy{Sources: sources}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Collect: %v, want an error with %q", err, name)
		}
		if err := s.Remove(t.Context(), []string{"a"}, sources); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Remove: %v, want an error with %q", err, name)
		}
		equal(t, "store", treeOf(t, s.Dir()), before)
	}
}
