package flags

import (
	"fmt"
	"os"

	"github.com/sigstore/sigstore/pkg/cryptoutils"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/images/trust"
)

// KeyPassword returns the password of a private key, from the environment or from a
// person, who is asked twice to confirm it.
func KeyPassword(confirm bool) ([]byte, error) {
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

// ReadPrivateKey reads the file of a key that keygen, or cosign, wrote.
func ReadPrivateKey(file string) (*trust.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, cli.UsageErrorf("reading the key: %w", err)
	}
	password, err := KeyPassword(false)
	if err != nil {
		return nil, err
	}
	key, err := trust.ParsePrivateKey(text, password)
	if err != nil {
		return nil, cli.UsageErrorf("reading the key %s: %w", file, err)
	}
	return key, nil
}
