// Package images says what a target is: the definition of one node root, as
// data. Its targets are embedded YAML files; a site writes its own beside them.
//
// The package reads files and nothing else: how a target is built is the
// concern of package stages, how its image is moved that of images/oci.
package images

import (
	"fmt"
	"io/fs"
	"time"
)

// Target is a definition with everything it extends folded in. Its lists keep
// the order in which they were written, those of the extended target first.
type Target struct {
	Name        string
	Description string
	Libc        string   // the C library, which names the toolchain
	Platforms   []string // such as linux/amd64
	Packages    []string // names of recipes
	Kernel      Kernel
	Init        string // what renders and starts the services; empty if there are none
	Services    map[Runlevel][]string
	Tmpfs       []Tmpfs
	Checks      []Check
	Users       []User
	Groups      []Group
	Files       []File
	Epoch       time.Time   // the time of every file of the image, in UTC
	RecipeDirs  []RecipeDir // a site's own recipes, a later one wins
	Source      string      // the file that it was read from, as errors tell it

	libcAt    string
	initAt    string
	serviceAt map[string]string
	packageAt map[string]string
}

// User is a line of /etc/passwd. Every password is locked.
type User struct {
	Name     string
	UID, GID int
	Comment  string
	Home     string
	Shell    string
}

// Group is a line of /etc/group.
type Group struct {
	Name    string
	GID     int
	Members []string
}

// File is one thing that a target lays over its packages. It is a regular file
// with Content unless Symlink, Directory or Device says otherwise; at most one
// of the four is set.
type File struct {
	Path      string // absolute and clean
	Mode      uint32 // permission bits, set-id and sticky bits as chmod(2) takes them
	UID, GID  int
	Content   []byte
	Symlink   string // where it points
	Directory bool
	Device    Device
}

// Device is a device node; the zero Device is none.
type Device struct {
	Type         string // CharDevice or BlockDevice
	Major, Minor int
}

// The types of device nodes.
const (
	CharDevice  = "char"
	BlockDevice = "block"
)

// RecipeDir is a directory of recipes.
type RecipeDir struct {
	Path string // as errors tell it
	FS   fs.FS
}

// LibcAt tells file and line where the target names its libc, or the target's
// file if that is not known.
func (t Target) LibcAt() string {
	if t.libcAt != "" {
		return t.libcAt
	}
	return t.source()
}

// PackageAt tells file and line where the target first names a package, or the
// target's file if that is not known.
func (t Target) PackageAt(name string) string {
	if at, ok := t.packageAt[name]; ok {
		return at
	}
	return t.source()
}

func (t Target) source() string {
	if t.Source != "" {
		return t.Source
	}
	return fmt.Sprintf("target %s", t.Name)
}
