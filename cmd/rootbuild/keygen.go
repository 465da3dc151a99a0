package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/google/renameio/v2"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/images/trust"
)

type keygenVerb struct{ cli.NoFlags }

func (keygenVerb) Run(_ context.Context, args []string, s cli.Streams) error {
	private, public := args[0]+".key", args[0]+".pub"
	for _, file := range []string{private, public} {
		if _, err := os.Lstat(file); err == nil {
			return cli.UsageErrorf("%s is there already, and keys are not replaced: name another, or move it away", file)
		}
	}
	password, err := flags.KeyPassword(true)
	if err != nil {
		return err
	}
	privateText, publicText, err := trust.GenerateKey(password)
	if err != nil {
		return err
	}
	err = errors.Join(
		renameio.WriteFile(private, privateText, 0o600),
		renameio.WriteFile(public, publicText, 0o644),
	)
	if err != nil {
		return fmt.Errorf("writing the key pair: %w", err)
	}
	_, err = fmt.Fprintln(s.Out, public)
	return err
}
