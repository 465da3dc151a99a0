package leaks_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootbuild/rootbuild/images/leaks"
)

// surroundings are those of every test.
var surroundings = leaks.Surroundings{
	Dirs: []string{"/build", "/sysroot"}, Host: "build-7", Kernel: "6.12.9-amd64",
	Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Epoch: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
}

func TestFind(t *testing.T) {
	for _, c := range []struct{ name, path, content, want string }{
		{"build path", "usr/bin/app", "\x00cc -I/build/src\x00", `build-path "cc -I/build/src"`},
		{"build path in a prefix map", "usr/bin/app", "-ffile-prefix-map=/build/src=.", `build-path "-ffile-prefix-map=/build/src=."`},
		{"sysroot", "usr/bin/app-config", "libs='/sysroot/usr/lib'\n", `build-path "libs='/sysroot/usr/lib'"`},
		{"build path in gzip", "usr/share/x.gz", zip(t, "see /build/src/x", time.Time{}), `build-path "see /build/src/x"`},
		{"library of the base", "usr/bin/app", "\x00/usr/lib/x86_64-linux-gnu/perl\x00", `base "/usr/lib/x86_64-linux-gnu/perl"`},
		{"compiler of the base", "usr/bin/app", "\x00GCC: (Debian 14.2.0-19) 14.2.0\x00", `base "GCC: (Debian 14.2.0-19) 14.2.0"`},
		{"__DATE__", "usr/bin/app", "\x00Nov 23 2026\x00", `date "Nov 23 2026"`},
		{"ISO date", "usr/share/app", "built: 2026-11-23T12:00:00", `date "built: 2026-11-23T12:00:00"`},
		{"yesterday", "usr/share/app", "Sun, 22 Nov 2026 23:59:59", `date "Sun, 22 Nov 2026 23:59:59"`},
		{"host", "usr/bin/app", "root@build-7:", `host "root@build-7:"`},
		{"kernel", "usr/bin/app", "Linux 6.12.9-amd64", `kernel "Linux 6.12.9-amd64"`},
		{"library with times", "usr/lib/a.a", ar(1), "times member a.o of the library: 1970-01-01T00:00:01Z"},
		{"time of gzip", "usr/share/x.gz", zip(t, "x", surroundings.Now), "times gzip's header: 2026-11-23T12:00:00Z"},
		{"compiled Python", "usr/lib/x.pyc", pyc(0, 1), "times compiled Python: 1970-01-01T00:00:01Z"},
		{"libtool", "usr/lib/a.la", "", "libtool a libtool archive"},
		{"ldconfig", "var/cache/ldconfig/aux-cache", "", "ld-cache ldconfig's cache"},

		{"path below another", "usr/bin/app", "/home/build/src and $HOME/build/x and a/build/y", ""},
		{"name like a path", "usr/bin/app", "/buildings/src", ""},
		{"epoch", "usr/bin/app", "Nov  1 2026", ""},
		{"another day", "usr/bin/app", "Nov 24 2026", ""},
		{"longer number", "usr/bin/app", "1202611230", ""},
		{"longer name", "usr/bin/app", "build-77 and rebuild-7", ""},
		{"library without times", "usr/lib/a.a", ar(0), ""},
		{"gzip without time", "usr/share/x.gz", zip(t, "x", time.Time{}), ""},
		{"gzip of the epoch", "usr/share/x.gz", zip(t, "x", surroundings.Epoch), ""},
		{"Python by hash", "usr/lib/x.pyc", pyc(1, 1), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := leaks.Find(layer(t, map[string]string{c.path: c.content}), surroundings)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, l := range found {
				got += fmt.Sprintf("%s %s", l.Kind, l.What)
				if l.Path != c.path {
					t.Errorf("path %q, want %q", l.Path, c.path)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A host's name that may be a word of its own is not looked for.
func TestPlainHost(t *testing.T) {
	s := surroundings
	s.Host = "master"
	found, err := leaks.Find(layer(t, map[string]string{"etc/text": "the master process"}), s)
	if len(found) > 0 || err != nil {
		t.Errorf("got %v, %v, want nothing", found, err)
	}
}

func TestRunPath(t *testing.T) {
	for _, c := range []struct {
		name, runPath string
		library       string // in the layer beside the program
		want          string
	}{
		{"where the loader looks", "/usr/lib", "usr/lib/libx.so.1", "/usr/lib"},
		{"without a library", "/usr/lib/app", "", "/usr/lib/app"},
		{"its own libraries", "/usr/lib/app", "usr/lib/app/libx.so.1", ""},
		{"both", "/usr/lib/app:/lib", "usr/lib/app/libx.so.1", "/lib"},
		{"relative", "$ORIGIN/../lib", "", ""},
		{"none", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"usr/bin/app": program(t, "libx.so.1", c.runPath)}
			if c.library != "" {
				files[c.library] = ""
			}
			found, err := leaks.Find(layer(t, files), surroundings)
			if err != nil {
				t.Fatal(err)
			}
			var want []leaks.Leak
			if c.want != "" {
				want = []leaks.Leak{{Path: "usr/bin/app", Kind: leaks.RunPath, What: c.want}}
			}
			if diff := cmp.Diff(want, found); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDamaged(t *testing.T) {
	if _, err := leaks.Find(bytes.NewReader([]byte("no tar at all, but long enough to be looked at"+string(make([]byte, 512)))), surroundings); err == nil {
		t.Error("no error")
	}
}

func layer(t *testing.T, files map[string]string) io.Reader {
	t.Helper()
	var members []member
	for name, content := range files {
		members = append(members, file(name, content))
	}
	return pack(t, members...)
}

func zip(t *testing.T, content string, modified time.Time) string {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.ModTime = modified
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func ar(seconds int) string {
	return fmt.Sprintf("!<arch>\n%-16s%-12d%-6d%-6d%-8o%-10d`\n%s", "a.o/", seconds, 0, 0, 0o644, 2, "x\n")
}

func pyc(flags, seconds uint32) string {
	header := make([]byte, 16)
	binary.LittleEndian.PutUint32(header[4:], flags)
	binary.LittleEndian.PutUint32(header[8:], seconds)
	return string(header) + "code"
}
