package boot_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/nfsroot/boot"
)

// The last boot of an image counts, whatever its root was called.
func TestLastOf(t *testing.T) {
	dir := writeTree(t, map[string]string{
		"one.json":   `{"image": "sha256:1", "tag": "one", "at": "2026-11-01T10:00:00Z", "report": {"passed": false}}`,
		"two.json":   `{"image": "sha256:1", "tag": "two", "at": "2026-11-02T10:00:00Z", "report": {"passed": true}}`,
		"three.json": `{"image": "sha256:3", "tag": "three", "at": "2026-11-03T10:00:00Z", "report": {}}`,
		"four.json":  `{"image": "", "tag": "four", "at": "2026-11-04T10:00:00Z", "report": {}}`,
		"one.log":    "", "five.json/": "",
	})
	r, found, err := boot.LastOf(dir, "sha256:1")
	if err != nil || !found || r.Tag != "two" || !r.Report.Passed {
		t.Errorf("got %+v, %v, %v, want the boot of two", r, found, err)
	}
	for _, image := range []string{"sha256:2", ""} {
		if r, found, err := boot.LastOf(dir, image); found || err != nil {
			t.Errorf("of %q: got %+v, %v, want none", image, r, err)
		}
	}
	if _, found, err := boot.LastOf(filepath.Join(dir, "none"), "sha256:1"); found || err != nil {
		t.Errorf("of no directory: got %v, %v", found, err)
	}
}

func TestLastOfDamaged(t *testing.T) {
	dir := writeTree(t, map[string]string{"one.json": `{"image": `})
	if _, _, err := boot.LastOf(dir, "sha256:1"); err == nil || !strings.Contains(err.Error(), "one.json") {
		t.Errorf("got %v, want an error that names the record", err)
	}
}
