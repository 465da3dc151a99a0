package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/rootbuild/rootbuild/stages"
)

var errAnsweredNo = errors.New("nothing was built: the answer was no")

// checkAsk refuses --ask where nobody can answer.
func (o buildOptions) checkAsk(terminal *os.File) error {
	if o.ask && !term.IsTerminal(int(terminal.Fd())) {
		return usageError{errors.New("--ask: standard input is no terminal to ask on; see what would be built with rootbuild plan, then leave --ask out")}
	}
	return nil
}

// askFirst shows what there is to build and asks whether to. It returns nil to
// go on, which it does unasked if there is nothing to build.
func (o buildOptions) askFirst(ctx context.Context, graph stages.Graph, terminal *os.File, s streams) error {
	plan := planVerb{base: o.make.base, builder: o.make.builder, mirror: o.make.sources.mirror, places: o.make.packages, remote: o.make.registry, state: o.make.state}
	p, err := plan.plan(ctx, graph, s)
	if err != nil || p.Idle() {
		return err
	}
	if err := p.WriteTable(s.err); err != nil {
		return err
	}
	yes, err := confirm(ctx, "Build? [Y/n] ", terminal, s)
	if err == nil && !yes {
		err = errAnsweredNo
	}
	return err
}

// confirm asks until the answer is yes or no. No answer is a no, an empty one
// is a yes.
func confirm(ctx context.Context, question string, terminal *os.File, s streams) (bool, error) {
	for {
		fmt.Fprint(s.err, question)
		line, err := readLine(ctx, terminal)
		if err != nil {
			return false, fmt.Errorf("reading the answer: %w", err)
		}
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		case "":
			return line != "", nil
		}
	}
}

// readLine reads what a terminal has once a line is complete, and "" at its end.
// A read would not see that ctx ends, so it comes when there is something.
func readLine(ctx context.Context, terminal *os.File) (string, error) {
	const look = 100 // milliseconds
	fds := []unix.PollFd{{Fd: int32(terminal.Fd()), Events: unix.POLLIN}}
	for ctx.Err() == nil {
		n, err := unix.Poll(fds, look)
		if errors.Is(err, unix.EINTR) || (err == nil && n == 0) {
			continue
		}
		if err != nil {
			return "", err
		}
		line := make([]byte, 256)
		n, err = unix.Read(int(terminal.Fd()), line)
		if err != nil {
			return "", err
		}
		return string(line[:n]), nil
	}
	return "", ctx.Err()
}
