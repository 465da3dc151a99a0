package registry_test

import (
	"encoding/pem"
	"errors"
	"io/fs"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
)

// A file says of one registry that it speaks http, of another by whom it is trusted, of
// a third where its mirrors are; each in its own way, for nothing was said of all.
func TestPullHosts(t *testing.T) {
	plain := startRegistry(t, "")
	from, h := imagetest.NodeImage(t, 1)
	pushTo(t, from, h, plain+"/roots/site:1")
	pushTo(t, from, h, plain+"/mirror/roots/site:1")
	s := httptest.NewTLSServer(&proxy{to: plain})
	t.Cleanup(s.Close)
	private := strings.TrimPrefix(s.URL, "https://")
	dir := t.TempDir()
	imagetest.Write(t, filepath.Join(dir, "site.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	file := filepath.Join(dir, "registries.yaml")
	imagetest.Write(t, file, `
registries:
  - {host: "`+plain+`", plain_http: true}
  - {host: "`+private+`", ca: site.pem}
  - {host: "absent.invalid:5000", mirrors: ["`+plain+`/mirror"]}
`)
	o := impatient()
	o.PlainHTTP = false
	pull := func(ref string) error {
		_, err := registry.Pull(t.Context(), imagetest.NewLayout(t), imagetest.Reference(t, ref), trust.Unverified, o)
		return err
	}
	refs := []string{plain + "/roots/site:1", private + "/roots/site:1", "absent.invalid:5000/roots/site@" + h.String()}
	for _, ref := range refs {
		if pull(ref) == nil {
			t.Errorf("%s: pulled without the file", ref)
		}
	}
	var err error
	if o.Hosts, err = registry.LoadHosts(file); err != nil {
		t.Fatal(err)
	}
	for _, ref := range refs {
		if err := pull(ref); err != nil {
			t.Errorf("%s: %v", ref, err)
		}
	}
}

// Every fault of the file is told, with its line.
func TestLoadHostsFaults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.yaml")
	if _, err := registry.LoadHosts(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no file: %v", err)
	}
	imagetest.Write(t, file, `
registries:
  - host: Registry.example.org
  - host: registry.example.org:443
  - host: a.example.org
    ca: absent.pem
    mirror: b
  - host: a.example.org
    mirrors: ["a//b:c"]
  - plain_http: yes please
`)
	_, err := registry.LoadHosts(file)
	for _, want := range []string{
		`r.yaml:3: host "Registry.example.org": want HOST[:PORT]`,
		`r.yaml:4: host "registry.example.org:443": want HOST[:PORT]`,
		`r.yaml:6: host "a.example.org": open `,
		`r.yaml:7: unknown key "mirror"; did you mean "mirrors"?`,
		`r.yaml:8: host "a.example.org" is there already`,
		`r.yaml:9: host "a.example.org": mirror "a//b:c"`,
		`r.yaml:10: key "host" is missing`,
		`r.yaml:10: registries.plain_http: want true or false`,
	} {
		imagetest.WantError(t, err, want)
	}
}
