// Package registry moves images, what is attached to them, and sets of files
// between registries and layouts.
//
// A registry is not trusted: each byte is checked against the digest that named it,
// and a pull takes the policy that decides whether an image is wanted. It is spoken
// to by https, and cannot send its clients to this machine.
package registry

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// Options say how registries are spoken to. The zero value is https
// with the host's certificates and credentials.
type Options struct {
	// PlainHTTP speaks http, without it only https is spoken, on loopback too.
	PlainHTTP bool
	// RootCAs are whom https trusts, by default the host's.
	RootCAs *x509.CertPool
	// CertDirs have certificates of registries, in directories HOST[:PORT]. The default
	// is those of podman and Docker.
	CertDirs []string
	// Mirrors, each HOST[:PORT][/PREFIX], are asked in their order before the
	// registry itself for all that a digest names.
	Mirrors []string
	// Hosts are registries that are spoken to in a way of their own, by HOST[:PORT].
	Hosts map[string]Host
	// Keychain finds credentials. The default is Credentials.
	Keychain authn.Keychain
	// Stall is how long a connection may move nothing. The default is a
	// minute, and five for Push.
	Stall time.Duration
	// Pause is how long to wait before the second try; it doubles for each
	// further one. The default is a second.
	Pause time.Duration
	// Progress, when set, is told of every object that moves. It is called
	// from several goroutines at once.
	Progress func(Transfer)
}

// Transfer tells how far an object of an image has moved.
type Transfer struct {
	Object      string // "layer sha256:..." and the like
	Done, Total int64  // bytes
	Note        string // what went wrong, before it is tried again
}

func (o Options) withDefaults() Options {
	if o.Keychain == nil {
		o.Keychain = Credentials
	}
	if o.CertDirs == nil {
		o.CertDirs = certDirs()
	}
	if o.Stall <= 0 {
		o.Stall = defaultStall
	}
	if o.Pause <= 0 {
		o.Pause = defaultPause
	}
	if o.Progress == nil {
		o.Progress = func(Transfer) {}
	}
	return o
}

// Check refuses mirrors that are none.
func (o Options) Check() error {
	var errs []error
	for _, m := range o.Mirrors {
		if _, err := mirrorOf(m, "repository"); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// mirrorOf returns where a mirror keeps a repository.
func mirrorOf(mirror, repository string) (name.Repository, error) {
	repo, err := name.NewRepository(strings.TrimSuffix(mirror, "/")+"/"+repository, name.StrictValidation)
	if err != nil {
		return name.Repository{}, fmt.Errorf("mirror %q: %w; want HOST[:PORT][/PREFIX]", mirror, err)
	}
	return repo, nil
}
