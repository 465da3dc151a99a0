package boot

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"

	"golang.org/x/crypto/ssh"
)

// key is a key pair for one boot, by which root logs in.
type key struct {
	signer     ssh.Signer
	authorized []byte // as authorized_keys has it
	file       string // the private half
}

// newKey makes a key pair and keeps the private half in file, for a person who
// wants to log in too.
func newKey(file string) (key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return key{}, fmt.Errorf("making a key: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return key{}, fmt.Errorf("making a key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "rootbuild boot")
	if err != nil {
		return key{}, fmt.Errorf("making a key: %w", err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		return key{}, fmt.Errorf("writing the key: %w", err)
	}
	return key{signer: signer, authorized: ssh.MarshalAuthorizedKey(signer.PublicKey()), file: file}, nil
}
