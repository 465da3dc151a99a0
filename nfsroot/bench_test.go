package nfsroot_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// BenchmarkSwitch switches, durably, alone and beside a process that reads current
// without a pause. The yardstick is what the disk takes for the two writes that a
// switch has it flush.
func BenchmarkSwitch(b *testing.B) {
	flush := func(b *testing.B) {
		f, err := os.Create(b.TempDir() + "/file")
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		percentiles(b, func(i int) {
			for range 2 {
				if _, err := f.WriteAt([]byte("line\n"), int64(i)*5); err != nil {
					b.Fatal(err)
				}
				if err := f.Sync(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("two flushes", flush)
	b.Run("two flushes beside a reader", func(b *testing.B) {
		s := twoRoots(b, b.TempDir())
		switchTo(b, s, "b")
		reads := startReader(b, s.Dir())
		flush(b)
		b.ReportMetric(reads(), "reads")
	})
	tags := []string{"a", "b"}
	b.Run("alone", func(b *testing.B) {
		s := twoRoots(b, b.TempDir())
		percentiles(b, func(i int) { switchTo(b, s, tags[i%2]) })
	})
	b.Run("beside a reader", func(b *testing.B) {
		s := twoRoots(b, b.TempDir())
		switchTo(b, s, "b")
		reads := startReader(b, s.Dir())
		percentiles(b, func(i int) { switchTo(b, s, tags[i%2]) })
		b.ReportMetric(reads(), "reads")
	})
}

// startReader has another process read current without a pause. The function that
// it returns stops it, and says how often it read.
func startReader(b *testing.B, dir string) func() float64 {
	b.Helper()
	cmd := exec.Command(os.Args[0], dir)
	cmd.Env = append(os.Environ(), childVar+"=reader")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	return func() (count float64) {
		if err := errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()); err != nil {
			b.Fatalf("%v: %s", err, said.Bytes())
		}
		if _, err := fmt.Sscan(out.String(), &count); err != nil {
			b.Fatal(err)
		}
		return count
	}
}

// readCurrent reads current until it is interrupted, and fails if it is ever gone.
func readCurrent(dir string) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	path, tag := filepath.Join(dir, "current"), make([]byte, 9)
	for count := 0; ; count++ {
		select {
		case <-stop:
			_, err := fmt.Println(count)
			return err
		default:
		}
		// Without garbage, whose collection would take the other core too.
		if n, err := unix.Readlink(path, tag); err != nil || n != 1 || tag[0] != 'a' && tag[0] != 'b' {
			return fmt.Errorf("current is %q, %w", tag[:n], err)
		}
	}
}

// percentiles times each call of f.
func percentiles(b *testing.B, f func(i int)) {
	b.Helper()
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		f(i)
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	for _, percent := range []int{50, 99} {
		b.ReportMetric(took[len(took)*percent/100].Seconds()*1000, fmt.Sprintf("p%d-ms", percent))
	}
}

// BenchmarkUnpack compares an unpack with tar(1) on the same layers, which
// tar gets uncompressed. Both end with a sync of the file system; the CPU time
// is the user's and the system's.
func BenchmarkUnpack(b *testing.B) {
	layers := benchLayers(10, 300)
	var size int64
	for _, l := range layers {
		for _, e := range l {
			size += int64(len(e.body))
		}
	}
	b.Run("rootbuild", func(b *testing.B) {
		img := benchImage(b, layers)
		s := open(b, b.TempDir())
		b.SetBytes(size)
		before := cpu(b, unix.RUSAGE_SELF)
		for i := 0; b.Loop(); i++ {
			mustUnpack(b, s, fmt.Sprintf("r%d", i), img)
		}
		report(b, cpu(b, unix.RUSAGE_SELF)-before)
	})
	b.Run("tar", func(b *testing.B) {
		archives := b.TempDir()
		var names []string
		for i, l := range layers {
			data, err := archive(l)
			if err != nil {
				b.Fatal(err)
			}
			names = append(names, filepath.Join(archives, fmt.Sprintf("%d.tar", i)))
			if err := os.WriteFile(names[i], data, 0o600); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(size)
		before := cpu(b, unix.RUSAGE_CHILDREN)
		for b.Loop() {
			extract(b, names, b.TempDir())
		}
		report(b, cpu(b, unix.RUSAGE_CHILDREN)-before)
	})
}

// BenchmarkUpdate unpacks an image of which another root has all layers but one.
func BenchmarkUpdate(b *testing.B) {
	layers := benchLayers(10, 300)
	next := slices.Clone(layers)
	next[5] = benchLayers(1, 301)[0]
	first, img := benchImage(b, layers), benchImage(b, next)
	for name, link := range map[string]bool{"copy": false, "link": true} {
		b.Run(name, func(b *testing.B) {
			s := open(b, b.TempDir())
			mustUnpack(b, s, "first", first)
			switchTo(b, s, "first")
			before := cpu(b, unix.RUSAGE_SELF)
			for i := 0; b.Loop(); i++ {
				o := nfsroot.UnpackOptions{Tag: fmt.Sprintf("r%d", i), Link: link}
				if _, err := s.Unpack(b.Context(), img, o); err != nil {
					b.Fatal(err)
				}
			}
			report(b, cpu(b, unix.RUSAGE_SELF)-before)
		})
	}
}

// benchLayers makes layers in which text and noise, small files and large ones
// mix as in a node root: 9 KiB a file.
func benchLayers(layers, files int) [][]entry {
	random := rand.New(rand.NewPCG(1, 2))
	var all [][]entry
	for l := range layers {
		var layer []entry
		for f := range files {
			if f%20 == 0 {
				layer = append(layer, dir(fmt.Sprintf("usr/lib/p%d/d%d", l, f/20), 0o755))
			}
			body := make([]byte, 1<<random.IntN(16))
			for i := range body {
				body[i] = "etaoin shrdlu\n\x00\xff"[random.IntN(16)]
			}
			layer = append(layer, file(fmt.Sprintf("usr/lib/p%d/d%d/f%d", l, f/20, f), string(body)))
		}
		all = append(all, layer)
	}
	return all
}

// benchImage is an image on disk, packed as rootbuild packs.
func benchImage(b *testing.B, layers [][]entry) v1.Image {
	b.Helper()
	img, err := imageOf(layers, tarball.WithCompression(compression.ZStd), tarball.WithMediaType(types.OCILayerZStd))
	if err != nil {
		b.Fatal(err)
	}
	l, err := layout.Write(b.TempDir(), empty.Index)
	if err != nil {
		b.Fatal(err)
	}
	if err := l.AppendImage(img); err != nil {
		b.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		b.Fatal(err)
	}
	if img, err = l.Image(digest); err != nil {
		b.Fatal(err)
	}
	return img
}

func extract(b *testing.B, names []string, dir string) {
	b.Helper()
	for _, name := range names {
		if out, err := exec.CommandContext(b.Context(), "tar", "-xpf", name, "-C", dir).CombinedOutput(); err != nil {
			b.Fatalf("tar: %v: %s", err, out)
		}
	}
	if out, err := exec.CommandContext(b.Context(), "sync", "-f", dir).CombinedOutput(); err != nil {
		b.Fatalf("sync: %v: %s", err, out)
	}
}

// cpu returns the CPU time that this process or its children took so far.
func cpu(b *testing.B, who int) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func report(b *testing.B, spent time.Duration) {
	b.Helper()
	b.ReportMetric(float64(spent.Milliseconds())/float64(b.N), "cpu-ms/op")
}

// BenchmarkStore plans over a thousand roots, as ls and gc without --yes do,
// and counts what they read from the disk to find out.
func BenchmarkStore(b *testing.B) {
	d := b.TempDir()
	s := open(b, d+"/store")
	img := image(b, []entry{file("name", "x")})
	const count = 1000
	for i := range count {
		o := nfsroot.UnpackOptions{Tag: fmt.Sprintf("r%04d", i), Target: fmt.Sprintf("t%d", i%10)}
		if _, err := s.Unpack(b.Context(), img, o); err != nil {
			b.Fatal(err)
		}
		switchTo(b, s, o.Tag)
	}
	leases, pxe, rmtab := d+"/leases", d+"/pxe", ""
	for i := range count {
		rmtab += fmt.Sprintf("192.0.2.%d:%s/r%04d:0x1\n", i%250, s.Dir(), i)
		for dir, name := range map[string]string{leases: "node%d", pxe: "01-%d"} {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				b.Fatal(err)
			}
			text := fmt.Sprintf("192.0.2.1:%s/r%04d\n", s.Dir(), i)
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf(name, i)), []byte(text), 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(d+"/rmtab", []byte(rmtab), 0o600); err != nil {
		b.Fatal(err)
	}
	for name, sources := range map[string]nfsroot.Sources{"roots": {}, "roots and nodes": {Rmtab: d + "/rmtab", Leases: leases, PXE: pxe}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if plan, err := s.Plan(nfsroot.Policy{Keep: 3, Sources: sources}); err != nil || len(plan.Roots) != count {
					b.Fatalf("%d roots, %v", len(plan.Roots), err)
				}
			}
		})
	}
}
