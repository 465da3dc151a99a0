package stages

import (
	"time"

	"github.com/moby/buildkit/client/llb"
)

// The directories of a step. Recipes know them by these names.
const (
	dirSources = "/src"     // the sources, by their names
	dirRecipe  = "/recipe"  // the files beside the recipe
	dirStep    = "/step"    // the program of the step
	dirSysroot = "/sysroot" // what the stage is built against
	dirBuild   = "/build"   // scratch, with the source tree in src
	dirDest    = "/dest"    // where a recipe installs
	dirOut     = "/out"     // root, dev and tools, the stage's outputs
	dirTools   = "/tools"   // the toolchain
)

// run starts a step, a shell program, on the base. It is the only place that
// does, so that every step has the same surroundings: no network, no host name,
// a fixed environment and a read-only root, from which nothing can leak into an
// output.
func (b stageBuilder) run(program, name string, inputs []mount, opts ...llb.RunOption) llb.ExecState {
	common := []llb.RunOption{
		llb.Args([]string{"/bin/bash", dirStep + "/run"}),
		llb.WithCustomName(name),
		llb.Dir(dirBuild),
		llb.Network(llb.NetModeNone),
		llb.Hostname("rootbuild"),
		llb.ReadonlyRootFS(),
		llb.AddMount("/tmp", llb.Scratch(), llb.Tmpfs()),
		llb.AddMount(dirBuild, llb.Scratch(), llb.ForceNoOutput),
		llb.AddMount(dirStep, b.program(program, name), llb.Readonly),
	}
	for _, m := range inputs {
		if len(m.layers) > 0 {
			common = append(common, llb.AddMount(m.dir, merge(m), llb.Readonly))
		}
	}
	for _, e := range environment(b.graph.Target.Epoch) {
		common = append(common, llb.AddEnv(e[0], e[1]))
	}
	return b.base.Run(append(common, opts...)...)
}

// program is the directory that holds a step's program.
func (b stageBuilder) program(text, name string) llb.State {
	action := llb.Mkfile("/run", 0o755, []byte(text), llb.WithCreatedTime(b.graph.Target.Epoch))
	return llb.Scratch().File(action, llb.WithCustomName(name+": program"))
}

// mount is an input of a step: states over each other, the lowest first. It is
// read-only, and BuildKit keys it by content: what was rebuilt to the same
// bytes rebuilds nothing. The root of a step would not be, so that the tools
// are a mount too, not layers over the base.
type mount struct {
	dir    string
	name   string
	layers []llb.State
}

// merge lays an input's states over each other; one alone needs no merge.
func merge(m mount) llb.State {
	if len(m.layers) == 1 {
		return m.layers[0]
	}
	return llb.Merge(m.layers, llb.WithCustomName(m.name))
}

// environment is what every step sees before its script adds the toolchain.
func environment(epoch time.Time) [][2]string {
	return [][2]string{
		{"PATH", dirTools + "/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		{"HOME", dirBuild},
		{"LC_ALL", "C.UTF-8"},
		{"TZ", "UTC0"},
		{"SOURCE_DATE_EPOCH", epochSeconds(epoch)},
		{"PYTHONDONTWRITEBYTECODE", "1"},
		{"PYTHONHASHSEED", "0"},
		{"PERL_HASH_SEED", "0"},
	}
}

// mountPoints makes the directories that a step mounts on: its root is
// read-only, so they must be there.
func mountPoints(base llb.State, epoch time.Time) llb.State {
	at := llb.WithCreatedTime(epoch)
	action := llb.Mkdir(dirSources, 0o755, llb.WithParents(true), at)
	for _, dir := range []string{dirRecipe, dirStep, dirSysroot, dirBuild, dirDest, dirTools, dirOut + "/root", dirOut + "/dev", dirOut + "/tools"} {
		action = action.Mkdir(dir, 0o755, llb.WithParents(true), at)
	}
	return base.File(action, llb.WithCustomName("base: mount points"))
}

// mergedUsr is the lowest layer of every sysroot: the links that make /lib and
// /usr/lib one, as they are in a node root.
func mergedUsr(epoch time.Time) llb.State {
	at := llb.WithCreatedTime(epoch)
	return llb.Scratch().File(llb.Symlink("usr/lib", "/lib", at).Symlink("usr/lib", "/lib64", at),
		llb.WithCustomName("sysroot: merged /usr"))
}
