package boot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

// written lists what the node wrote over its root: a line for each path of the
// overlay with its mode in hex, type as device numbers, owner and age, then one
// for each file below / that a service holds open. Ages are in whole seconds,
// as busybox's stat knows no fractions.
const written = `
cd /run/rootbuild/upper || { echo "no overlay: the initramfs did not make one"; exit 1; }
now=$(date +%s)
echo "uptime $(cut -d' ' -f1 /proc/uptime)"
find . -mindepth 1 -exec stat -c '%f %t %T %u %g %Y %n' {} + | while read -r mode major minor uid gid time path; do
	echo "path $mode $major $minor $uid $gid $((now - time)) ${path#.}"
done
for file in /run/*.pid; do
	read -r pid <"$file" 2>/dev/null || continue
	name=${file##*/}
	for fd in "/proc/$pid/fd"/*; do
		open=$(readlink "$fd") && echo "open ${name%.pid} $open"
	done
done
true
`

// writesLimit is for the listing, which reads only the node's memory.
const writesLimit = 60 * time.Second

// findWrites asks the node what it wrote over its root.
func (b *boot) findWrites(ctx context.Context) (string, error) {
	ctx, cancel := within(ctx, writesLimit)
	defer cancel()
	// The times are read first: they say which service was starting when.
	b.times(ctx)
	out, err := b.node.run(ctx, written)
	if err != nil {
		return "", err
	}
	traces, err := parseTraces(out, b.report.Phases)
	if err != nil {
		return "", err
	}
	b.report.Writes, err = Summarize(b.Root, traces)
	return fmt.Sprintf("%d paths, %d lines", len(traces), len(b.report.Writes)), err
}

// Trace is one path that was written over a read-only root.
type Trace struct {
	Path    string
	Mode    fs.FileMode
	Owner   string // uid:gid
	Deleted bool
	Service string // who wrote it, as far as that is known; may be empty
	Certain bool   // whether the service held it open
}

// parseTraces reads what the shell text written prints.
func parseTraces(out string, phases []Phase) ([]Trace, error) {
	var uptime float64
	var traces []Trace
	open := map[string]string{}
	for line := range strings.Lines(out) {
		kind, rest, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		switch kind {
		case "uptime":
			uptime, _ = strconv.ParseFloat(rest, 64)
		case "open":
			service, file, _ := strings.Cut(rest, " ")
			open[file] = service
		case "path":
			t, err := parseTrace(rest, uptime, phases)
			if err != nil {
				return nil, err
			}
			traces = append(traces, t)
		}
	}
	for i, t := range traces {
		if service, ok := open[t.Path]; ok {
			traces[i].Service, traces[i].Certain = service, true
		}
	}
	slices.SortFunc(traces, func(a, b Trace) int { return strings.Compare(a.Path, b.Path) })
	return traces, nil
}

func parseTrace(line string, uptime float64, phases []Phase) (Trace, error) {
	f := strings.SplitN(line, " ", 7)
	if len(f) != 7 {
		return Trace{}, fmt.Errorf("listing of writes: %q has %d fields", line, len(f))
	}
	mode, err1 := strconv.ParseUint(f[0], 16, 32)
	age, err2 := strconv.ParseFloat(f[5], 64)
	if err := errors.Join(err1, err2); err != nil {
		return Trace{}, fmt.Errorf("listing of writes: %q: %w", line, err)
	}
	const typeMask, directory, char = 0o170000, 0o040000, 0o020000
	t := Trace{Path: f[6], Mode: fs.FileMode(mode & 0o7777), Owner: f[3] + ":" + f[4]}
	switch mode & typeMask {
	case directory:
		t.Mode |= fs.ModeDir
	case char:
		// So an overlay notes that a path of the layer below is gone.
		t.Deleted = f[1] == "0" && f[2] == "0"
	}
	t.Service = suspect(t.Path, startingAt(uptime-age, phases))
	return t, nil
}

// startingAt are the services that were starting at a time of whole seconds.
func startingAt(at float64, phases []Phase) []string {
	var names []string
	for _, p := range phases {
		if !strings.Contains(p.Name, ":") && at >= p.Start-1 && at <= p.End+1 {
			names = append(names, p.Name)
		}
	}
	return names
}

// suspect names who may have written a path: of several services the one whose
// name is in the path.
func suspect(path string, names []string) string {
	for _, name := range names {
		if strings.Contains(path, name) {
			return name
		}
	}
	return strings.Join(names, " or ")
}
