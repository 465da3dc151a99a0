package report_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootbuild/rootbuild/builder/report"
)

var began = time.Date(2026, 11, 30, 9, 12, 4, 0, time.UTC)

const (
	embedded = "the embedded BuildKit"
	remote   = "builder tcp://builder.example.org:1234"
	place    = "registry.example.org/packages"
)

// planned is a stage of the fixture, in short: what it is built with, and how many seconds
// into which run it was built, and for how long.
type planned struct {
	name, version, with string
	in                  *report.Build // nil: not known
	at, seconds         float64
	take                bool
}

var (
	lastBuild = &report.Build{Started: began, Completed: began.Add(1834 * time.Second), Run: began.Add(-time.Second)}
	weekAgo   = &report.Build{Started: began.Add(-9 * 24 * time.Hour), Run: began.Add(-9 * 24 * time.Hour)}
	monthAgo  = &report.Build{Started: began.Add(-40 * 24 * time.Hour)} // nobody noted its run
)

var toolchain = []string{"binutils", "linux-headers", "gcc", "musl", "libgcc"}

var plan = []planned{
	{"linux-headers", "6.12.9", "", monthAgo, 2, 92, false},
	{"binutils", "2.44", "", monthAgo, 2, 601, false},
	{"gcc", "14.2.0", "binutils linux-headers", monthAgo, 604, 1204, false},
	{"musl", "1.2.5", "binutils gcc linux-headers", monthAgo, 1809, 131, false},
	{"libgcc", "14.2.0", "binutils gcc musl", monthAgo, 1942, 98, false},
	{"meson", "1.7.0", "", nil, 0, 0, false},
	{"baselayout", "2", "", weekAgo, 3, 1, false},
	{"busybox", "1.38.0", "", weekAgo, 5, 311, false},
	{"zlib", "1.3.2", "", lastBuild, 14, 4, true},
	{"ncurses", "6.5", "", lastBuild, 14, 11, true},
	{"readline", "8.3", "ncurses", lastBuild, 26, 51, false},
	{"bash", "5.3", "ncurses readline", lastBuild, 79, 244, false},
	{"openssl", "3.5.7", "zlib", lastBuild, 26, 746, false},
	{"openssh", "10.3p1", "openssl zlib", lastBuild, 775, 508, false},
	{"pcre2", "10.48", "", weekAgo, 330, 97, false},
	{"glib", "2.88.0", "meson pcre2", lastBuild, 330, 104, false},
	{"syslog-ng", "4.8.1", "glib openssl", lastBuild, 776, 1050, false},
	{"a-name-longer-than-a-node-has-room-for", "0.0.20260608", "", weekAgo, 440, 64, false},
}

// hostile is a name such as a file of an image may have.
const hostile = "/srv/</script><script>alert(1)</script>\u202egnp.exe\n\"onload=x"

// page is one with all that a page can have.
func page() report.Page {
	p := report.Page{
		Target: "site", Description: "nodes of the example site <with> a & b",
		Image: digest("a"), Base: digest("b"), Epoch: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		Rootbuild: "v1.4.0 go1.26.8", Sources: 19,
		Toolchain: report.Toolchain{Name: "toolchain-musl", Version: "1", Binds: toolchain},
		Build:     lastBuild, Previous: &report.Image{Digest: digest("c")},
		Drawn: report.Drawn{At: began.Add(time.Hour), Rootbuild: "v1.4.0"},
	}
	for i, s := range plan {
		p.Stages = append(p.Stages, s.stage(i))
		if s.name == "meson" {
			continue
		}
		size := int64(1000+37*i*i*i) * 900
		l := report.Layer{Package: s.name, Version: s.version, Digest: digest(s.name), Size: size / 3, Unpacked: size, Files: 3 * i}
		p.Layers = append(p.Layers, l)
		p.Files = append(p.Files, report.File{Path: "/usr/lib/" + s.name + ".so.1", Package: s.name, Size: size / 2})
		if s.in == lastBuild && !s.take {
			l.Digest, l.Version = digest("old"+s.name), strings.Replace(s.version, "10", "9", 1)
		}
		if s.name != "readline" {
			p.Previous.Layers = append(p.Previous.Layers, l)
		}
	}
	p.Previous.Layers = append(p.Previous.Layers, report.Layer{Package: "cronie", Version: "1.7.2", Digest: digest("cronie"), Size: 9000})
	p.Layers = append(p.Layers, report.Layer{Package: "site", Own: true, Digest: digest("own"), Size: 11000, Unpacked: 26000, Files: 12})
	p.Files = append([]report.File{{Path: hostile, Package: "site", Size: 1 << 23}}, p.Files...)
	slices.SortFunc(p.Files, func(a, b report.File) int { return cmp.Compare(b.Size, a.Size) })
	p.Boot = boot()
	return p
}

func (s planned) stage(i int) report.Stage {
	r := report.Stage{Name: s.name, Version: s.version, Kind: "package", With: strings.Fields(s.with), Bound: i > 5, InImage: i > 2 && s.name != "meson"}
	if s.name == "binutils" || s.name == "gcc" || s.name == "meson" {
		r.Kind = "tool"
	}
	r.After = r.With
	if r.Bound {
		r.After = append(append([]string{}, toolchain...), r.With...)
	}
	if s.in == nil {
		return r
	}
	step := func(at, seconds float64) report.Step {
		from := s.in.Started.Add(time.Duration(at * float64(time.Second)))
		return report.Step{Started: from, Completed: from.Add(time.Duration(seconds * float64(time.Second))), Seconds: seconds, Run: s.in.Run, Builder: embedded}
	}
	if s.take {
		r.Take = &report.Take{Step: step(s.at, s.seconds), From: place}
		r.Take.Builder = ""
		return r
	}
	build, collect := step(s.at, s.seconds), step(s.at+s.seconds, 1.2)
	if s.in == weekAgo {
		build.Builder, collect.Builder = remote, remote
	}
	r.Build, r.Collect = &build, &collect
	if s.name == "pcre2" { // it was only sorted anew
		again := lastBuild.Started.Add(320 * time.Second)
		r.Collect = &report.Step{Started: again, Completed: again.Add(2 * time.Second), Seconds: 2, Run: lastBuild.Run, Builder: embedded}
	}
	return r
}

func boot() *report.Boot {
	b := &report.Boot{At: began.Add(1900 * time.Second), Accel: "kvm", Passed: true, Phases: []report.Phase{
		{"firmware", -1.1, 0}, {"kernel", 0, 1.93}, {"initramfs:network", 1.93, 3.4}, {"initramfs:root", 3.4, 3.9},
		{"runlevel:boot", 4.1, 6.2}, {"syslog-ng", 6.2, 7.9}, {"sshd", 6.3, 7.1},
	}}
	for i, name := range []string{"root by NFS", "runlevel", "ssh login", "services", "/ is read-only", "shutdown", "console"} {
		b.Checks = append(b.Checks, report.Check{Name: name, Verdict: "passed", Seconds: 0.3 + 1.7*float64(i%4), Detail: []string{"", "default"}[i%2]})
	}
	return b
}

// digest is one of the right length that a word stands for.
func digest(word string) string {
	return fmt.Sprintf("sha256:%064s", fmt.Sprintf("%x", word))
}
