// Rootbuild builds the root file systems of diskless nodes: from pinned sources
// to a reproducible image, and from the image to the directory that nodes boot.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
)

// The exit codes, as the help of rootbuild documents them.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once; the next run sweeps.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], cli.NewStreams(os.Stdout, os.Stderr)))
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, s cli.Streams) int {
	cmd := newRoot(s)
	cmd.SetArgs(args)
	cmd.SetOut(s.Out)
	cmd.SetErr(s.Err)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if ctx.Err() != nil {
		fmt.Fprintln(s.Err, "rootbuild: interrupted; the next run goes on from here")
		return exitInterrupted
	}
	var status exitStatus
	if errors.As(err, &status) {
		return int(status)
	}
	fmt.Fprintf(s.Err, "rootbuild: %v\n", err)
	if isUsage(err) {
		return exitUsage
	}
	var step *engine.StepError
	if errors.As(err, &step) {
		fmt.Fprintf(s.Err, "to repeat: rootbuild %s\n", cli.ShellWords(args))
	}
	return exitFailed
}

// isUsage says whether the command line is at fault.
func isUsage(err error) bool {
	var usage cli.UsageError
	var name deploy.NameError
	var missing *builder.PackageError
	return errors.As(err, &usage) || errors.As(err, &name) || errors.As(err, &missing)
}
