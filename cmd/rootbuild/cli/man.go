package cli

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// Manual is the action of the verb that packagers call: a person reads its pages with
// man. They are those of the verbs below Root.
type Manual struct {
	NoFlags
	Root *cobra.Command
}

// Run writes the pages to the directory that the one argument names.
func (m Manual) Run(_ context.Context, args []string, _ Streams) error {
	if err := os.MkdirAll(args[0], 0o755); err != nil {
		return err
	}
	m.Root.DisableAutoGenTag = true
	for _, cmd := range append(m.Root.Commands(), m.Root) {
		// Else the pages would hold the home of who writes them.
		if state := cmd.Flags().Lookup("state"); state != nil {
			state.DefValue = "$XDG_CACHE_HOME/rootbuild"
		}
	}
	built := buildTime()
	header := doc.GenManHeader{Section: "1", Date: &built, Source: "rootbuild " + Version(), Manual: "rootbuild"}
	if err := doc.GenManTree(m.Root, &header, args[0]); err != nil {
		return fmt.Errorf("writing the manual pages: %w", err)
	}
	return nil
}

// buildTime is the time of the commit that this program was built from, so that the
// pages of one program are the same whenever they are written.
func buildTime() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Unix(0, 0)
	}
	for _, s := range info.Settings {
		if t, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
			return t
		}
	}
	return time.Unix(0, 0)
}
