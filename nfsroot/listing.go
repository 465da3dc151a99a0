package nfsroot

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Listing is the roots of a store for a person or a program to read, the newest first.
type Listing []ListedRoot

// ListedRoot is a root with why it stays and who holds it.
type ListedRoot struct {
	Tag     string    `json:"tag"`
	Digest  v1.Hash   `json:"digest"`
	Ref     string    `json:"ref"`
	Target  string    `json:"target"`
	Size    int64     `json:"size"` // bytes
	Files   int       `json:"files"`
	Created time.Time `json:"created"`
	Age     int64     `json:"age_seconds"`
	Current bool      `json:"current"`
	Kept    []Reason  `json:"kept"`
	Uses    []Use     `json:"in_use_by"`
}

// Listing is the roots of a plan, with their age at a time.
func (p Plan) Listing(now time.Time) Listing {
	list := Listing{}
	for _, r := range p.Roots {
		list = append(list, ListedRoot{
			Tag: r.Tag, Digest: r.Digest, Ref: r.Ref, Target: r.Target, Size: r.Size, Files: r.Files,
			Created: r.Created, Age: int64(now.Sub(r.Created).Seconds()), Current: r.Current, Kept: r.Kept, Uses: r.Uses,
		})
	}
	return list
}

// WriteTable writes a line for each root.
func (l Listing) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\tTAG\tDIGEST\tMIB\tFILES\tAGE\tKEPT\tIN USE BY")
	for _, r := range l {
		mark := " "
		if r.Current {
			mark = "*"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", mark, r.Tag, r.Digest.Hex[:12], mebibytes(r.Size), r.Files,
			age(time.Duration(r.Age)*time.Second), cmp.Or(strings.Join(whys(r.Kept), ", "), "-"), cmp.Or(users(r.Uses), "-"))
	}
	return table.Flush()
}

// whys are the reasons without their details, each once; of entries, with which.
func whys(reasons []Reason) []string {
	var list []string
	for i, r := range reasons {
		switch {
		case r.Why == KeptEntry:
			list = append(list, r.String())
		case i == 0 || r.Why != reasons[i-1].Why:
			list = append(list, r.Why)
		}
	}
	return list
}

func users(uses []Use) string {
	var list []string
	for _, u := range uses {
		list = append(list, u.By.String())
	}
	return strings.Join(list, ", ")
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/(1<<20)) }

// age is a time in its largest unit.
func age(d time.Duration) string {
	const day = 24 * time.Hour
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
