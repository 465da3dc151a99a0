package nfsroot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

// maxLease is how much of a lease is read, in bytes.
const maxLease = 4096

// readLeases reads what nodes say they hold. Nodes write there, so nothing in
// it is trusted to be what it should: all that cannot be read as a lease may
// hold any root.
func readLeases(dir string, tags map[string]bool) ([]Use, error) {
	if dir == "" {
		return nil, nil
	}
	var list []Use
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		use := readLease(file, tags)
		use.By, use.Source = unpack.Name(rel), SourceLease
		list = append(list, use)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading leases: %w", err)
	}
	return list, nil
}

// readLease returns the root that a lease names, or why it names none, and what else
// the node says.
func readLease(file string, tags map[string]bool) Use {
	text, err := readSmall(file)
	if err != nil {
		return Use{Why: err.Error()}
	}
	// The root as the node mounted it, such as 192.0.2.1:/diskless/nfsroot/TAG,
	// or the tag alone, then words NAME=VALUE.
	words := strings.Fields(text)
	if len(words) == 0 {
		return Use{Why: "which is empty"}
	}
	tag := path.Base(words[0])
	if !tags[tag] {
		return Use{Why: fmt.Sprintf("which names no root: %q", words[0])}
	}
	use := Use{Tag: tag}
	for _, word := range words[1:] {
		switch name, value, _ := strings.Cut(word, "="); name {
		case "kernel":
			use.Kernel = unpack.Name(value)
		case "digest":
			use.Digest = unpack.Name(value)
		}
	}
	return use
}

// readSmall reads the head of a regular file, whoever made it.
func readSmall(file string) (_ string, err error) {
	f, err := os.OpenFile(file, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return "", errors.New("which cannot be read")
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return "", errors.New("which is no file")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxLease))
	if err != nil {
		return "", errors.New("which cannot be read")
	}
	return string(data), nil
}
