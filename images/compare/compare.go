// Package compare tells how two images differ: layer, file, and what of the
// file. It reads images and changes nothing.
package compare

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Kind is what of a thing differs.
type Kind string

// The kinds of differences.
const (
	Missing     Kind = "missing"     // only the first image has it
	Added       Kind = "added"       // only the second one has it
	Version     Kind = "version"     // of a layer's package
	Order       Kind = "order"       // of the layers
	Compression Kind = "compression" // of a layer whose files are the same
	Config      Kind = "config"      // of the image: its names, its time, what it runs
	Type        Kind = "type"        // of a file: regular, directory, symlink...
	Mode        Kind = "mode"
	Owner       Kind = "owner"
	Time        Kind = "time"
	Link        Kind = "link" // where a symlink or a hard link leads
	Device      Kind = "device"
	Capability  Kind = "capability"
	Bytes       Kind = "bytes"
)

// Difference is one thing in which the second image is not as the first.
type Difference struct {
	Layer string `json:"layer,omitempty"` // what is in it: "package bash", "target site"
	Path  string `json:"path,omitempty"`  // of the layer, without a leading slash; "." stands for every file
	// Within says where in the file: the section of an ELF file, the member of
	// an archive, the line of a text, each inside the one before it.
	Within []string `json:"within,omitempty"`
	Kind   Kind     `json:"kind"`
	Want   string   `json:"want,omitempty"` // in the first image
	Have   string   `json:"have,omitempty"` // in the second
}

// String is the difference as one line.
func (d Difference) String() string {
	var s strings.Builder
	for _, word := range []string{d.Layer, d.path(), strings.Join(d.Within, ", ")} {
		if word != "" {
			s.WriteString(word + ": ")
		}
	}
	s.WriteString(string(d.Kind))
	if d.Want != "" || d.Have != "" {
		fmt.Fprintf(&s, " %s, not %s", orNothing(d.Have), orNothing(d.Want))
	}
	return s.String()
}

func (d Difference) path() string {
	switch d.Path {
	case "":
		return ""
	case ".":
		return "every file"
	}
	return "/" + d.Path
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// Images tells how image b differs from image a: what concerns the image as a
// whole, then each layer in the order of a's. With names, such as "package
// bash", it compares only these layers.
func Images(a, b v1.Image, names ...string) ([]Difference, error) {
	from, err := readImage(a)
	if err != nil {
		return nil, err
	}
	to, err := readImage(b)
	if err != nil {
		return nil, err
	}
	if len(names) > 0 {
		from.keep(names)
		to.keep(names)
	}
	found := from.compare(to)
	for _, layer := range from.layers {
		other, ok := to.layer(layer.name)
		if !ok {
			continue
		}
		inside, err := layers(layer, other)
		if err != nil {
			return nil, fmt.Errorf("comparing %s: %w", layer.name, err)
		}
		found = append(found, inside...)
	}
	return found, nil
}

// image is what of an image is not in its layers.
type image struct {
	layers []layer
	about  []fact
}

// layer is one layer of an image.
type layer struct {
	img     v1.Image
	index   int
	name    string
	version string
	blob    v1.Hash
	diffID  v1.Hash
}

func readImage(img v1.Image) (image, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return image{}, err
	}
	manifest, err := img.Manifest()
	if err != nil {
		return image{}, err
	}
	if len(manifest.Layers) != len(config.RootFS.DiffIDs) {
		return image{}, fmt.Errorf("the manifest has %d layers, the config %d", len(manifest.Layers), len(config.RootFS.DiffIDs))
	}
	i := image{about: about(config, manifest)}
	for n, id := range config.RootFS.DiffIDs {
		l := layer{img: img, index: n, blob: manifest.Layers[n].Digest, diffID: id}
		l.name = fmt.Sprintf("layer %d", n)
		if n < len(config.History) {
			l.name, l.version = made(config.History[n].CreatedBy, l.name)
		}
		i.layers = append(i.layers, l)
	}
	return i, nil
}

// made splits what a layer's history says of it: "package bash 5.2.37".
func made(by, otherwise string) (name, version string) {
	words := strings.Fields(by)
	switch len(words) {
	case 0:
		return otherwise, ""
	case 3:
		return words[0] + " " + words[1], words[2]
	}
	return by, ""
}

func about(config *v1.ConfigFile, manifest *v1.Manifest) []fact {
	facts := []fact{
		{"platform", config.Platform().String()},
		{"created", config.Created.UTC().String()},
		{"environment", strings.Join(config.Config.Env, " ")},
		{"command", strings.Join(config.Config.Cmd, " ")},
	}
	facts = append(facts, ofMap("label ", config.Config.Labels)...)
	return append(facts, ofMap("annotation ", manifest.Annotations)...)
}

// compare tells how two images differ apart from the files of their layers.
func (i image) compare(other image) []Difference {
	found := unlike(i.about, other.about, func(f fact) Difference {
		return Difference{Kind: Config, Within: []string{f.name}}
	})
	var order, otherOrder []string
	for _, l := range i.layers {
		if o, ok := other.layer(l.name); !ok {
			found = append(found, Difference{Layer: l.name, Kind: Missing})
		} else {
			order = append(order, l.name)
			found = append(found, l.compare(o)...)
		}
	}
	for _, l := range other.layers {
		if _, ok := i.layer(l.name); !ok {
			found = append(found, Difference{Layer: l.name, Kind: Added})
		} else {
			otherOrder = append(otherOrder, l.name)
		}
	}
	if !slices.Equal(order, otherOrder) {
		found = append(found, Difference{Kind: Order, Want: strings.Join(order, ", "), Have: strings.Join(otherOrder, ", ")})
	}
	return found
}

// keep drops everything but some layers.
func (i *image) keep(names []string) {
	i.about = nil
	i.layers = slices.DeleteFunc(i.layers, func(l layer) bool { return !slices.Contains(names, l.name) })
}

func (i image) layer(name string) (layer, bool) {
	for _, l := range i.layers {
		if l.name == name {
			return l, true
		}
	}
	return layer{}, false
}

func (l layer) compare(other layer) []Difference {
	var found []Difference
	if l.version != other.version {
		found = append(found, Difference{Layer: l.name, Kind: Version, Want: l.version, Have: other.version})
	}
	if l.diffID == other.diffID && l.blob != other.blob {
		found = append(found, Difference{Layer: l.name, Kind: Compression, Want: l.blob.String(), Have: other.blob.String()})
	}
	return found
}
