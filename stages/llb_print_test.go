package stages_test

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/stages"
)

// operation is one operation of LLB with the name that progress shows.
type operation struct {
	*pb.Op
	name   string
	digest digest.Digest
}

// operations returns what the outputs of all stages are made of, each operation
// once and after its inputs.
func operations(t *testing.T, outputs map[string]stages.Outputs) []operation {
	t.Helper()
	var ops []operation
	seen := map[digest.Digest]bool{}
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		o := outputs[name]
		for _, s := range []llb.State{o.Build, o.Root, o.Dev, o.Tools} {
			def := marshal(t, s)
			// The last one only says which output is asked for.
			for _, raw := range def.Def[:len(def.Def)-1] {
				d := digest.FromBytes(raw)
				if seen[d] {
					continue
				}
				seen[d] = true
				var op pb.Op
				if err := op.UnmarshalVT(raw); err != nil {
					t.Fatal(err)
				}
				ops = append(ops, operation{&op, def.Metadata[d].Description["llb.customname"], d})
			}
		}
	}
	return ops
}

// printer writes operations as text that a person compares.
type printer struct {
	strings.Builder
	byDigest map[string]operation
}

// printed returns the operations of outputs as text.
func printed(t *testing.T, outputs map[string]stages.Outputs) string {
	t.Helper()
	ops := operations(t, outputs)
	p := printer{byDigest: map[string]operation{}}
	for _, o := range ops {
		p.byDigest[string(o.digest)] = o
	}
	for _, o := range ops {
		p.operation(o)
	}
	return p.String()
}

func (p *printer) operation(o operation) {
	switch {
	case o.GetSource() != nil:
		p.source(o)
	case o.GetExec() != nil:
		p.exec(o)
	case o.GetFile() != nil:
		p.file(o)
	case o.GetMerge() != nil:
		fmt.Fprintf(p, "merge %q\n", o.name)
		for i := range o.Inputs {
			fmt.Fprintf(p, "  %s\n", p.input(o, int64(i)))
		}
	default:
		fmt.Fprintf(p, "%T %q\n", o.Op.Op, o.name)
	}
	p.WriteString("\n")
}

func (p *printer) source(o operation) {
	s := o.GetSource()
	fmt.Fprintf(p, "source %q\n  %s\n", o.name, shortened(s.Identifier))
	for _, key := range slices.Sorted(maps.Keys(s.Attrs)) {
		fmt.Fprintf(p, "  %s=%s\n", key, s.Attrs[key])
	}
}

// shortened leaves out the registry that BuildKit adds to every name.
func shortened(identifier string) string {
	scheme, name, _ := strings.Cut(identifier, "://")
	return scheme + "://" + path.Base(name)
}

func (p *printer) exec(o operation) {
	e := o.GetExec()
	fmt.Fprintf(p, "exec %q\n  args %q in %s\n  network %s, security %s, host name %q\n",
		o.name, e.Meta.Args, e.Meta.Cwd, e.Network, e.Security, e.Meta.Hostname)
	for _, v := range e.Meta.Env {
		fmt.Fprintf(p, "  env %s\n", v)
	}
	for _, m := range e.Mounts {
		fmt.Fprintf(p, "  mount %s", m.Dest)
		if m.MountType != pb.MountType_BIND {
			fmt.Fprintf(p, " %s", m.MountType)
		}
		fmt.Fprintf(p, " from %s", p.input(o, m.Input))
		if m.Selector != "" {
			fmt.Fprintf(p, " %s", m.Selector)
		}
		switch {
		case m.Readonly:
			p.WriteString(", read-only")
		case m.Output >= 0:
			p.WriteString(", an output")
		}
		p.WriteString("\n")
	}
}

func (p *printer) file(o operation) {
	fmt.Fprintf(p, "file %q\n", o.name)
	for i, a := range o.GetFile().Actions {
		if i == 0 {
			fmt.Fprintf(p, "  on %s\n", p.input(o, a.Input))
		}
		switch {
		case a.GetMkdir() != nil:
			d := a.GetMkdir()
			fmt.Fprintf(p, "  mkdir %s %#o %s\n", d.Path, d.Mode, moment(d.Timestamp))
		case a.GetMkfile() != nil:
			f := a.GetMkfile()
			fmt.Fprintf(p, "  mkfile %s %#o %s%s\n", f.Path, f.Mode, moment(f.Timestamp), content(f))
		case a.GetSymlink() != nil:
			s := a.GetSymlink()
			fmt.Fprintf(p, "  symlink %s -> %s %s\n", s.Newpath, s.Oldpath, moment(s.Timestamp))
		default:
			fmt.Fprintf(p, "  %T\n", a.Action)
		}
	}
}

// content is the text of a file. Those of programs have goldens of their own.
func content(f *pb.FileActionMkFile) string {
	if f.Path == "/run" {
		return " (program)"
	}
	return fmt.Sprintf(" %q", f.Data)
}

func moment(nanoseconds int64) string {
	return time.Unix(0, nanoseconds).UTC().Format(time.DateTime)
}

// input names an input of an operation: the operation it comes from, and where
// that is a step the directory.
func (p *printer) input(o operation, index int64) string {
	if index < 0 {
		return "scratch"
	}
	in := o.Inputs[index]
	from := p.byDigest[in.Digest]
	text := fmt.Sprintf("%q", from.name)
	if from.name == "" && from.GetSource() != nil {
		text = shortened(from.GetSource().Identifier)
	}
	if from.GetExec() == nil {
		return text
	}
	for _, m := range from.GetExec().Mounts {
		if m.Output == in.Index {
			return text + " " + m.Dest
		}
	}
	return fmt.Sprintf("%s output %d", text, in.Index)
}

// programs returns the texts of the programs that steps run, by the file
// operation that makes them.
func programs(t *testing.T, outputs map[string]stages.Outputs) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, o := range operations(t, outputs) {
		if o.GetFile() == nil {
			continue
		}
		for _, a := range o.GetFile().Actions {
			if f := a.GetMkfile(); f != nil && f.Path == "/run" {
				if fs.FileMode(f.Mode) != 0o755 {
					t.Errorf("%s: mode %#o", o.name, f.Mode)
				}
				found[o.name] = string(f.Data)
			}
		}
	}
	return found
}
