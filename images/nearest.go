package images

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// DidYouMean returns a question to append to an error about an unknown name,
// such as `; did you mean "bash"?`, with at most three of the known names, the
// nearest first. It is empty if none is near.
func DidYouMean(name string, known []string) string {
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	for _, k := range known {
		if d := levenshtein.Distance(name, k, nil); d <= max(1, min(len(name), len(k))/2) {
			near = append(near, candidate{k, d})
		}
	}
	if len(near) == 0 {
		return ""
	}
	slices.SortFunc(near, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	var quoted []string
	for _, c := range near[:min(3, len(near))] {
		// A name much farther than the nearest is noise.
		if c.distance <= near[0].distance+1 {
			quoted = append(quoted, fmt.Sprintf("%q", c.name))
		}
	}
	return "; did you mean " + strings.Join(quoted, " or ") + "?"
}
