package oci

import (
	"errors"
	"fmt"
	"strings"
)

// Format is the form in which an image leaves the layout.
type Format string

// The formats of a Destination.
const (
	// FormatLayout is a directory, an OCI image layout.
	FormatLayout Format = "oci"
	// FormatArchive is a tar of an OCI image layout that holds one image.
	FormatArchive Format = "oci-archive"
	// FormatDocker is a tar as `docker save` writes it.
	FormatDocker Format = "docker-archive"
)

const destinationForms = "oci:DIR, oci-archive:FILE or docker-archive:FILE"

// Destination is a place that an image is exported to.
type Destination struct {
	Format Format
	// Path is the directory of FormatLayout, the file of the others.
	Path string
}

// String returns the form that ParseDestination reads.
func (d Destination) String() string { return string(d.Format) + ":" + d.Path }

// ParseDestination reads FORMAT:PATH. A path with a colon is refused: what
// reads these forms elsewhere takes what follows it for a tag.
func ParseDestination(s string) (Destination, error) {
	d, err := parseDestination(s)
	if err != nil {
		return Destination{}, fmt.Errorf("destination %q: %w; want %s", s, err, destinationForms)
	}
	return d, nil
}

func parseDestination(s string) (Destination, error) {
	format, path, found := strings.Cut(s, ":")
	switch {
	case !found:
		return Destination{}, errors.New("it has no format")
	case path == "":
		return Destination{}, errors.New("it has no path")
	case strings.Contains(path, ":"):
		return Destination{}, errors.New("the path has a colon")
	}
	switch f := Format(format); f {
	case FormatLayout, FormatArchive, FormatDocker:
		return Destination{Format: f, Path: path}, nil
	}
	return Destination{}, fmt.Errorf("format %q is unknown", format)
}
