package stages

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	packageurl "github.com/package-url/packageurl-go"
	"github.com/spdx/tools-golang/spdx/v2/common"
	spdx "github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// noAssertion is how SPDX says that something is not known here.
const noAssertion = "NOASSERTION"

// SBOM returns the bill of materials of the image with that manifest digest,
// sha256:..., as an SPDX 2.3 document in JSON. It is pure: the same graph and
// digest give the same bytes.
func (g Graph) SBOM(digest string) ([]byte, error) {
	b := sbom{graph: g, digest: digest, refs: map[string]bool{}}
	b.document = spdx.Document{
		SPDXVersion:       spdx.Version,
		DataLicense:       spdx.DataLicense,
		SPDXIdentifier:    "DOCUMENT",
		DocumentName:      g.Target.Name,
		DocumentNamespace: "https://github.com/rootbuild/rootbuild/spdx/" + g.Target.Name + "/" + strings.ReplaceAll(digest, ":", "-"),
		CreationInfo: &spdx.CreationInfo{
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "rootbuild"}},
			Created:  g.Target.Epoch.UTC().Format(time.RFC3339),
		},
	}
	b.image()
	for _, r := range g.Stages {
		b.stage(r)
	}
	b.sources()
	b.licenses()
	return encode(&b.document)
}

// encode writes what programs and people read.
func encode(v any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("internal error: encoding %T: %w", v, err)
	}
	return text.Bytes(), nil
}

// sbom is a document that is being written.
type sbom struct {
	graph    Graph
	digest   string
	document spdx.Document
	refs     map[string]bool // licences that the document has to explain
}

const imageID = "image"

func stageID(r Recipe) string { return string(r.Kind) + "-" + r.Name }

func sourceID(s Source) string { return "source-" + s.SHA256 }

// add adds a package, with what is the same for all of them.
func (b *sbom) add(p spdx.Package) {
	p.PackageSupplier = &common.Supplier{Supplier: noAssertion}
	p.PackageLicenseConcluded = noAssertion
	p.PackageCopyrightText = noAssertion
	if p.PackageLicenseDeclared == "" {
		p.PackageLicenseDeclared = noAssertion
	}
	if p.PackageDownloadLocation == "" {
		p.PackageDownloadLocation = noAssertion
	}
	b.document.Packages = append(b.document.Packages, &p)
}

func (b *sbom) relate(from, relationship, to string) {
	b.document.Relationships = append(b.document.Relationships, &spdx.Relationship{
		RefA:         common.MakeDocElementID("", from),
		RefB:         common.MakeDocElementID("", to),
		Relationship: relationship,
	})
}

// image is what the document describes.
func (b *sbom) image() {
	t := b.graph.Target
	b.add(spdx.Package{
		PackageName:               t.Name,
		PackageSPDXIdentifier:     imageID,
		PackageVersion:            b.digest,
		PackageChecksums:          []common.Checksum{sha256Of(strings.TrimPrefix(b.digest, "sha256:"))},
		PackageSummary:            t.Description,
		PackageExternalReferences: purl(packageurl.TypeOCI, t.Name, b.digest, nil),
		PrimaryPackagePurpose:     "CONTAINER",
	})
	b.relate("DOCUMENT", common.TypeRelationshipDescribe, imageID)
}

// stage is one recipe's result: in the image, or only needed to build what is.
func (b *sbom) stage(r Recipe) {
	p := spdx.Package{
		PackageName:               r.Name,
		PackageSPDXIdentifier:     common.ElementID(stageID(r)),
		PackageVersion:            r.Version,
		PackageLicenseDeclared:    r.License,
		PackageSummary:            r.Description,
		PackageHomePage:           r.Homepage,
		PackageExternalReferences: purl(packageurl.TypeGeneric, r.Name, r.Version, nil),
	}
	if len(r.Patches) > 0 {
		p.PackageSourceInfo = "with the patches " + strings.Join(r.Patches, ", ")
	}
	b.add(p)
	b.explain(r.License)
	switch {
	case slices.Contains(b.graph.Contents(), r.Name):
		b.relate(imageID, common.TypeRelationshipContains, stageID(r))
	case r.Kind == KindTool:
		b.relate(stageID(r), common.TypeRelationshipBuildToolOf, imageID)
	default:
		b.relate(stageID(r), common.TypeRelationshipBuildDependencyOf, imageID)
	}
	for _, name := range r.Needs {
		b.relate(stageID(r), common.TypeRelationshipDependsOn, stageID(b.graph.Recipe(name)))
	}
	for _, s := range r.Sources {
		b.relate(stageID(r), common.TypeRelationshipGeneratedFrom, sourceID(s))
	}
}

// sources are the files that stages are built from, each once.
func (b *sbom) sources() {
	for _, s := range b.graph.Sources() {
		p := spdx.Package{
			PackageName:           s.Name,
			PackageFileName:       s.Name,
			PackageSPDXIdentifier: common.ElementID(sourceID(s)),
			PackageChecksums:      []common.Checksum{sha256Of(s.SHA256)},
			PackageSourceInfo:     "from " + origins(s),
			PackageExternalReferences: purl(packageurl.TypeGeneric, s.Name, "",
				map[string]string{"checksum": "sha256:" + s.SHA256}),
			PrimaryPackagePurpose: "SOURCE",
		}
		for _, o := range s.Origins {
			// The checksum is that of the file, not of a package around it.
			if strings.HasPrefix(o.URL, "https://") && o.Member == "" {
				p.PackageDownloadLocation = public(o.URL)
				break
			}
		}
		b.add(p)
	}
}

func origins(s Source) string {
	var list []string
	for _, o := range s.Origins {
		list = append(list, o.String())
	}
	return strings.Join(list, ", ")
}

// explain notes the licences of an expression that SPDX does not list.
func (b *sbom) explain(expression string) {
	// A recipe with another text was refused when it was read.
	ids, _ := licenseIDs(expression)
	for _, id := range ids {
		if licenseRef(id) {
			b.refs[id] = true
		}
	}
}

func (b *sbom) licenses() {
	for _, id := range slices.Sorted(maps.Keys(b.refs)) {
		b.document.OtherLicenses = append(b.document.OtherLicenses, &spdx.OtherLicense{
			LicenseIdentifier: id,
			LicenseName:       strings.TrimPrefix(id, "LicenseRef-"),
			ExtractedText:     "It stands in the sources of the packages that declare it.",
		})
	}
}

func sha256Of(hex string) common.Checksum {
	return common.Checksum{Algorithm: common.SHA256, Value: hex}
}

func purl(kind, name, version string, qualifiers map[string]string) []*spdx.PackageExternalReference {
	locator := packageurl.NewPackageURL(kind, "", name, version, packageurl.QualifiersFromMap(qualifiers), "")
	return []*spdx.PackageExternalReference{{
		Category: common.CategoryPackageManager,
		RefType:  common.TypePackageManagerPURL,
		Locator:  locator.ToString(),
	}}
}
