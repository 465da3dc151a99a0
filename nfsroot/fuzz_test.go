package nfsroot_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// FuzzLayer unpacks two layers of any bytes. Whatever they hold, what surrounds
// the root stays as it was, and a root that appears is what its inventory says.
func FuzzLayer(f *testing.F) {
	for _, layer := range seedLayers(f) {
		f.Add(layer, layer)
		f.Add(layer, []byte{})
	}
	outer, s := surroundings(f)
	before := around(f, outer)
	f.Fuzz(func(t *testing.T, lower, upper []byte) {
		_, err := s.Unpack(t.Context(), imageOfBlobs(t, plain(lower), plain(upper)), nfsroot.UnpackOptions{Tag: "fuzzed"})
		after := around(t, outer)
		dropRoot(after, before, "fuzzed")
		equal(t, "what surrounds the root", after, before)
		if err != nil {
			return
		}
		if differ, err := s.Check(t.Context(), "fuzzed"); err != nil || len(differ) > 0 {
			t.Errorf("the root is not what its inventory says: %v, %v", differ, err)
		}
		for _, name := range []string{"fuzzed", ".rootbuild/roots/fuzzed.json", ".rootbuild/roots/fuzzed.inventory.zst"} {
			if err := os.RemoveAll(s.Path(name)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// seedLayers are small layers with one entry of each kind.
func seedLayers(f *testing.F) [][]byte {
	f.Helper()
	good, err := archive([]entry{
		dir("d", 0o755), file("d/x", "text"), symlink("s", "d"), hardlink("h", "d/x"), file("s/y", ""), file("d/.wh.x", ""), file(".wh..wh..opq", ""),
	})
	if err != nil {
		f.Fatal(err)
	}
	return [][]byte{
		good,
		append(raw("x", '0', "text"), end...),
		append(paxed('0', "path=../../victim", "mtime=1.5", "SCHILY.xattr.user.x=1"), end...),
		append(paxed('2', "path=l", "linkpath=../../../../victim"), end...),
		append(sparse("100", "1\n0\n10\n"), end...),
		append(raw("././@LongLink", 'L', "a/b/c\x00"), block("x", '5', 0, nil)...),
		append(block("c", '3', 0, nil), end...),
	}
}

// dropRoot takes what a new root adds out of a map of what surrounds it.
func dropRoot(after, before map[string]string, tag string) {
	maps.DeleteFunc(after, func(name, _ string) bool {
		name = strings.TrimPrefix(name, "store/")
		return name == tag || strings.HasPrefix(name, tag+"/") || strings.HasPrefix(name, ".rootbuild/roots/"+tag+".")
	})
	// Their times moved: the one has a new root, the other its record.
	for _, name := range []string{"store", "store/.rootbuild/roots"} {
		after[name] = before[name]
	}
}

// FuzzRecords reads a store whose own files hold any bytes. Nothing panics, a
// rollback leads to a complete root or nowhere, and no root is touched.
func FuzzRecords(f *testing.F) {
	line := `{"when":"2026-11-23T00:00:00Z","from":"a","to":"b","by":"x","command":"y"}` + "\n"
	record := `{"tag":"a","digest":"sha256:` + strings.Repeat("0", 64) + `","created":"2026-11-23T00:00:00Z","size":1,"files":2}`
	f.Add([]byte(record), []byte(line), []byte(`{"digest":null,"layers":[]}`))
	f.Add([]byte("{}"), []byte(line+strings.ReplaceAll(line, `"b"`, `"../x"`)), []byte(`{"layers":[{}]}`+"\n"+`{"name":"../x","type":"file","xattrs":{"a":"AA=="}}`))
	f.Add([]byte("null"), []byte("null\nnull\n"), []byte("null null"))
	f.Fuzz(func(t *testing.T, record, journal, inventory []byte) {
		s := twoRoots(t, t.TempDir())
		switchTo(t, s, "a")
		switchTo(t, s, "b")
		packed := compressed(t, func(w io.Writer) error { return send(w, inventory) })
		for name, data := range map[string][]byte{
			"switches.jsonl": journal, "roots/a.json": record, "roots/a.inventory.zst": packed, "roots/b.inventory.zst": packed, "roots/c.json": record,
			"roots/b.json": vouching(t, s.Dir(), "b", packed),
		} {
			if err := os.WriteFile(filepath.Join(s.Dir(), ".rootbuild", name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		before := []map[string]string{treeOf(t, s.Path("a")), treeOf(t, s.Path("b"))}
		read(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := nfsroot.Open(s.Dir(), nfsroot.Options{})
		if err != nil {
			return
		}
		defer again.Close()
		if tag, err := again.Rollback(t.Context()); err == nil && tag != "a" && tag != "b" {
			t.Errorf("rolled back to %q", tag)
		}
		if current, err := again.Current(); err != nil || current != "a" && current != "b" {
			t.Errorf("current is %q, %v", current, err)
		}
		equal(t, "roots", []map[string]string{treeOf(t, s.Path("a")), treeOf(t, s.Path("b"))}, before)
	})
}

// read asks a store for all that it tells. Any answer will do.
func read(t *testing.T, s *nfsroot.Store) {
	t.Helper()
	_, _ = s.List()
	_, _ = s.Switches()
	_, _ = s.Previous()
	_, _ = s.Plan(nfsroot.Policy{Keep: 1})
	_, _ = s.Diff("a", "b")
	_, _ = s.Check(t.Context(), "a")
	_, _ = s.Check(t.Context(), "b")
}

// vouching is the record of a root, with the digest of another inventory.
func vouching(t *testing.T, dir, tag string, inventory []byte) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, ".rootbuild/roots", tag+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var r map[string]any
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	h, _, err := v1.SHA256(bytes.NewReader(inventory))
	if err != nil {
		t.Fatal(err)
	}
	r["inventory"] = h
	if data, err = json.Marshal(r); err != nil {
		t.Fatal(err)
	}
	return data
}
