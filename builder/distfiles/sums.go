package distfiles

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/google/renameio/v2"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// SumsFile is the index of an exported directory: the sha256 of every file, as
// sha256sum writes and checks them.
const SumsFile = "SHA256SUMS"

// maxSums is how large the index of a directory may be, in bytes.
const maxSums = 64 << 20

var sumsLine = regexp.MustCompile(`(?m)^([0-9a-f]{64}) [ *](.+)$`)

// readSums returns the checksums that a directory's index tells, by path. A
// directory without one has none. Lines of another form, and paths that lead
// out of the directory, are passed over: bytes are verified in any case.
func readSums(dir string) (map[string]string, error) {
	text, err := safeopen.Read(filepath.Join(dir, SumsFile), maxSums)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the index of %s: %w", dir, err)
	}
	sums := map[string]string{}
	for _, line := range sumsLine.FindAllSubmatch(text, -1) {
		if path := filepath.Clean(string(line[2])); filepath.IsLocal(path) {
			sums[path] = string(line[1])
		}
	}
	return sums, nil
}

// indexed returns the paths below dir that its index has for a checksum, sorted.
func indexed(dir, sum string) ([]string, error) {
	sums, err := readSums(dir)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(sums)), func(path string) bool { return sums[path] != sum }), nil
}

func writeSums(dir string, sums map[string]string) error {
	var text bytes.Buffer
	for _, path := range slices.Sorted(maps.Keys(sums)) {
		fmt.Fprintf(&text, "%s  %s\n", sums[path], path)
	}
	if err := renameio.WriteFile(filepath.Join(dir, SumsFile), text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing the index of %s: %w", dir, err)
	}
	return nil
}
