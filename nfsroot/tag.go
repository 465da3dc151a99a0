package nfsroot

import (
	"errors"
	"fmt"
	"regexp"
)

// currentName is the symlink that names the root that nodes boot.
const currentName = "current"

// tagPattern is the grammar of tags in registries, so that one name serves both.
var tagPattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

// checkTag refuses what cannot name a root's directory.
func checkTag(tag string) error {
	if tag == currentName {
		return errors.New(`tag "current" is the name of the symlink: choose another`)
	}
	if !tagPattern.MatchString(tag) {
		return fmt.Errorf("tag %q: use up to 128 letters, digits, dots, dashes and underscores, with no dot or dash first", tag)
	}
	return nil
}
