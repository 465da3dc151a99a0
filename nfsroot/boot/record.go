package boot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// Record is what is kept of the last boot of a root.
type Record struct {
	Image  string    `json:"image"` // digest of what the root is of; "": not known
	Tag    string    `json:"tag"`
	At     time.Time `json:"at"`
	Report Report    `json:"report"`
}

// recordSuffix follows the root's tag in the name of a record.
const recordSuffix = ".json"

// maxRecord bounds one, in bytes: a check may say much.
const maxRecord = 16 << 20

// keep writes the record of a boot beside its directory.
func keep(dir string, r Record) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(dir+recordSuffix, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the record of the boot: %w", err)
	}
	return nil
}

// LastOf returns the record of the last boot of an image, whatever its root was called,
// of those in a directory of boots, and whether there is one.
func LastOf(boots, image string) (last Record, found bool, err error) {
	entries, err := os.ReadDir(boots)
	if errors.Is(err, fs.ErrNotExist) {
		return last, false, nil
	}
	if err != nil {
		return last, false, fmt.Errorf("looking for records of boots: %w", err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), recordSuffix) || !e.Type().IsRegular() {
			continue
		}
		r, err := readRecord(filepath.Join(boots, e.Name()))
		if err != nil {
			return last, false, err
		}
		if r.Image == image && image != "" && (!found || r.At.After(last.At)) {
			last, found = r, true
		}
	}
	return last, found, nil
}

func readRecord(file string) (r Record, err error) {
	data, err := safeopen.Read(file, maxRecord)
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		return r, fmt.Errorf("reading the record of a boot %s: %w", file, err)
	}
	return r, nil
}
