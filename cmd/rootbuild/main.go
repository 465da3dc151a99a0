// Rootbuild builds the root file systems of diskless nodes: from pinned sources
// to a reproducible image, and from the image to the directory that nodes boot.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
)

// The exit codes, as the help of rootbuild documents them.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// usageError marks what is wrong with the command line or with the files that
// it names, in contrast to work that failed.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once; the next run sweeps.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], newStreams(os.Stdout, os.Stderr)))
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, s streams) int {
	cmd := newRoot(s)
	cmd.SetArgs(args)
	cmd.SetOut(s.out)
	cmd.SetErr(s.err)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if ctx.Err() != nil {
		fmt.Fprintln(s.err, "rootbuild: interrupted; the next run goes on from here")
		return exitInterrupted
	}
	var status exitStatus
	if errors.As(err, &status) {
		return int(status)
	}
	fmt.Fprintf(s.err, "rootbuild: %v\n", err)
	if isUsage(err) {
		return exitUsage
	}
	var step *engine.StepError
	if errors.As(err, &step) {
		fmt.Fprintf(s.err, "to repeat: rootbuild %s\n", shellWords(args))
	}
	return exitFailed
}

// isUsage says whether the command line is at fault.
func isUsage(err error) bool {
	var usage usageError
	var name deploy.NameError
	var missing *builder.PackageError
	return errors.As(err, &usage) || errors.As(err, &name) || errors.As(err, &missing)
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellWords writes arguments so that a shell reads the same ones.
func shellWords(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a
		if !plainWord.MatchString(a) {
			words[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
