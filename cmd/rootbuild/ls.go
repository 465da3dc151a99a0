package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/spf13/cobra"
)

const listHelp = `ls lists the node roots, the newest first; * marks current. KEPT says why
rootbuild gc with the same flags would leave a root; one with a dash would go.`

func newList(s streams) *cobra.Command {
	var o storeOptions
	var keep retentionOptions
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "list the node roots; * marks current",
		Long:  listHelp,
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runList(o, keep, s)
		},
	}
	o.addFlags(cmd)
	keep.addFlags(cmd)
	return cmd
}

func runList(o storeOptions, keep retentionOptions, s streams) error {
	policy, err := keep.policy()
	if err != nil {
		return err
	}
	view, err := nfsroot.OpenReadOnly(o.dir)
	if err != nil {
		return err
	}
	policy.Now = time.Now()
	plan, err := view.Plan(policy)
	if err != nil {
		return err
	}
	roots := []listedRoot{}
	for _, r := range plan.Roots {
		roots = append(roots, listRoot(r, policy.Now))
	}
	if o.json {
		return writeJSON(s.out, roots)
	}
	return writeRoots(s.out, roots)
}

// listedRoot is a line of ls.
type listedRoot struct {
	Tag     string           `json:"tag"`
	Digest  v1.Hash          `json:"digest"`
	Ref     string           `json:"ref"`
	Target  string           `json:"target"`
	Size    int64            `json:"size"`
	Files   int              `json:"files"`
	Created time.Time        `json:"created"`
	Age     int64            `json:"age_seconds"`
	Current bool             `json:"current"`
	Kept    []nfsroot.Reason `json:"kept"`
	Uses    []nfsroot.Use    `json:"in_use_by"`
}

func listRoot(r nfsroot.Standing, now time.Time) listedRoot {
	return listedRoot{
		Tag: r.Tag, Digest: r.Digest, Ref: r.Ref, Target: r.Target, Size: r.Size, Files: r.Files,
		Created: r.Created, Age: int64(now.Sub(r.Created).Seconds()), Current: r.Current, Kept: r.Kept, Uses: r.Uses,
	}
}

func writeRoots(w io.Writer, roots []listedRoot) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\tTAG\tDIGEST\tMIB\tFILES\tAGE\tKEPT\tIN USE BY")
	for _, r := range roots {
		mark := " "
		if r.Current {
			mark = "*"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", mark, r.Tag, r.Digest.Hex[:12], mebibytes(r.Size), r.Files,
			age(time.Duration(r.Age)*time.Second), cmp.Or(strings.Join(whys(r.Kept), ", "), "-"), cmp.Or(users(r.Uses), "-"))
	}
	return table.Flush()
}

// whys are the reasons without their details, each once.
func whys(reasons []nfsroot.Reason) []string {
	var list []string
	for i, r := range reasons {
		if i == 0 || r.Why != reasons[i-1].Why {
			list = append(list, r.Why)
		}
	}
	return list
}

func users(uses []nfsroot.Use) string {
	var list []string
	for _, u := range uses {
		list = append(list, u.By.String())
	}
	return strings.Join(list, ", ")
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/(1<<20)) }

// age is a time in its largest unit.
func age(d time.Duration) string {
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%dd", d/day)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}
