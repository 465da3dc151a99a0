package distfiles_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRemove(t *testing.T) {
	store := open(t)
	blobs := filepath.Dir(store.Path("x"))
	one, two := strings.Repeat("1", 64), strings.Repeat("2", 64)
	for _, name := range []string{one, two, "notes"} {
		if err := os.WriteFile(filepath.Join(blobs, name), []byte(name[:3]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := store.Remove(one); err != nil {
			t.Error(err)
		}
	}
	kept, err := store.Kept()
	if err != nil || len(kept) != 1 || kept[0].SHA256 != two || kept[0].Size != 3 || kept[0].Since.IsZero() {
		t.Errorf("got %v, %v, want the second alone", kept, err)
	}
	if err := store.Remove("../../oci-layout"); err == nil {
		t.Error("a path was taken for a checksum")
	}
}
