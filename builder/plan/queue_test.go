package plan

import (
	"slices"
	"testing"
)

// A toolchain of 10 seconds, a long chain of 8 behind it, and four leaves of 3.
var someWork = []work{
	{"tools", nil, 10},
	{"leaf1", []string{"tools"}, 3},
	{"leaf2", []string{"tools"}, 3},
	{"ssl", []string{"tools"}, 5},
	{"leaf3", []string{"tools"}, 3},
	{"ssh", []string{"ssl", "tools"}, 3},
	{"leaf4", nil, 3},
}

func TestQueueOrder(t *testing.T) {
	q := newQueue(someWork)
	var order []string
	for {
		name, ok := q.Take()
		if !ok {
			break
		}
		order = append(order, name)
		if name == "ssl" && !slices.Contains(order[:len(order)-1], "ssl") {
			q.Put(name) // its builder was lost
			continue
		}
		q.Done(name)
	}
	want := []string{"tools", "ssl", "ssl", "leaf1", "leaf2", "leaf3", "ssh", "leaf4"}
	if !slices.Equal(order, want) {
		t.Errorf("got %v, want %v", order, want)
	}
}

func TestMakespan(t *testing.T) {
	for atOnce, want := range map[int]float64{1: 30, 2: 19, 3: 18, 16: 18} {
		if got := makespan(someWork, atOnce); got != want {
			t.Errorf("%d at once: %g seconds, want %g", atOnce, got, want)
		}
	}
	chain, floor := newQueue(someWork).longest()
	if floor != 18 || !slices.Equal(chain, []string{"tools", "ssl", "ssh"}) {
		t.Errorf("the longest chain is %v with %g seconds, want tools, ssl, ssh with 18", chain, floor)
	}
	if got := makespan(nil, 4); got != 0 {
		t.Errorf("nothing takes %g seconds", got)
	}
}

// A stage that failed keeps back what is built with it, and nothing else.
func TestQueueFailed(t *testing.T) {
	q := newQueue([]work{{"a", nil, 2}, {"b", []string{"a"}, 1}, {"c", nil, 1}})
	var order []string
	for {
		name, ok := q.Take()
		if !ok {
			break
		}
		order = append(order, name)
		if name != "a" {
			q.Done(name)
		}
	}
	if !slices.Equal(order, []string{"a", "c"}) {
		t.Errorf("got %v, want a and c", order)
	}
}
