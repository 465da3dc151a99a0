package stages

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

// Outputs are the value of a stage: what its recipe installed, and nothing of
// what it was built on.
type Outputs struct {
	Root  llb.State // what nodes get
	Dev   llb.State // headers, static libraries and the like: for sysroots only
	Tools llb.State // what a stage that is built with it sees below /tools
	Build llb.State // all that was installed, before it was sorted
}

// Inputs are what the stages of a graph are built on.
type Inputs struct {
	// Base is the root file system with the host's tools.
	Base llb.State
	// Store names the OCI layout whose blobs are the sources.
	Store string
	// Taken are the outputs of stages that are not built, by name. Those of them that
	// no stage reads may be the zero State.
	Taken map[string]Outputs
}

// LLB returns the outputs of every stage of the graph, by name. It is pure:
// the same graph on the same inputs gives the same definitions.
func (g Graph) LLB(in Inputs) map[string]Outputs {
	b := stageBuilder{graph: g, store: in.Store, outputs: map[string]Outputs{}}
	b.base = mountPoints(in.Base, g.Target.Epoch)
	for _, r := range g.Stages {
		if taken, ok := in.Taken[r.Name]; ok {
			b.outputs[r.Name] = taken
		} else {
			b.outputs[r.Name] = b.stage(r)
		}
	}
	return b.outputs
}

type stageBuilder struct {
	graph   Graph
	store   string
	base    llb.State
	outputs map[string]Outputs
}

// stage returns the outputs of one recipe. It takes two steps: one builds and
// installs, the other sorts what was installed, so that a change of the sorting
// compiles nothing.
func (b stageBuilder) stage(r Recipe) Outputs {
	tools := b.tools(r)
	built := b.run(script(b.graph, r), r.title(), []mount{tools, b.sysroot(r), b.sources(r), b.files(r)}, b.location(r))
	dest := built.AddMount(dirDest, llb.Scratch())

	installed := mount{dir: dirDest, layers: []llb.State{dest}}
	sorted := b.run(collect(b.graph, r), "collect "+r.Name, []mount{tools, installed}, b.location(r))
	return Outputs{
		Root:  sorted.AddMount(dirOut+"/root", llb.Scratch()),
		Dev:   sorted.AddMount(dirOut+"/dev", llb.Scratch()),
		Tools: sorted.AddMount(dirOut+"/tools", llb.Scratch()),
		Build: dest,
	}
}

// title is how progress names a stage: "package bash 5.2.37".
func (r Recipe) title() string { return fmt.Sprintf("%s %s %s", r.Kind, r.Name, r.Version) }

// tools are those that the stage is built with.
func (b stageBuilder) tools(r Recipe) mount {
	m := mount{dir: dirTools, name: "tools for " + r.Name}
	for _, name := range b.graph.Tools(r.Name) {
		m.layers = append(m.layers, b.outputs[name].Tools)
	}
	return m
}

// sysroot is what a stage is built against.
func (b stageBuilder) sysroot(r Recipe) mount {
	m := mount{dir: dirSysroot, name: "sysroot for " + r.Name, layers: []llb.State{mergedUsr(b.graph.Target.Epoch)}}
	for _, name := range b.graph.BuildClosure(r.Name) {
		m.layers = append(m.layers, b.outputs[name].Root, b.outputs[name].Dev)
	}
	return m
}

// sources are the recipe's sources in one directory, by their names.
func (b stageBuilder) sources(r Recipe) mount {
	m := mount{dir: dirSources, name: "sources of " + r.Name}
	for _, s := range r.Sources {
		m.layers = append(m.layers, llb.OCILayoutBlob(b.store+"@sha256:"+s.SHA256,
			llb.Filename(s.Name), llb.ImageBlobOCIStore("", b.store), llb.WithCustomName("source "+s.Name)))
	}
	return m
}

// files are what stands beside the recipe.
func (b stageBuilder) files(r Recipe) mount {
	m := mount{dir: dirRecipe}
	if len(r.Files) == 0 {
		return m
	}
	at := llb.WithCreatedTime(b.graph.Target.Epoch)
	var action *llb.FileAction
	made := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(r.Files)) {
		for _, dir := range parents(name) {
			if !made[dir] {
				action = action.Mkdir("/"+dir, 0o755, at)
				made[dir] = true
			}
		}
		action = action.Mkfile("/"+name, 0o644, r.Files[name], at)
	}
	m.layers = []llb.State{llb.Scratch().File(action, llb.WithCustomName("recipe "+r.Name))}
	return m
}

// parents are the directories of a path, the outermost first.
func parents(name string) []string {
	dir := path.Dir(name)
	if dir == "." {
		return nil
	}
	return append(parents(dir), dir)
}

// location ties a stage to its recipe, so that a failure names file and line:
// those of its own build or install, else of the recipe. The log of the failure
// names the step that it was.
func (b stageBuilder) location(r Recipe) llb.ConstraintsOpt {
	line := r.Line
	for _, name := range []string{"build", "install"} {
		if step, ok := r.Steps[name]; ok {
			line = step.Line
			break
		}
	}
	at := &pb.Position{Line: int32(max(1, line))}
	return llb.NewSourceMap(nil, r.File, "yaml", r.Text).Location([]*pb.Range{{Start: at, End: at}})
}

func epochSeconds(epoch time.Time) string { return strconv.FormatInt(epoch.Unix(), 10) }
