package kmod

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// endings are what may follow ".ko" in the name of a module's file.
var endings = []string{"", ".gz", ".xz", ".zst"}

// module is a module as the kernel loads it, uncompressed.
type module struct {
	name    string
	path    string // below the directory of modules, ending in .ko
	content []byte

	depends []string // names of modules that must be there before
	before  []string // names or aliases of those that had better be
	after   []string // of those that it may ask for when it runs
	aliases []string // patterns of what it is loaded for
}

// module reads a module and what it tells of itself.
func (d Dir) module(name string) (*module, error) {
	file := d.files[name]
	content, err := d.unpacked(file)
	if err != nil {
		return nil, fmt.Errorf("reading kernel module %s: %w", file, err)
	}
	plain, _, _ := strings.Cut(path.Base(file), ".ko")
	m := &module{name: name, path: path.Join(path.Dir(file), plain+".ko"), content: content}
	if err := m.readInfo(); err != nil {
		return nil, fmt.Errorf("reading kernel module %s: %w", file, err)
	}
	return m, nil
}

// unpacked returns the content of a file, uncompressed: what is packed twice is
// larger than what is packed once.
func (d Dir) unpacked(file string) ([]byte, error) {
	data, err := d.read(file)
	if err != nil {
		return nil, err
	}
	var r io.Reader = bytes.NewReader(data)
	switch path.Ext(file) {
	case ".gz":
		r, err = gzip.NewReader(r)
	case ".xz":
		r, err = xz.NewReader(r)
	case ".zst":
		var dec *zstd.Decoder
		if dec, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1)); err == nil {
			defer dec.Close()
			r = dec
		}
	default:
		return data, nil
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// readInfo reads the section .modinfo: texts KEY=VALUE, each with a zero byte.
func (m *module) readInfo() error {
	f, err := elf.NewFile(bytes.NewReader(m.content))
	if err != nil {
		return err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return fmt.Errorf("it has no section .modinfo")
	}
	info, err := section.Data()
	if err != nil {
		return err
	}
	for text := range strings.SplitSeq(string(info), "\x00") {
		key, value, _ := strings.Cut(text, "=")
		m.take(key, value)
	}
	return nil
}

func (m *module) take(key, value string) {
	switch key {
	case "depends":
		for name := range strings.SplitSeq(value, ",") {
			if name != "" {
				m.depends = append(m.depends, normal(name))
			}
		}
	case "softdep":
		m.takeSoft(value)
	case "weakdep":
		m.after = append(m.after, strings.Fields(value)...)
	case "alias":
		m.aliases = append(m.aliases, value)
	}
}

// takeSoft reads "pre: NAME... post: NAME...".
func (m *module) takeSoft(value string) {
	to := &m.after
	for _, word := range strings.Fields(value) {
		switch word {
		case "pre:":
			to = &m.before
		case "post:":
			to = &m.after
		default:
			*to = append(*to, word)
		}
	}
}
