package base_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootbuild/rootbuild/builder/base"
)

// An aptHost is an apt configuration of the test's own, which the real apt reads.
type aptHost struct {
	sources string            // sources.list
	conf    string            // further lines of apt.conf
	fetched map[string]string // archive, as in the name of its Release file, to label
}

func (h aptHost) use(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip("needs apt-get")
	}
	dir := t.TempDir()
	lists := filepath.Join(dir, "lists")
	write(t, filepath.Join(lists, "partial", "empty"), "")
	write(t, filepath.Join(dir, "parts", "empty"), "")
	write(t, filepath.Join(dir, "sources.list"), h.sources)
	for archive, label := range h.fetched {
		write(t, filepath.Join(lists, archive+"_Release"), "Origin: "+label+"\nLabel: "+label+"\n")
		write(t, filepath.Join(lists, archive+"_main_binary-amd64_Packages"), "")
	}
	conf := fmt.Sprintf(`APT::Architecture "amd64"; Dir::State::lists "%s";
Dir::Etc { sourcelist "%[2]s/sources.list"; sourceparts "%[2]s/parts"; parts "%[2]s/parts"; main "/dev/null"; };
%[3]s`, lists, dir, h.conf)
	write(t, filepath.Join(dir, "apt.conf"), conf)
	t.Setenv("APT_CONFIG", filepath.Join(dir, "apt.conf"))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestHostMirror(t *testing.T) {
	const other = "deb http://other.example.org/tools stable main\n"
	const debian = "deb http://a.example.org/debian bookworm main\n"
	const security = "deb http://a.example.org/security bookworm-security main\n"
	const trixie = "deb http://b.example.org/debian trixie main\n"
	for _, tt := range []struct {
		name string
		host aptHost
		want string
	}{
		{"fresh machine", aptHost{sources: security + debian}, "http://a.example.org/debian"},
		{"fresh machine with two releases", aptHost{sources: debian + trixie}, "http://b.example.org/debian"},
		{"labels tell", aptHost{
			sources: other + security + debian,
			fetched: map[string]string{
				"other.example.org_tools_dists_stable":           "Other",
				"a.example.org_security_dists_bookworm-security": "Debian-Security",
				"a.example.org_debian_dists_bookworm":            "Debian",
			},
		}, "http://a.example.org/debian"},
		{"a list of mirrors", aptHost{sources: "deb mirror+file:/etc/mirrors.list bookworm main\n"}, "mirror+file:/etc/mirrors.list"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.host.use(t)
			got, err := base.HostMirror(t.Context(), "trixie")
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestHostMirrorWithoutDebian(t *testing.T) {
	aptHost{sources: "deb http://other.example.org/tools stable extra\n"}.use(t)
	_, err := base.HostMirror(t.Context(), "trixie")
	if err == nil {
		t.Fatal("found an archive where there is none")
	}
	for _, remedy := range []string{"--mirror URL", "--base REF"} {
		if !strings.Contains(err.Error(), remedy) {
			t.Errorf("error %q does not name %s", err, remedy)
		}
	}
}

func TestHostMirrorTellsFaultOfConfiguration(t *testing.T) {
	aptHost{sources: "deb nonsense\n"}.use(t)
	_, err := base.HostMirror(t.Context(), "trixie")
	if err == nil || !strings.Contains(err.Error(), "sources.list") {
		t.Errorf("got error %v, want apt's own, which names the file", err)
	}
}

func TestHostAptOptions(t *testing.T) {
	aptHost{conf: `
Acquire::http { Proxy "http://127.0.0.1:3142"; Proxy::example.org "DIRECT"; };
Acquire::https::CaInfo "/etc/ssl/site.pem";
Acquire::Retries "3";
Acquire::Check-Valid-Until "false";
Acquire::Languages { "none"; };
APT::Install-Recommends "true";
`}.use(t)
	got, err := base.HostAptOptions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`Acquire::http::Proxy "http://127.0.0.1:3142";`,
		`Acquire::http::Proxy::example.org "DIRECT";`,
		`Acquire::https::CaInfo "/etc/ssl/site.pem";`,
		`Acquire::Retries "3";`,
		`Acquire::Check-Valid-Until "false";`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings handed on (-want +got):\n%s", diff)
	}
}
