package leaks

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Secret is a file that no image may hold: every host that can mount a root
// reads all of it, and all nodes would share it.
type Secret struct {
	Path string // of the layer, without a leading slash
	What string // such as "a private key"
}

// Secrets reads the tar of a layer and returns its private keys, password hashes,
// random seeds and machine ids, in the order of the tar.
func Secrets(layer io.Reader) ([]Secret, error) {
	var found []Secret
	for in := tar.NewReader(layer); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		what, err := secret(h, in)
		if err != nil {
			return nil, err
		}
		if what != "" {
			found = append(found, Secret{path.Clean(h.Name), what})
		}
	}
}

// secret says what of an entry must stay secret, or nothing.
func secret(h *tar.Header, content io.Reader) (string, error) {
	empty := h.Typeflag == tar.TypeReg && h.Size == 0
	if (h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeLink) || empty {
		return "", nil
	}
	if what := secretName(path.Clean(h.Name)); what != "" {
		return what, nil
	}
	// Keys and lists of accounts are small.
	if h.Size > 1<<20 {
		return "", nil
	}
	text, err := io.ReadAll(content)
	if err != nil {
		return "", err
	}
	switch path.Clean("/" + h.Name) {
	case "/etc/passwd", "/etc/passwd-", "/etc/shadow", "/etc/shadow-", "/etc/group", "/etc/group-", "/etc/gshadow", "/etc/gshadow-":
		return secretAccount(text), nil
	}
	if isPrivateKey(text) {
		return "a private key", nil
	}
	return "", nil
}

// secretNames are names of files that hold a secret, whatever is in them.
var secretNames = []struct{ pattern, what string }{
	{"ssh_host_*_key", "the key of a host"},
	{"dropbear_*_host_key", "the key of a host"},
	{"machine-id", "the identity of a machine"},
	{"random-seed", "a random seed"},
	{"seed.credit", "a random seed"},
	{"seed.no-credit", "a random seed"},
}

func secretName(name string) string {
	for _, s := range secretNames {
		if ok, _ := path.Match(s.pattern, path.Base(name)); ok && isState(name) {
			return s.what
		}
	}
	return ""
}

// isState reports whether a path is of a machine: a program or a service may
// well be called machine-id or random-seed.
func isState(name string) bool {
	if strings.HasPrefix(name, "etc/init.d/") {
		return false
	}
	return strings.HasPrefix(name, "etc/") || strings.HasPrefix(name, "var/") || strings.HasPrefix(name, "root/")
}

// secretAccount says which account has a password that is not locked.
func secretAccount(text []byte) string {
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimRight(line, "\n"), ":")
		if len(fields) < 2 || strings.HasPrefix(line, "#") {
			continue
		}
		switch password := fields[1]; {
		case password == "x" || password != "" && strings.Trim(password, "*!") == "":
		case password == "":
			return fmt.Sprintf("no password for %q, where * would lock the account", fields[0])
		default:
			return fmt.Sprintf("the password hash of %q", fields[0])
		}
	}
	return ""
}

var (
	pemKey = regexp.MustCompile(`(?m)^-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----\r?$`)
	// Dropbear writes the length of the type, the type, and then the numbers.
	dropbearTypes = []string{"ssh-rsa", "ssh-dss", "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"}
)

// isPrivateKey reports whether a file is a private key. A program that reads
// keys holds the same words, between zeros.
func isPrivateKey(content []byte) bool {
	isDropbear := func(name string) bool {
		return bytes.HasPrefix(content, append([]byte{0, 0, 0, byte(len(name))}, name...))
	}
	if slices.ContainsFunc(dropbearTypes, isDropbear) {
		return true
	}
	return !bytes.Contains(content, []byte{0}) && pemKey.Match(content)
}
