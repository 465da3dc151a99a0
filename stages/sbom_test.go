package stages_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	spdx "github.com/spdx/tools-golang/spdx/v2/v2_3"
	"github.com/spdx/tools-golang/spdxlib"

	"github.com/rootbuild/rootbuild/images"
)

const imageDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestSBOM(t *testing.T) {
	cases(t, "sbom", func(t *testing.T, dir images.RecipeDir) string {
		g := resolve(t, dir)
		g.Target.Epoch = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		text, err := g.SBOM(imageDigest)
		if err != nil {
			t.Fatal(err)
		}
		again, err := resolve(t, dir).SourceListJSON(imageDigest)
		if err != nil {
			t.Fatal(err)
		}
		return string(text) + "\n" + string(again)
	})
}

// TestSBOMOfTargets reads the documents of the embedded targets with SPDX's own
// library, and holds them to name what the graph has.
func TestSBOMOfTargets(t *testing.T) {
	for _, name := range images.Names() {
		t.Run(name, func(t *testing.T) {
			g := load(t, name)
			text, err := g.SBOM(imageDigest)
			if err != nil {
				t.Fatal(err)
			}
			var document spdx.Document
			if err := json.ReadInto(bytes.NewReader(text), &document); err != nil {
				t.Fatal(err)
			}
			if err := spdxlib.ValidateDocument(&document); err != nil {
				t.Error(err)
			}
			checkIdentifiers(t, document)
			if got, want := contained(document), g.Contents(); !slices.Equal(sorted(got), sorted(want)) {
				t.Errorf("the image contains other packages:\n%s", cmp.Diff(sorted(want), sorted(got)))
			}
			for _, s := range g.Sources() {
				if !strings.Contains(string(text), s.SHA256) {
					t.Errorf("source %s is not told", s.Name)
				}
			}
			again, err := load(t, name).SBOM(imageDigest)
			if err != nil || !bytes.Equal(text, again) {
				t.Errorf("a second document differs (%v)", err)
			}
		})
	}
}

// checkIdentifiers holds every identifier to be one element's, and of the form
// that the standard wants.
func checkIdentifiers(t *testing.T, d spdx.Document) {
	t.Helper()
	form := regexp.MustCompile(`^[0-9A-Za-z.-]+$`)
	known := map[common.ElementID]bool{d.SPDXIdentifier: true}
	for _, p := range d.Packages {
		if known[p.PackageSPDXIdentifier] {
			t.Errorf("%s stands twice", p.PackageSPDXIdentifier)
		}
		if !form.MatchString(string(p.PackageSPDXIdentifier)) {
			t.Errorf("%q is no identifier", p.PackageSPDXIdentifier)
		}
		known[p.PackageSPDXIdentifier] = true
	}
}

func contained(d spdx.Document) []string {
	var names []string
	for _, r := range d.Relationships {
		if r.Relationship == common.TypeRelationshipContains {
			names = append(names, strings.TrimPrefix(string(r.RefB.ElementRefID), "package-"))
		}
	}
	return names
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }
