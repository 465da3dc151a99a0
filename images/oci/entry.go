package oci

import (
	"archive/tar"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

const capabilityRecord = "SCHILY.xattr.security.capability"

// Entry is one path of a layer.
type Entry struct {
	// Path is clean and has no leading slash; the root itself is ".".
	Path string `json:"path"`
	// Type is the type flag of archive/tar: TypeReg, TypeDir, TypeSymlink...
	Type byte `json:"type"`
	// Mode holds the permission bits, setuid, setgid and sticky included.
	Mode int64 `json:"mode"`
	UID  int   `json:"uid,omitempty"`
	GID  int   `json:"gid,omitempty"`
	// Size is the length of a regular file in bytes.
	Size int64 `json:"size,omitempty"`
	// Link is a symbolic link's target, or the path of this layer that a hard
	// link shares.
	Link string `json:"link,omitempty"`
	// Major and Minor number a device.
	Major int64 `json:"major,omitempty"`
	Minor int64 `json:"minor,omitempty"`
	// Capability is the value of the security.capability attribute.
	Capability []byte `json:"capability,omitempty"`
}

// newEntry takes from a header what a canonical layer keeps.
func newEntry(h *tar.Header) (Entry, error) {
	p, err := cleanPath(h.Name)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Path: p, Type: h.Typeflag, Mode: h.Mode & 0o7777, UID: h.Uid, GID: h.Gid}
	if c := h.PAXRecords[capabilityRecord]; c != "" {
		e.Capability = []byte(c)
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		e.Type, e.Size = tar.TypeReg, h.Size
	case tar.TypeDir, tar.TypeFifo:
	case tar.TypeSymlink:
		e.Link = h.Linkname
	case tar.TypeChar, tar.TypeBlock:
		e.Major, e.Minor = h.Devmajor, h.Devminor
	case tar.TypeLink:
		if e.Link, err = cleanPath(h.Linkname); err != nil {
			return Entry{}, fmt.Errorf("hard link to %q: %w", h.Linkname, err)
		}
	default:
		return Entry{}, fmt.Errorf("type %q is none that an image can hold", h.Typeflag)
	}
	return e, checkEntry(h, e)
}

// checkEntry refuses what would mean something else in an image than in the
// tree it came from.
func checkEntry(h *tar.Header, e Entry) error {
	const typeMask, socket = 0o170000, 0o140000
	switch {
	case h.Mode&typeMask == socket:
		return errors.New("an image cannot hold a socket")
	case e.Path == "." && e.Type != tar.TypeDir:
		return errors.New("the root is not a directory")
	case strings.Contains("/"+e.Path, "/.wh."):
		return errors.New("the name would remove a file of a lower layer")
	case !utf8.ValidString(e.Path) || !utf8.ValidString(e.Link):
		return errors.New("the name is not UTF-8, which PAX headers and JSON are")
	case e.UID < 0 || e.GID < 0:
		return fmt.Errorf("owner %d:%d is negative", e.UID, e.GID)
	}
	return nil
}

// cleanPath returns the one spelling of a path below the root.
func cleanPath(name string) (string, error) {
	switch {
	case name == "":
		return "", errors.New("the path is empty")
	case strings.HasPrefix(name, "/"):
		return "", errors.New("the path is absolute")
	case slices.Contains(strings.Split(name, "/"), ".."):
		return "", errors.New(`the path holds ".."`)
	}
	return path.Clean(name), nil
}
