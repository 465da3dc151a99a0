package boot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// checksDir is where a root keeps the checks of its target.
const checksDir = "usr/lib/rootbuild/checks"

// script is one check of the target: shell text that fails with its reason in
// the last line.
type script struct {
	name   string
	within time.Duration
	text   string
}

// defaultWithin is for a check that does not say how long it may take.
const defaultWithin = 30 * time.Second

// maxScript is how large a check may be, in bytes.
const maxScript = 1 << 20

// readScripts reads the checks of a root, sorted by name. The master's copy is
// read, so that a node that is broken cannot hide one.
func readScripts(root string) ([]script, error) {
	dir, err := safeopen.Root(root)
	if err != nil {
		return nil, fmt.Errorf("reading the checks of %s: %w", root, err)
	}
	defer dir.Close()
	entries, err := safeopen.ReadDirIn(dir, checksDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the checks of %s: %w", root, err)
	}
	var list []script
	for _, e := range entries {
		text, err := safeopen.ReadIn(dir, checksDir+"/"+e.Name(), maxScript)
		if err != nil {
			return nil, fmt.Errorf("reading a check of %s: %w", root, err)
		}
		s, err := parseScript(e.Name(), string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(root, checksDir, e.Name()), err)
		}
		list = append(list, s)
	}
	return list, nil
}

// parseScript finds the comment that says how long a check may take.
func parseScript(name, text string) (script, error) {
	s := script{name: name, within: defaultWithin, text: text}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			break
		}
		value, ok := strings.CutPrefix(line, "# within: ")
		if !ok {
			continue
		}
		within, err := time.ParseDuration(strings.TrimSpace(value))
		if err != nil || within <= 0 {
			return script{}, fmt.Errorf("%q is no time such as 30s", strings.TrimSpace(value))
		}
		s.within = within
	}
	return s, nil
}

// atOnce is how many checks of the target run side by side.
const atOnce = 4

// targetChecks runs the target's checks side by side: most of them wait.
func (b *boot) targetChecks(ctx context.Context) {
	results := make([]Result, len(b.scripts))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, s := range b.scripts {
		results[i] = Result{Check: s.name, Verdict: Skipped}
		if ctx.Err() != nil || b.Overlay && s.name == "read-only" {
			continue
		}
		g.Go(func() error {
			began := time.Now()
			ctx, cancel := within(ctx, s.within)
			defer cancel()
			out, err := b.node.run(ctx, s.text)
			results[i] = result(s.name, began, lastLine(out), err)
			return nil
		})
	}
	_ = g.Wait()
	for _, r := range results {
		b.note(r)
	}
}
