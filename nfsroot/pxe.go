package nfsroot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rootbuild/rootbuild/images/safeopen"
	"github.com/rootbuild/rootbuild/nfsroot/entries"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

// textHead is how far into a file a NUL byte marks it as no text: a kernel or
// an initramfs among the configuration.
const textHead = 8000

// readPXE returns which files of boot configuration name which tags. Any word
// of a text counts, whatever the boot loader's language.
func readPXE(dir string, tags map[string]bool) ([]Use, error) {
	if dir == "" {
		return nil, nil
	}
	var list []Use
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && entries.Own(file) {
			return fs.SkipDir // what rootbuild's entries name is known, and menus keep nothing
		}
		// Through symlinks: pxelinux.cfg is often full of them.
		info, err := os.Stat(file)
		if err != nil || !info.Mode().IsRegular() {
			return ignoreDangling(d, err)
		}
		named, err := namedIn(file, tags)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		for tag := range named {
			list = append(list, Use{By: unpack.Name(rel), Source: SourcePXE, Tag: tag})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading boot configuration: %w", err)
	}
	return list, nil
}

// ignoreDangling drops the error about a symlink that leads nowhere: no node
// can boot from it.
func ignoreDangling(d fs.DirEntry, err error) error {
	if d.Type()&fs.ModeSymlink != 0 {
		return nil
	}
	return err
}

// namedIn returns the tags that are words of a text.
func namedIn(file string, tags map[string]bool) (map[string]bool, error) {
	data, err := readText(file)
	if err != nil {
		return nil, err
	}
	named := map[string]bool{}
	for word := range bytes.FieldsFuncSeq(data, func(r rune) bool { return !inTag(r) }) {
		// A tag may end a sentence.
		for _, tag := range []string{string(word), strings.TrimRight(string(word), ".")} {
			if tags[tag] {
				named[tag] = true
			}
		}
	}
	return named, nil
}

// readText reads a file, unless its head shows that it is no text.
func readText(file string) (_ []byte, err error) {
	f, err := safeopen.File(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	head, err := io.ReadAll(io.LimitReader(f, textHead))
	if err != nil || bytes.IndexByte(head, 0) >= 0 {
		return nil, err
	}
	rest, err := io.ReadAll(f)
	return append(head, rest...), err
}

// inTag says whether a tag may hold the rune.
func inTag(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-", r)
}
