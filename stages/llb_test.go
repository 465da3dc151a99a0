package stages_test

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/stages"
)

const smallGraph = "testdata/llb/small.txtar"

func TestLLB(t *testing.T) {
	cases(t, "llb", func(t *testing.T, dir images.RecipeDir) string {
		return printed(t, outputsOf(t, dir))
	})
}

// outputsOf returns the outputs of every stage of a directory's target.
func outputsOf(t *testing.T, dir images.RecipeDir) map[string]stages.Outputs {
	t.Helper()
	g := resolve(t, dir)
	g.Target.Epoch = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return g.LLB(stages.Inputs{Base: llb.Image("example.org/base"), Store: "distfiles"})
}

// marshal returns the definition of a state, for one platform on every host.
func marshal(t *testing.T, s llb.State) *llb.Definition {
	t.Helper()
	def, err := s.Marshal(t.Context(), llb.LinuxAmd64)
	if err != nil {
		t.Fatal(err)
	}
	return def
}

// digests returns the digest of every output of every stage. It is that of the
// last operation, as records are keyed.
func digests(t *testing.T, outputs map[string]stages.Outputs) map[string]digest.Digest {
	t.Helper()
	found := map[string]digest.Digest{}
	for name, o := range outputs {
		for output, s := range map[string]llb.State{"root": o.Root, "dev": o.Dev, "tools": o.Tools, "build": o.Build} {
			def := marshal(t, s)
			found[name+" "+output] = digest.FromBytes(def.Def[len(def.Def)-1])
		}
	}
	return found
}

// smallDigests returns the digests of the small graph after an edit of its files.
func smallDigests(t *testing.T, edit func(fstest.MapFS)) map[string]digest.Digest {
	t.Helper()
	fsys, ok := archive(t, smallGraph).(fstest.MapFS)
	if !ok {
		t.Fatal("an archive is no longer a map of files")
	}
	edit(fsys)
	return digests(t, outputsOf(t, images.RecipeDir{Path: "recipes", FS: fsys}))
}

// replaceText replaces text in one file, which must hold it.
func replaceText(t *testing.T, file, old, by string) func(fstest.MapFS) {
	return func(fsys fstest.MapFS) {
		t.Helper()
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), old) {
			t.Fatalf("%s does not hold %q", file, old)
		}
		fsys[file] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(string(text), old, by))}
	}
}

func TestDigestsFollowTheRecipes(t *testing.T) {
	all := []string{"base-files", "binutils", "hello", "libc", "lines"}
	tests := map[string]struct {
		edit func(fstest.MapFS)
		want []string // the stages that change
	}{
		"nothing":             {func(fstest.MapFS) {}, nil},
		"a comment":           {replaceText(t, "lines/recipe.yaml", "# A library", "# The library\n# in two lines"), nil},
		"a place of a source": {replaceText(t, "lines/recipe.yaml", "https://example.org", "https://mirror.example.org"), nil},
		"a leaf's version":    {replaceText(t, "hello/recipe.yaml", `"2.12"`, `"2.13"`), []string{"hello"}},
		"a leaf's patch":      {replaceText(t, "hello/greeting.patch", "Hello", "Good day"), []string{"hello"}},
		"a leaf's remove":     {replaceText(t, "hello/recipe.yaml", "usr/bin/hello-debug", "usr/bin/hello-test"), []string{"hello"}},
		"a library's source":  {replaceText(t, "lines/recipe.yaml", strings.Repeat("2", 64), strings.Repeat("3", 64)), []string{"hello", "lines"}},
		"the triple":          {replaceText(t, "toolchain-tiny/recipe.yaml", "x86_64-tiny", "x86_64-small"), all},
	}
	before := smallDigests(t, func(fstest.MapFS) {})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			changed := map[string]bool{}
			for output, d := range smallDigests(t, test.edit) {
				if d != before[output] {
					stage, _, _ := strings.Cut(output, " ")
					changed[stage] = true
				}
			}
			if got := slices.Sorted(maps.Keys(changed)); !slices.Equal(got, test.want) {
				t.Errorf("changed %q, want %q", got, test.want)
			}
		})
	}
}

// A recipe's remove is a matter of sorting: it must compile nothing.
func TestRemoveLeavesTheBuild(t *testing.T) {
	before := smallDigests(t, func(fstest.MapFS) {})
	after := smallDigests(t, replaceText(t, "hello/recipe.yaml", "usr/bin/hello-debug", "usr/bin/hello-test"))
	if before["hello build"] != after["hello build"] {
		t.Error("another remove gives another build")
	}
	if before["hello root"] == after["hello root"] {
		t.Error("another remove gives the same root")
	}
}

// embeddedOutputs returns the outputs of every stage of the embedded targets.
func embeddedOutputs(t *testing.T) map[string]stages.Outputs {
	t.Helper()
	all := map[string]stages.Outputs{}
	for _, name := range images.Names() {
		g := load(t, name)
		maps.Copy(all, g.LLB(stages.Inputs{Base: llb.Image("example.org/base"), Store: "distfiles"}))
	}
	return all
}

func TestEveryStepIsShutIn(t *testing.T) {
	steps := 0
	for _, o := range operations(t, embeddedOutputs(t)) {
		exec := o.GetExec()
		if exec == nil {
			continue
		}
		steps++
		root := slices.IndexFunc(exec.Mounts, func(m *pb.Mount) bool { return m.Dest == "/" })
		switch {
		case exec.Network != pb.NetMode_NONE:
			t.Errorf("%s: network %s", o.name, exec.Network)
		case exec.Security != pb.SecurityMode_SANDBOX:
			t.Errorf("%s: security %s", o.name, exec.Security)
		case exec.Meta.Hostname != "rootbuild":
			t.Errorf("%s: host name %q", o.name, exec.Meta.Hostname)
		case root < 0 || !exec.Mounts[root].Readonly:
			t.Errorf("%s: its root can be written", o.name)
		case exec.Meta.ProxyEnv != nil || len(exec.Secretenv) > 0:
			t.Errorf("%s: its environment is not all its own", o.name)
		}
	}
	if steps == 0 {
		t.Error("no step found")
	}
}
