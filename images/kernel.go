package images

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Kernel is what the nodes of a target run on: a package of the root, and the
// initramfs that mounts the root. The zero Kernel is none.
type Kernel struct {
	Recipe    string   // the package with the kernel and its modules
	Config    []string // lines that its configuration has beside the recipe's; the last of a symbol counts
	Modules   []string // that the initramfs has beside the usual: names, or patterns of paths
	Firmware  []string // patterns of paths below /usr/lib/firmware that the initramfs has, too
	Initramfs *Target  // what it is made of

	at         string // of the recipe's name
	configAt   map[string]string
	firmwareAt map[string]string
}

// ConfigAt tells file and line of a line of the kernel's configuration, or the
// target's file if that is not known.
func (t Target) ConfigAt(line string) string { return cmp.Or(t.Kernel.configAt[line], t.source()) }

// FirmwareAt is ConfigAt for a pattern of firmware.
func (t Target) FirmwareAt(pattern string) string {
	return cmp.Or(t.Kernel.firmwareAt[pattern], t.source())
}

// KernelAt tells file and line where the target names its kernel, or the target's
// file if that is not known.
func (t Target) KernelAt() string { return cmp.Or(t.Kernel.at, t.source()) }

const (
	// noKernel takes an inherited kernel away.
	noKernel = "none"
	// usualInitramfs is the target of an initramfs where a target names none.
	usualInitramfs = "initramfs"
)

// configForm is a line of a kernel's configuration.
var configForm = regexp.MustCompile(`^CONFIG_[A-Za-z0-9_]+=(y|m|n|-?[0-9]+|0x[0-9a-fA-F]+|"[^"\n]*")$`)

// firmwareForm is a pattern of a path that stays below its directory.
var firmwareForm = regexp.MustCompile(`^[A-Za-z0-9*?\[\]_+,@-][A-Za-z0-9*?\[\]_+,@.-]*(/[A-Za-z0-9*?\[\]_+,@-][A-Za-z0-9*?\[\]_+,@.-]*)*$`)

// kernelEntry is a kernel as one file writes it.
type kernelEntry struct {
	Kernel
	initramfs string         // a name or a path
	keys      map[string]int // the line of each key
	lines     map[string]int // of each value in a list
}

// kernel reads what a target says of its kernel.
func (s *source) kernel(n *yaml.Node) {
	k := kernelEntry{lines: map[string]int{}}
	k.keys = s.Mapping(n, Fields{
		"recipe":    s.Name(&k.Recipe),
		"config":    s.lined(&k.Config, k.lines, configForm, "a line such as CONFIG_USB=m"),
		"modules":   s.lined(&k.Modules, k.lines, wordForm, "a module or a pattern of paths"),
		"firmware":  s.lined(&k.Firmware, k.lines, firmwareForm, "a pattern of paths below /usr/lib/firmware"),
		"initramfs": s.Match(&k.initramfs, wordForm, "a name or a path"),
	})
	s.wantsKernel = &k
}

// lined reads a list of texts of one form, and notes the line of each.
func (s *source) lined(to *[]string, lines map[string]int, form *regexp.Regexp, what string) func(*yaml.Node) {
	return s.List(func(n *yaml.Node) {
		var text string
		if s.Match(&text, form, what)(n); text != "" {
			*to = append(*to, text)
			lines[text] = n.Line
		}
	})
}

// addKernel lays what a file says of the kernel over what those before it said.
func (m *merger) addKernel(s *source) {
	k := s.wantsKernel
	if k == nil {
		return
	}
	t := &m.Kernel
	switch {
	case k.Recipe == noKernel:
		*t, m.initramfs = Kernel{}, origin[string]{}
		return
	case k.Recipe != "":
		t.Recipe, t.at = k.Recipe, s.At(k.keys["recipe"])
	case t.Recipe == "":
		if k.keys["recipe"] > 0 {
			return // told already
		}
		m.faultf(s, s.keys["kernel"], "kernel: key %q is missing, and no kernel is inherited", "recipe")
		return
	}
	if t.configAt == nil {
		t.configAt, t.firmwareAt = map[string]string{}, map[string]string{}
	}
	for _, line := range k.Config {
		t.Config = append(slices.DeleteFunc(t.Config, func(other string) bool { return symbol(other) == symbol(line) }), line)
		t.configAt[line] = s.At(k.lines[line])
	}
	for _, pattern := range k.Firmware {
		t.firmwareAt[pattern] = s.At(k.lines[pattern])
	}
	t.Modules = appendNew(t.Modules, k.Modules)
	t.Firmware = appendNew(t.Firmware, k.Firmware)
	if k.initramfs != "" {
		m.initramfs = origin[string]{k.initramfs, s}
	}
}

var symbolForm = regexp.MustCompile(`^[^=]*`)

// symbol is what a line of a configuration is about.
func symbol(line string) string { return symbolForm.FindString(line) }

// appendNew appends what a list has not.
func appendNew(list, more []string) []string {
	for _, text := range more {
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}

// loadInitramfs reads the target of the initramfs, once the rest is known to be
// sound.
func (m *merger) loadInitramfs() error {
	if m.Kernel.Recipe == "" {
		return nil
	}
	at, err := locate(usualInitramfs)
	if name := m.initramfs; name.entry != "" {
		if at, err = name.from.place.beside(name.entry); err != nil {
			err = fmt.Errorf("%s: initramfs: %w", name.from.At(name.from.wantsKernel.keys["initramfs"]), err)
		}
	}
	if err != nil {
		return err
	}
	its, err := load(at)
	if err != nil {
		return fmt.Errorf("%s: the initramfs: %w", m.KernelAt(), err)
	}
	t := its.Target
	if t.Kernel.Recipe != "" {
		return fmt.Errorf("%s: an initramfs has no kernel of its own: it is made for that of a root", t.KernelAt())
	}
	m.Kernel.Initramfs = &t
	m.RecipeDirs = slices.Concat(t.RecipeDirs, m.RecipeDirs)
	return nil
}
