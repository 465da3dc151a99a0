package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/google/renameio/v2"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

type keygenVerb struct{ cli.NoFlags }

func (keygenVerb) Run(_ context.Context, args []string, s cli.Streams) error {
	private, public := args[0]+".key", args[0]+".pub"
	for _, file := range []string{private, public} {
		if _, err := os.Lstat(file); err == nil {
			return cli.UsageErrorf("%s is there already, and keys are not replaced: name another, or move it away", file)
		}
	}
	password, err := keyPassword(true)
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

// keyPassword returns the password of a private key; confirm asks a person for
// it twice.
func keyPassword(confirm bool) ([]byte, error) {
	if password, ok := os.LookupEnv("ROOTBUILD_PASSWORD"); ok {
		return []byte(password), nil
	}
	if password, ok := os.LookupEnv("COSIGN_PASSWORD"); ok {
		return []byte(password), nil
	}
	password, err := cryptoutils.GetPasswordFromStdIn(confirm)
	if err != nil {
		return nil, fmt.Errorf("asking for the password of the key: %w; $ROOTBUILD_PASSWORD may hold it", err)
	}
	return password, nil
}

// readPrivateKey reads a key that keygen, or cosign, wrote.
func readPrivateKey(file string) (*trust.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, cli.UsageErrorf("reading the key: %w", err)
	}
	password, err := keyPassword(false)
	if err != nil {
		return nil, err
	}
	key, err := trust.ParsePrivateKey(text, password)
	if err != nil {
		return nil, cli.UsageErrorf("reading the key %s: %w", file, err)
	}
	return key, nil
}
