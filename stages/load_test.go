package stages_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/stages"
)

func TestLoadTellsEveryFault(t *testing.T) {
	cases(t, "bad", func(t *testing.T, dir images.RecipeDir) string {
		recipes, err := stages.Load(dir)
		if err == nil {
			t.Fatalf("bad recipes were loaded: %v", recipes.Names())
		}
		return err.Error() + "\n"
	})
}

const whole = `name: busybox
version: 1.37.0
license: GPL-2.0-only
description: small programs
homepage: https://example.org/busybox
sources:
  - file: busybox.tar.bz2
    sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    origins:
      - url: https://example.org/busybox.tar.bz2
      - apt: pool/main/b/busybox/busybox_1.37.0.orig.tar.bz2
      - {apt: pool/main/b/busybox/busybox-source_1.deb, member: usr/src/busybox.tar.bz2}
      - {url: "https://example.org/busybox-source_1.deb", member: usr/src/busybox.tar.bz2}
tools: []
build_needs: [linux-headers]
needs: [baselayout]
fallback: true
build:
  system: kconfig
  subdir: busybox-1.37.0
  configure: [defconfig]
  make: [V=1]
  install: [install]
  cache: {ac_cv_x: "yes"}
  config: [CONFIG_STATIC=n]
  env: {LEVEL: 2}
steps:
  prepare: sed -i s,a,b, Makefile
  install: |
    make install
    rm -r $DESTDIR/linuxrc
remove: [usr/share/man/*]
`

func TestLoad(t *testing.T) {
	fsys := fstest.MapFS{
		"busybox/recipe.yaml":      {Data: []byte(whole)},
		"busybox/2.patch":          {Data: []byte("two")},
		"busybox/1.patch":          {Data: []byte("one")},
		"busybox/files/mdev.conf":  {Data: []byte("conf")},
		"README.md":                {Data: []byte("no recipe")},
		".git/config":              {Data: []byte("no recipe")},
		"toolchain-x/recipe.yaml":  {Data: []byte("name: toolchain-x\nversion: 1\nlicense: MIT\nkind: toolchain\nchost: a-b-c\n")},
		"toolchain-x/empty/.empty": {},
	}
	recipes, err := stages.Load(images.RecipeDir{Path: "site", FS: fsys})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"busybox", "toolchain-x"}; !slices.Equal(recipes.Names(), want) {
		t.Errorf("names are %v, want %v", recipes.Names(), want)
	}
	want := stages.Recipe{
		Name: "busybox", Version: "1.37.0", License: "GPL-2.0-only", Description: "small programs",
		Homepage: "https://example.org/busybox",
		File:     "site/busybox/recipe.yaml", Line: 1, Text: []byte(whole), Kind: stages.KindPackage,
		Sources: []stages.Source{{
			Name: "busybox.tar.bz2", SHA256: strings.Repeat("0123456789abcdef", 4), Line: 7,
			Origins: []stages.Origin{
				{URL: "https://example.org/busybox.tar.bz2"},
				{Apt: "pool/main/b/busybox/busybox_1.37.0.orig.tar.bz2"},
				{Apt: "pool/main/b/busybox/busybox-source_1.deb", Member: "usr/src/busybox.tar.bz2"},
				{URL: "https://example.org/busybox-source_1.deb", Member: "usr/src/busybox.tar.bz2"},
			},
		}},
		OwnTools: true, BuildNeeds: []string{"linux-headers"}, Needs: []string{"baselayout"}, Fallback: true,
		Build: stages.Build{
			System: "kconfig", Subdir: "busybox-1.37.0", Configure: []string{"defconfig"}, Make: []string{"V=1"},
			Install: []string{"install"}, Cache: map[string]string{"ac_cv_x": "yes"},
			Config: []string{"CONFIG_STATIC=n"}, Env: map[string]string{"LEVEL": "2"},
		},
		Steps: map[string]stages.Step{
			"prepare": {Text: "sed -i s,a,b, Makefile", Line: 28},
			"install": {Text: "make install\nrm -r $DESTDIR/linuxrc\n", Line: 30},
		},
		Remove:  []string{"usr/share/man/*"},
		Files:   map[string][]byte{"1.patch": []byte("one"), "2.patch": []byte("two"), "files/mdev.conf": []byte("conf")},
		Patches: []string{"1.patch", "2.patch"},
	}
	got := recipes["busybox"]
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(stages.Recipe{})); diff != "" {
		t.Errorf("recipe (-want +got):\n%s", diff)
	}
	if at := got.NamedAt("baselayout"); at != "site/busybox/recipe.yaml:16" {
		t.Errorf("baselayout is named at %s", at)
	}
	if at := got.NamedAt("bash"); at != "site/busybox/recipe.yaml:1" {
		t.Errorf("what is not named is named at %s", at)
	}
}

func recipeDir(path, text string) images.RecipeDir {
	return images.RecipeDir{Path: path, FS: fstest.MapFS{"bash/recipe.yaml": {Data: []byte(text)}}}
}

func TestLoadLaterDirectoryWins(t *testing.T) {
	text := "name: bash\nversion: 5.10\nlicense: MIT\nbuild: {system: make}\n"
	recipes, err := stages.Load(recipeDir("ours", text), recipeDir("theirs", strings.Replace(text, "5.10", "6", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if r := recipes["bash"]; r.Version != "6" || r.File != "theirs/bash/recipe.yaml" || r.OwnTools {
		t.Errorf("have version %s of %s", r.Version, r.File)
	}
}

func TestLoadMissingDirectory(t *testing.T) {
	_, err := stages.Load(images.RecipeDir{Path: "gone", FS: archive(t, "testdata/bad/yaml.txtar")},
		images.RecipeDir{Path: "missing", FS: mustSub(t, "missing")})
	for _, want := range []string{"gone/b/recipe.yaml:1: ", "reading recipes missing: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
}

func mustSub(t *testing.T, dir string) fs.FS {
	t.Helper()
	fsys, err := fs.Sub(fstest.MapFS{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

// located is how each line of an error about a file begins.
var located = regexp.MustCompile(`^fuzz/bash/recipe\.yaml:[1-9][0-9]*: `)

func FuzzRecipe(f *testing.F) {
	f.Add([]byte(whole))
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		fsys := archive(f, file)
		names, _ := fs.Glob(fsys, "*/recipe.yaml")
		for _, name := range names {
			text, err := fs.ReadFile(fsys, name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		recipes, err := stages.Load(recipeDir("fuzz", string(text)))
		if err == nil {
			if r := recipes["bash"]; r.Name != "bash" || r.Version == "" || r.License == "" {
				t.Errorf("an incomplete recipe was loaded: %+v", r)
			}
			return
		}
		for line := range strings.Lines(err.Error()) {
			if !located.MatchString(line) {
				t.Errorf("an error without file and line: %q", line)
			}
		}
	})
}
