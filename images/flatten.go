package images

import (
	"fmt"
	"path"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// The names of a flattened target, relative to its directory.
const (
	// FlatTarget is its file.
	FlatTarget = targetFile
	// FlatRecipes is the directory of its recipes.
	FlatRecipes = "recipes"

	flatFiles     = "files"
	flatInitramfs = "initramfs"
)

// Flatten returns the target as the files of one that extends none, by their
// paths: FlatTarget, and beside it what its files hold. Where they stand with
// the recipes in FlatRecipes, Load reads the same target again.
func (t Target) Flatten() (map[string][]byte, error) { return t.flatten(FlatRecipes) }

// flatten is Flatten with the recipes elsewhere.
func (t Target) flatten(recipes string) (map[string][]byte, error) {
	files := map[string][]byte{}
	w := writtenTarget{
		Name: t.Name, Description: t.Description, Libc: t.Libc, Platforms: t.Platforms,
		Epoch: t.Epoch.UTC().Format(time.RFC3339), Packages: t.Packages, Recipes: []string{recipes},
		Init: t.Init, Services: t.Services,
	}
	for _, u := range t.Users {
		w.Users = append(w.Users, writtenUser(u))
	}
	for _, g := range t.Groups {
		w.Groups = append(w.Groups, writtenGroup(g))
	}
	for _, m := range t.Tmpfs {
		w.Tmpfs = append(w.Tmpfs, writtenTmpfs{m.Path, fmt.Sprintf("%04o", m.Mode), owned(m.UID, m.GID), m.Size})
	}
	for _, c := range t.Checks {
		w.Checks = append(w.Checks, writtenCheck{c.Name, c.Within.String(), c.Run})
	}
	for _, f := range t.Files {
		written := f.written()
		if written.From != "" {
			files[written.From] = f.Content
		}
		w.Files = append(w.Files, written)
	}
	if k := t.Kernel; k.Recipe != "" {
		w.Kernel = &writtenKernel{k.Recipe, k.Config, k.Modules, k.Firmware, path.Join("./", flatInitramfs, FlatTarget)}
		below, err := k.Initramfs.flatten(path.Join("..", recipes))
		if err != nil {
			return nil, err
		}
		for name, content := range below {
			files[path.Join(flatInitramfs, name)] = content
		}
	}
	text, err := yaml.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("writing target %s: %w", t.Name, err)
	}
	files[FlatTarget] = text
	return files, nil
}

// The written types are the keys of a target in the order of a file.
type (
	writtenTarget struct {
		Name        string                `yaml:"name"`
		Description string                `yaml:"description,omitempty"`
		Libc        string                `yaml:"libc"`
		Platforms   []string              `yaml:"platforms"`
		Epoch       string                `yaml:"epoch"`
		Packages    []string              `yaml:"packages"`
		Kernel      *writtenKernel        `yaml:"kernel,omitempty"`
		Recipes     []string              `yaml:"recipes"`
		Init        string                `yaml:"init,omitempty"`
		Services    map[Runlevel][]string `yaml:"services,omitempty"`
		Tmpfs       []writtenTmpfs        `yaml:"tmpfs,omitempty"`
		Users       []writtenUser         `yaml:"users,omitempty"`
		Groups      []writtenGroup        `yaml:"groups,omitempty"`
		Files       []writtenFile         `yaml:"files,omitempty"`
		Checks      []writtenCheck        `yaml:"checks,omitempty"`
	}
	writtenKernel struct {
		Recipe    string   `yaml:"recipe"`
		Config    []string `yaml:"config,omitempty"`
		Modules   []string `yaml:"modules,omitempty"`
		Firmware  []string `yaml:"firmware,omitempty"`
		Initramfs string   `yaml:"initramfs"`
	}
	writtenUser struct {
		Name    string `yaml:"name"`
		UID     int    `yaml:"uid"`
		GID     int    `yaml:"gid"`
		Comment string `yaml:"comment,omitempty"`
		Home    string `yaml:"home"`
		Shell   string `yaml:"shell"`
	}
	writtenGroup struct {
		Name    string   `yaml:"name"`
		GID     int      `yaml:"gid"`
		Members []string `yaml:"members,omitempty"`
	}
	writtenTmpfs struct {
		Path  string `yaml:"path"`
		Mode  string `yaml:"mode"`
		Owner string `yaml:"owner"`
		Size  string `yaml:"size,omitempty"`
	}
	writtenCheck struct {
		Name   string `yaml:"name"`
		Within string `yaml:"within"`
		Run    string `yaml:"run"`
	}
	writtenFile struct {
		Path      string         `yaml:"path"`
		Mode      string         `yaml:"mode,omitempty"`
		Owner     string         `yaml:"owner"`
		From      string         `yaml:"from,omitempty"`
		Symlink   string         `yaml:"symlink,omitempty"`
		Directory bool           `yaml:"directory,omitempty"`
		Device    *writtenDevice `yaml:"device,omitempty"`
	}
	writtenDevice struct {
		Type  string `yaml:"type"`
		Major int    `yaml:"major"`
		Minor int    `yaml:"minor"`
	}
)

func (f File) written() writtenFile {
	w := writtenFile{Path: f.Path, Mode: fmt.Sprintf("0%03o", f.Mode), Owner: owned(f.UID, f.GID)}
	switch {
	case f.Symlink != "":
		w.Mode, w.Symlink = "", f.Symlink
	case f.Directory:
		w.Directory = true
	case f.Device.Type != "":
		device := writtenDevice(f.Device)
		w.Device = &device
	default:
		w.From = path.Join(flatFiles, f.Path)
	}
	return w
}

func owned(uid, gid int) string { return strconv.Itoa(uid) + ":" + strconv.Itoa(gid) }
