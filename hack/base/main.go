// Base makes a base of another Debian release than the default one, to build in
// with rootbuild's --base oci:DIR:
//
//	go run ./hack/base SUITE DIR
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/rootbuild/rootbuild/builder/base"
	"github.com/rootbuild/rootbuild/images/oci"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go run ./hack/base SUITE DIR")
		os.Exit(2)
	}
	if err := run(ctx, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "base:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, suite, dir string) error {
	layout, err := oci.OpenLayout(dir)
	if err != nil {
		return err
	}
	digest, err := base.Bootstrap(ctx, layout, base.Options{Suite: suite, Log: os.Stderr})
	if err != nil {
		return err
	}
	_, err = fmt.Println(digest)
	return err
}
