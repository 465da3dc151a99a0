package main

import (
	"context"
	"errors"
	"os"

	"golang.org/x/term"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/stages"
)

var errAnsweredNo = errors.New("nothing was built: the answer was no")

// checkAsk refuses --ask where nobody can answer.
func (o buildOptions) checkAsk(terminal *os.File) error {
	if o.ask && !term.IsTerminal(int(terminal.Fd())) {
		return cli.UsageErrorf("--ask: standard input is no terminal to ask on; see what would be built with rootbuild plan, then leave --ask out")
	}
	return nil
}

// askFirst shows what there is to build and asks whether to. It returns nil to
// go on, which it does unasked if there is nothing to build.
func (o buildOptions) askFirst(ctx context.Context, graph stages.Graph, terminal *os.File, s cli.Streams) error {
	plan := planVerb{make: o.make}
	p, err := plan.plan(ctx, graph, s)
	if err != nil || p.Idle() {
		return err
	}
	if err := p.WriteTable(s.Err); err != nil {
		return err
	}
	yes, err := cli.Confirm(ctx, "Build? [Y/n] ", terminal, s)
	if err == nil && !yes {
		err = errAnsweredNo
	}
	return err
}
