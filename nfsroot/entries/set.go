package entries

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Root is a node root that gets an entry if it brings a kernel.
type Root struct {
	Tag    string
	Digest string // of its image, sha256 in hex
	Dir    string // its tree
}

// name is the name of the root's directory: no tag has an @, and a tag may come to
// name another image.
func (r Root) name() string { return r.Tag + "@" + r.Digest[:12] }

// Set is all that determines what the directory of boot entries holds.
type Set struct {
	Site    Site
	Store   string // the directory of node roots that the entries belong to
	Default string // tag of the root that nodes of no group get; may be empty
	Groups  []Group
	Roots   []Root
}

// stamp is a digest of the set: where the directory bears it, it was written whole.
func (s Set) stamp() string {
	data, err := json.Marshal(s)
	if err != nil {
		panic("internal error: " + err.Error()) // strings alone
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// links returns the symlinks of entries, by name, and the tags that they lead to.
func (s Set) links() map[string]string {
	links := map[string]string{}
	if s.Default != "" {
		links[defaultName] = s.Default
	}
	for _, g := range s.Groups {
		if g.Tag != "" {
			links[groupPrefix+g.Name] = g.Tag
		}
	}
	return links
}

// root returns the root with a tag.
func (s Set) root(tag string) (Root, error) {
	i := slices.IndexFunc(s.Roots, func(r Root) bool { return r.Tag == tag })
	if i < 0 {
		return Root{}, fmt.Errorf("%s is none of the roots of %s", tag, s.Store)
	}
	return s.Roots[i], nil
}

// entryOf says of a link what it is the entry of.
func entryOf(link string) string {
	if group, ok := strings.CutPrefix(link, groupPrefix); ok {
		return "group " + group
	}
	return link
}

// rendered is a set as files: paths below the directory, with their texts.
type rendered struct {
	set     Set
	links   map[string]string // by name in rootbuild, the directory that it leads to
	roots   map[string]source // by name of their directory
	tops    map[string][]byte // outside of rootbuild, and the menus
	inRoots map[string][]byte
}

// source is where the kernel of a root's directory comes from.
type source struct {
	root   Root
	kernel Kernel
}

// render makes every text of the set, so that nothing is written of one with a fault.
// A root that an entry names has to bring a kernel; another may lack one.
func (s Set) render() (rendered, error) {
	r := rendered{set: s, links: map[string]string{}, roots: map[string]source{}, tops: map[string][]byte{}, inRoots: map[string][]byte{}}
	if err := errors.Join(s.Site.Check(), CheckGroups(s.Groups, s.Site.Loaders)); err != nil {
		return r, err
	}
	ts, err := loadTemplates(s.Site.Templates, s.Site.Loaders)
	if err != nil {
		return r, err
	}
	r.findKernels()
	var errs []error
	links := s.links()
	for _, link := range slices.Sorted(maps.Keys(links)) {
		errs = append(errs, r.lead(link, links[link]))
	}
	if err := errors.Join(errs...); err != nil {
		return r, err
	}
	texts, err := r.rootTexts()
	if err != nil {
		return r, err
	}
	for _, l := range languages {
		if slices.Contains(s.Site.Loaders, l.name) {
			errs = append(errs, r.language(l, ts, texts))
		}
	}
	return r, errors.Join(errs...)
}

// findKernels takes the roots that bring a kernel.
func (r *rendered) findKernels() {
	for _, root := range r.set.Roots {
		if k, err := FindKernel(root.Dir); err == nil {
			r.roots[root.name()] = source{root, k}
		}
	}
}

// lead has a link lead to the directory of a root, which has to be there.
func (r *rendered) lead(link, tag string) error {
	root, err := r.set.root(tag)
	if err != nil {
		return fmt.Errorf("the entry of %s: %w", entryOf(link), err)
	}
	if _, ok := r.roots[root.name()]; !ok {
		_, err := FindKernel(root.Dir)
		return fmt.Errorf("root %s can be no boot entry (%s): %w", tag, entryOf(link), err)
	}
	r.links[link] = root.name()
	return nil
}

// rootTexts returns what templates get of the roots, in the order of their tags.
func (r *rendered) rootTexts() ([]rootText, error) {
	var list []rootText
	for name, s := range r.roots {
		line, err := r.set.Site.commandLine(s.root)
		if err != nil {
			return nil, err
		}
		list = append(list, rootText{
			Tag: s.root.Tag, Digest: "sha256:" + s.root.Digest, Version: s.kernel.Version, Name: name,
			Kernel: path.Join(ownName, name, kernelName), Initramfs: path.Join(ownName, name, initramfsName), CommandLine: line,
		})
	}
	slices.SortFunc(list, func(a, b rootText) int { return cmp.Compare(a.Tag, b.Tag) })
	return list, nil
}

// language renders what one loader reads.
func (r *rendered) language(l language, ts templates, roots []rootText) error {
	var errs []error
	put := func(into map[string][]byte, file, name string, data any) {
		text, err := ts.render(l.name, name, data)
		into[file] = text
		errs = append(errs, err)
	}
	for _, root := range roots {
		put(r.inRoots, path.Join(ownName, root.Name, l.file), "root", root)
	}
	put(r.tops, path.Join(ownName, menuName, l.file), "menu", menuText{roots})
	top := topText{Entry: path.Join(ownName, defaultName), Menu: path.Join(ownName, menuName)}
	for _, g := range r.set.Groups {
		if g.Tag == "" {
			continue // its nodes get the default
		}
		n, err := g.expand()
		errs = append(errs, err)
		dir := path.Join(ownName, groupPrefix+g.Name)
		if l.name != PXELinux {
			top.Groups = append(top.Groups, groupText{g.Name, dir, n})
			continue
		}
		of := topText{Entry: dir, Menu: top.Menu}
		for _, mac := range n.MACs {
			put(r.tops, "pxelinux.cfg/01-"+strings.ReplaceAll(mac, ":", "-"), "top", of)
		}
		for _, uuid := range n.UUIDs {
			put(r.tops, "pxelinux.cfg/"+uuid, "top", of)
		}
	}
	put(r.tops, l.top, "top", top)
	return errors.Join(errs...)
}
