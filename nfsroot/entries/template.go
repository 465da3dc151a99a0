package entries

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

//go:embed templates
var embedded embed.FS

// The directories that a loader sees, from the top of what is served.
const (
	ownName     = "rootbuild"
	defaultName = "default"
	menuName    = "menu"
	groupPrefix = "group-"
)

// The files of each root's directory.
const (
	kernelName    = "vmlinuz"
	initramfsName = "initramfs.cpio.zst"
)

// topText is what a template named top gets. It names no root: which one an entry
// gets is a symlink.
type topText struct {
	Entry  string // directory of the entry
	Menu   string // directory of the texts that offer all roots
	Groups []groupText
}

// groupText is a group with the exact names of its nodes.
type groupText struct {
	Name, Dir string
	nodes
}

// rootText is what a template named root gets.
type rootText struct {
	Tag, Digest, Version string // Digest with its algorithm
	Name                 string // of the root's directory, which is unique
	Kernel, Initramfs    string
	CommandLine          string
}

// menuText is what a template named menu gets.
type menuText struct{ Roots []rootText }

// language is a loader with its files.
type language struct {
	name string // of the loader
	top  string // first file that it reads
	file string // in the directory of an entry
}

var languages = []language{
	{GRUB, "grub/grub.cfg", "grub.cfg"},
	{IPXE, "boot.ipxe", "boot.ipxe"},
	{PXELinux, "pxelinux.cfg/default", "pxelinux.cfg"},
}

// maxTemplate is how many bytes a template may have.
const maxTemplate = 1 << 20

// templates are those of the loaders of a site, by loader.
type templates map[string]*template.Template

// loadTemplates takes each loader's from dir, or else the embedded one.
func loadTemplates(dir string, loaders []string) (templates, error) {
	if dir != SiteTemplates {
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("reading templates: %w", err)
		}
	}
	all := templates{}
	var errs []error
	for _, l := range loaders {
		t, err := loadTemplate(dir, l)
		all[l] = t
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}

func loadTemplate(dir, loader string) (*template.Template, error) {
	file := filepath.Join(dir, loader+".tmpl")
	text, err := safeopen.Read(file, maxTemplate)
	if errors.Is(err, fs.ErrNotExist) {
		file = path.Join("templates", loader+".tmpl")
		text, err = embedded.ReadFile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("reading template: %w", err)
	}
	t, err := template.New(file).Option("missingkey=error").Parse(string(text))
	if err != nil {
		return nil, templateError(err)
	}
	for _, name := range []string{"top", "root", "menu"} {
		if t.Lookup(name) == nil {
			return nil, fmt.Errorf("%s:1: it defines no template %q", file, name)
		}
	}
	return t, nil
}

// templateError begins with the file and the line, as all faults of files do.
func templateError(err error) error {
	return errors.New(strings.TrimPrefix(err.Error(), "template: "))
}

// mark is the comment that tells rootbuild's files from a site's own.
const mark = "# rootbuild wrote this, and writes it again; its templates are what to change.\n"

// render executes a template. The mark comes first, or behind the line that says what
// the file is.
func (ts templates) render(loader, name string, data any) ([]byte, error) {
	var b bytes.Buffer
	if err := ts[loader].ExecuteTemplate(&b, name, data); err != nil {
		return nil, templateError(err)
	}
	text := b.Bytes()
	at := 0
	if bytes.HasPrefix(text, []byte("#!")) {
		at = bytes.IndexByte(text, '\n') + 1
	}
	return slices.Concat(text[:at], []byte(mark), text[at:]), nil
}

// marked says whether the text of a file is rootbuild's.
func marked(text []byte) bool {
	const head = 256
	return bytes.Contains(text[:min(len(text), head)], []byte(strings.TrimSpace(mark)))
}
