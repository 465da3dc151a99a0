package unpack

import (
	"archive/tar"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Labels says what becomes of the labels of an image: extended attributes of its files
// that are about the system where it was made, as those of SELinux, IMA, overlayfs and
// macOS. All that are not user.*, capabilities and POSIX ACLs are labels, and of a symlink
// all are.
type Labels string

// What may become of labels. The zero value is DropLabels.
const (
	DropLabels   Labels = "drop"   // they are left out, as is noted
	KeepLabels   Labels = "keep"   // the disk gets them
	RefuseLabels Labels = "refuse" // so is the image
)

// AllLabels are the values of Labels.
var AllLabels = []Labels{DropLabels, KeepLabels, RefuseLabels}

// redHat marks labels of SELinux in tars of Red Hat's tar, which calls them
// RHT.security.selinux.
const redHat = "RHT."

// labelOf returns the attribute that a PAX record is, if it is a label.
func labelOf(record string, typ byte) (name string, ok bool) {
	if name, ok = strings.CutPrefix(record, redHat); ok {
		return name, strings.HasPrefix(name, "security.")
	}
	name, ok = strings.CutPrefix(record, xattrPrefix)
	if typ == tar.TypeSymlink {
		return name, ok
	}
	return name, ok && !strings.HasPrefix(name, "user.") && !slices.Contains(privileged, name)
}

// labelled says whether an entry has labels.
func labelled(pax map[string]string, typ byte) bool {
	for record := range pax {
		if _, ok := labelOf(record, typ); ok {
			return true
		}
	}
	return false
}

// label does with the labels of an entry what is wanted, in its header.
func (t *tree) label(hdr *tar.Header) error {
	if !labelled(hdr.PAXRecords, hdr.Typeflag) {
		return nil
	}
	rest := maps.Clone(hdr.PAXRecords)
	for record, value := range hdr.PAXRecords {
		name, ok := labelOf(record, hdr.Typeflag)
		switch {
		case !ok:
			continue
		case name == "" || !utf8.ValidString(name):
			return fmt.Errorf("its extended attribute %q is none that an image may set", name)
		case t.labels == RefuseLabels:
			return fmt.Errorf("it has the label %s, and --labels refuse refuses that", Name(name))
		}
		delete(rest, record)
		// The kernel lets no symlink have user.*.
		if t.labels == KeepLabels && !strings.HasPrefix(name, "user.") {
			rest[xattrPrefix+name] = value
		} else {
			t.dropped[name]++
		}
	}
	hdr.PAXRecords = rest
	return nil
}

// maxNamed is how many names of labels a note has.
const maxNamed = 5

// noteLabels says once what was dropped.
func (t *tree) noteLabels(note func(string)) {
	if len(t.dropped) == 0 {
		return
	}
	names := slices.Sorted(maps.Keys(t.dropped))
	var shown []string
	for _, n := range names[:min(len(names), maxNamed)] {
		shown = append(shown, fmt.Sprintf("%s (%d)", Name(n), t.dropped[n]))
	}
	if more := len(names) - maxNamed; more > 0 {
		shown = append(shown, fmt.Sprintf("%d others", more))
	}
	note(fmt.Sprintf("left out of the files' labels: %s; --labels keep or refuse does otherwise", strings.Join(shown, ", ")))
}
