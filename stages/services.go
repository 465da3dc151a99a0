package stages

import "github.com/rootbuild/rootbuild/images"

// Service is something that a node starts: a daemon with a Command, or a
// one-shot with Start. Its texts are shell, run by root on the node.
type Service struct {
	Name        string
	Description string
	Needs       []string // services that must be up before it
	After       []string // services that are started before it where they are there
	Setup       string   // runs before the start
	Command     string   // its last line is a program that stays in the foreground
	Start       string   // in the place of Command
	Stop        string   // undoes Start
	Up          string   // tried until it succeeds; empty: the daemon's process is alive
	Writes      []images.TmpfsEntry
	Line        int // of the recipe's File

	lines map[string]int // where Needs and After are named
}
