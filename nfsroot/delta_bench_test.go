package nfsroot_test

import (
	"fmt"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// BenchmarkDelta unpacks an image of which another root has all layers but one,
// by each way, and the same image where there is no other root, on file systems
// that are new: ext4 is slow where files were deleted just before. The CPU time
// is the user's and the system's; what was written is how much less is free.
func BenchmarkDelta(b *testing.B) {
	layers := benchLayers(25, 400)
	old := benchImage(b, layers)
	layers[24] = benchLayers(26, 400)[25]
	update := benchImage(b, layers)
	for _, way := range []struct {
		name      string
		base, xfs bool
		link      bool
	}{{name: "all layers"}, {name: "copy", base: true}, {name: "link", base: true, link: true}, {name: "all layers, xfs", xfs: true}, {name: "reflink, xfs", base: true, xfs: true}} {
		b.Run(way.name, func(b *testing.B) {
			mkfs := "mkfs.ext4"
			if way.xfs {
				mkfs = "mkfs.xfs"
			}
			if _, err := exec.LookPath(mkfs); err != nil {
				b.Skip("needs " + mkfs)
			}
			dir := mountImage(b, 8<<30, mkfs, "-q")
			var spent time.Duration
			var written int64
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				s := open(b, fmt.Sprintf("%s/%d", dir, i))
				if way.base {
					mustUnpack(b, s, "old", old)
				}
				unix.Sync()
				free, before := freeBlocks(b, dir), cpu(b, unix.RUSAGE_SELF)
				b.StartTimer()
				if _, err := s.Unpack(b.Context(), update, nfsroot.UnpackOptions{Tag: "update", Link: way.link}); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				spent += cpu(b, unix.RUSAGE_SELF) - before
				unix.Sync()
				written += free - freeBlocks(b, dir)
				b.StartTimer()
			}
			report(b, spent)
			b.ReportMetric(float64(written)/float64(b.N)/(1<<20), "MiB/op")
		})
	}
}
