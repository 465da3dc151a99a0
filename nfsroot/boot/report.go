package boot

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Verdict is how a check ended.
type Verdict string

// The verdicts. A check is skipped when one before it left nothing to ask.
const (
	Passed  Verdict = "passed"
	Failed  Verdict = "FAILED"
	Skipped Verdict = "not run"
)

// Result is what a check found.
type Result struct {
	Check   string  `json:"check"`
	Verdict Verdict `json:"verdict"`
	Seconds float64 `json:"seconds"`
	Detail  string  `json:"detail,omitempty"` // why it failed, or what was seen
}

// String is the result for a person.
func (r Result) String() string {
	line := fmt.Sprintf("%-8s %s (%.1f s)", r.Verdict, r.Check, r.Seconds)
	if r.Verdict == Failed {
		line += ": " + r.Detail
	}
	return line
}

// Report is what a boot showed.
type Report struct {
	Root    string     `json:"root"` // the root's directory
	Accel   string     `json:"accel"`
	Passed  bool       `json:"passed"`
	Checks  []Result   `json:"checks"`
	Phases  []Phase    `json:"phases"`
	Writes  []Write    `json:"writes,omitempty"` // only when they were to be found
	HostKey string     `json:"host_key,omitempty"`
	Log     string     `json:"log"`    // file of the console's output
	Repeat  [][]string `json:"repeat"` // command lines of the NFS server, where it was ours, and of QEMU
	SSH     []string   `json:"ssh"`    // command line that logs in while the machine runs
}

// Failures are the names of the checks that failed.
func (r Report) Failures() []string {
	var names []string
	for _, c := range r.Checks {
		if c.Verdict == Failed {
			names = append(names, c.Check)
		}
	}
	return names
}

// Err is the error of a boot of the root tag in which checks failed, or nil.
func (r Report) Err(tag string) error {
	if r.Passed {
		return nil
	}
	return fmt.Errorf("booting %s: failed: %s", tag, strings.Join(r.Failures(), ", "))
}

// WriteTable writes the checks, the phases and what was written for a person to read.
func (r Report) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CHECK\tRESULT\tSECONDS\tDETAIL")
	for _, c := range r.Checks {
		fmt.Fprintf(table, "%s\t%s\t%.1f\t%s\n", c.Check, c.Verdict, c.Seconds, firstLine(c.Detail))
	}
	if len(r.Phases) > 0 {
		fmt.Fprintln(table, "\t\t\t\nPHASE\tFROM\tSECONDS\t")
	}
	for _, p := range r.Phases {
		fmt.Fprintf(table, "%s\t%.2f\t%.2f\t\n", p.Name, p.Start, p.End-p.Start)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, write := range r.Writes {
		if _, err := fmt.Fprintln(w, write); err != nil {
			return err
		}
	}
	return nil
}

func firstLine(s string) string {
	first, _, _ := strings.Cut(s, "\n")
	return first
}
