package plan

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/docker/go-units"

	"github.com/rootbuild/rootbuild/stages"
)

// WriteTable writes a line for each stage, and their sum.
func (p Plan) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range p.Stages {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.Kind, s.Name, s.Version, s.outlook())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", p.sum())
	return err
}

// sum counts the stages and adds up what they took before.
func (p Plan) sum() string {
	count := map[Action]int{}
	var seconds float64
	var bytes int64
	unknown := 0
	for _, s := range p.Stages {
		count[s.Action]++
		switch {
		case s.Action == ActionTake:
			bytes += s.Bytes
		case s.Action == ActionCached:
		case s.Seconds == 0:
			unknown++
		default:
			seconds += s.Seconds
		}
	}
	text := fmt.Sprintf("%d to build, %d to collect, %d cached", count[ActionBuild], count[ActionCollect], count[ActionCached])
	if n := count[ActionTake]; n > 0 {
		text = fmt.Sprintf("%d to take (%s), %s", n, units.BytesSize(float64(bytes)), text)
	}
	switch {
	case seconds > 0 && unknown > 0:
		return fmt.Sprintf("%s; about %s of steps, and %d of unknown time", text, span(seconds), unknown)
	case seconds > 0:
		return fmt.Sprintf("%s; about %s of steps", text, span(seconds))
	}
	return text
}

// outlook says what becomes of a stage, why, and how long it took before.
func (s Stage) outlook() string {
	switch {
	case s.Action == ActionTake:
		return fmt.Sprintf("take from %s (%s)", s.From, units.BytesSize(float64(s.Bytes)))
	case s.Action != ActionCached && s.Seconds > 0:
		return fmt.Sprintf("%s (about %s): %s", s.Action, span(s.Seconds), reasons(s.Causes))
	case s.Action != ActionCached:
		return fmt.Sprintf("%s: %s", s.Action, reasons(s.Causes))
	case s.Seconds > 0:
		return fmt.Sprintf("cached (built in %s)", span(s.Seconds))
	}
	return string(s.Action) // all that is known is a later run that found it so
}

// reasons tells the causes. Those of stages that the toolchain binds are one:
// nearly every package is built with all of them.
func reasons(causes []stages.Cause) string {
	var list []string
	toolchain := false
	for _, c := range causes {
		if c.Kind == stages.CauseToolchain {
			if toolchain {
				continue
			}
			toolchain, c.Name = true, ""
		}
		list = append(list, c.String())
	}
	return strings.Join(list, ", ")
}

// span writes seconds as a person says them.
func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", seconds)
	}
	return d.Round(time.Second).String()
}
