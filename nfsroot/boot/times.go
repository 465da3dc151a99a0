package boot

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Phase is a part of a boot. Its seconds count from the kernel's start.
type Phase struct {
	Name  string  `json:"name"`
	Start float64 `json:"start"`
	End   float64 `json:"end"`
}

// ParseTimes reads what the initramfs and the node's scripts keep in
// /run/rootbuild/times: lines of a name, a start and an end.
func ParseTimes(text string) ([]Phase, error) {
	var phases []Phase
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 3 {
			return nil, fmt.Errorf("times:%d: %q is no name, start and end", i+1, line)
		}
		start, err1 := strconv.ParseFloat(fields[1], 64)
		end, err2 := strconv.ParseFloat(fields[2], 64)
		if err1 != nil || err2 != nil || end < start {
			return nil, fmt.Errorf("times:%d: %q is no name, start and end", i+1, line)
		}
		phases = append(phases, Phase{fields[0], start, end})
	}
	return phases, nil
}

// breakdown puts before the node's own phases what comes before them: the
// firmware, of so many seconds, and the kernel until the first of them.
func breakdown(firmware float64, phases []Phase) []Phase {
	all := []Phase{{"firmware", -firmware, 0}}
	if len(phases) > 0 {
		first := phases[0].Start
		for _, p := range phases {
			first = min(first, p.Start)
		}
		all = append(all, Phase{"kernel", 0, first})
	}
	return append(all, phases...)
}

// times reads the node's own record of its boot. That there is none is not for
// this boot to judge.
func (b *boot) times(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	ctx, cancel := within(ctx, statusLimit)
	defer cancel()
	if out, err := b.node.run(ctx, "cat /run/rootbuild/times"); err == nil {
		b.report.Phases, _ = ParseTimes(out)
	}
}
