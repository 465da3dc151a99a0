package distfiles_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/builder/distfiles"
)

// needApt skips a test where no real apt is: nothing stands in for it.
func needApt(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("/usr/lib/apt/apt-helper"); err != nil {
		t.Skip("needs apt")
	}
}

// archive is one entry of a made-up sources.list.
type archive struct{ uri, origin, label string }

// configureApt points the host's apt programs at these archives alone. Archives
// with an origin look like ones that apt-get update has seen.
func configureApt(t *testing.T, archives ...archive) {
	t.Helper()
	needApt(t)
	dir := t.TempDir()
	lists := filepath.Join(dir, "lists")
	check(t, os.MkdirAll(filepath.Join(lists, "partial"), 0o755))
	var list strings.Builder
	for _, a := range archives {
		fmt.Fprintf(&list, "deb %s x main\n", a.uri)
		if a.origin == "" {
			continue
		}
		_, rest, _ := strings.Cut(a.uri, "://")
		prefix := strings.ReplaceAll(rest, "/", "_") + "_dists_x_"
		release := fmt.Sprintf("Origin: %s\nLabel: %s\nCodename: x\nComponents: main\n", a.origin, a.label)
		write(t, lists, prefix+"Release", []byte(release))
		arch, err := exec.Command("dpkg", "--print-architecture").Output()
		check(t, err)
		write(t, lists, prefix+"main_binary-"+strings.TrimSpace(string(arch))+"_Packages", nil)
	}
	write(t, dir, "sources.list", []byte(list.String()))
	conf := fmt.Sprintf(`Dir::Etc::sourcelist "%[1]s/sources.list"; Dir::Etc::sourceparts "-";
Dir::State::lists "%[1]s/lists"; Dir::Cache "%[1]s"; Acquire::Retries "0";
Acquire::http::Proxy::127.0.0.1 "DIRECT";`, dir)
	write(t, dir, "apt.conf", []byte(conf))
	t.Setenv("APT_CONFIG", filepath.Join(dir, "apt.conf"))
}

func aptSource(data []byte, file, member string) distfiles.Source {
	src := source("f-1.tar.xz", data)
	src.Origins = []distfiles.Origin{{Apt: file, Member: member}}
	return src
}

const poolFile = "pool/main/f/f/f_1.orig.tar.xz"

func TestAptAsksTheMainArchiveFirst(t *testing.T) {
	third, security := serve(t, status(500)), serve(t, whole(content))
	main := serve(t, status(404))
	configureApt(t,
		archive{third.URL, "Acme", "Acme"},
		archive{security.URL + "/security", "Debian", "Debian-Security"},
		archive{main.URL + "/debian", "Debian", "Debian"})
	store := open(t)
	var asked []string
	opts := quick()
	opts.Progress = func(e distfiles.Event) {
		if e.State == distfiles.Started {
			asked = append(asked, e.Origin)
		}
	}
	check(t, fetch(t, store, opts, aptSource(content, poolFile, "")))
	wantKept(t, store, content)
	wantNothingHalf(t, store)
	want := fmt.Sprintf("apt %s/debian/%s, apt %s/security/%s", main.URL, poolFile, security.URL, poolFile)
	if got := strings.Join(asked, ", "); got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	third.wantRanges(t)
}

// Before the first apt-get update, apt knows no archive's origin.
func TestAptWithoutLists(t *testing.T) {
	server := serve(t, whole(deb(t, ".xz", content)))
	configureApt(t, archive{uri: server.URL + "/debian"})
	store := open(t)
	check(t, fetch(t, store, quick(), aptSource(content, "pool/main/o/outer/outer_1_all.deb", member)))
	wantKept(t, store, content)
	wantNothingHalf(t, store)
}

// apt answers a file: archive with a symlink; a blob must be a file.
func TestAptFileArchive(t *testing.T) {
	dir := t.TempDir()
	check(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(poolFile)), 0o755))
	write(t, dir, poolFile, content)
	configureApt(t, archive{uri: "file:" + dir})
	store := open(t)
	check(t, fetch(t, store, quick(), aptSource(content, poolFile, "")))
	if !store.Has(sumOf(content)) {
		t.Error("the blob is no regular file")
	}
	wantKept(t, store, content)
	wantNothingHalf(t, store)
}

func TestAptFaults(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	wrong := serve(t, whole([]byte("wrong")))
	for _, tc := range []struct{ name, uri, reason string }{
		{"404", serve(t, status(404)).URL, "404 Not Found"},
		{"wrong bytes", wrong.URL, "wrong checksum: expected sha256 " + sumOf(content) + ", got " + sumOf([]byte("wrong"))},
		{"connection refused", closed.URL, "Could not connect"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			configureApt(t, archive{tc.uri, "Debian", "Debian"})
			store := open(t)
			err := fetch(t, store, quick(), aptSource(content, poolFile, ""))
			wantError(t, err, "apt "+tc.uri+"/"+poolFile+": "+tc.reason, "--distdir")
			wantKept(t, store)
			wantNothingHalf(t, store)
		})
	}
}

func TestAptWithNoArchive(t *testing.T) {
	configureApt(t)
	err := fetch(t, open(t), quick(), aptSource(content, poolFile, ""))
	wantError(t, err, "names no archive", "--mirror", "--distdir")
}

func TestHostWithoutAptHelper(t *testing.T) {
	needApt(t)
	dir := t.TempDir()
	write(t, dir, "apt.conf", []byte(`Dir::Bin::methods "`+dir+`/methods";`))
	t.Setenv("APT_CONFIG", filepath.Join(dir, "apt.conf"))
	err := fetch(t, open(t), quick(), aptSource(content, poolFile, ""))
	wantError(t, err, "apt "+poolFile+": this host has no apt", "--mirror", "--distdir")
}

func TestCancelEndsApt(t *testing.T) {
	server := serve(t, hang(content, half))
	configureApt(t, archive{server.URL, "Debian", "Debian"})
	store := open(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	opts := quick()
	opts.Progress = func(e distfiles.Event) {
		if e.State == distfiles.Progress {
			cancel()
		}
	}
	err := store.Fetch(ctx, []distfiles.Source{aptSource(content, poolFile, "")}, opts)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled fetch: %v", err)
	}
	wantKept(t, store)
}

// TestHostApt fetches one small package that the host's own archive lists.
func TestHostApt(t *testing.T) {
	needApt(t)
	if testing.Short() {
		t.Skip("asks the host's Debian archive")
	}
	out, err := exec.Command("apt-cache", "show", "--no-all-versions", "debianutils").Output()
	if err != nil {
		t.Skip("the host's apt lists no debianutils: it has no archive, or apt-get update never ran")
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			fields[name] = value
		}
	}
	if fields["Filename"] == "" || fields["SHA256"] == "" {
		t.Skip("debianutils is installed, but no archive lists it")
	}
	store := open(t)
	src := distfiles.Source{Name: "debianutils.deb", SHA256: fields["SHA256"],
		Origins: []distfiles.Origin{{Apt: fields["Filename"]}}}
	if err := fetch(t, store, quick(), src); err != nil {
		t.Fatalf("apt-get update may be due: %v", err)
	}
	if !store.Has(src.SHA256) {
		t.Error("nothing was kept")
	}
}
