package leaks_test

import (
	"archive/tar"
	"bytes"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootbuild/rootbuild/images/leaks"
)

const pem = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n-----END OPENSSH PRIVATE KEY-----\n"

func TestSecrets(t *testing.T) {
	for _, c := range []struct {
		name string
		file member
		want string
	}{
		{"OpenSSH key", file("root/id", pem), "a private key"},
		{"PEM key after a text", file("etc/ssl/site.pem", "a certificate\n-----BEGIN RSA PRIVATE KEY-----\r\nMIIE\n"), "a private key"},
		{"PGP key", file("root/key", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ\n"), "a private key"},
		{"dropbear key", file("root/.ssh/id_dropbear", "\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x40secret"), "a private key"},
		{"host key by its name", file("etc/ssh/ssh_host_rsa_key", "anything"), "the key of a host"},
		{"dropbear's host key by its name", file("etc/dropbear/dropbear_ed25519_host_key", "anything"), "the key of a host"},
		{"hard link to a host key", link(tar.TypeLink, "etc/ssh/ssh_host_rsa_key", "etc/a"), "the key of a host"},
		{"machine id", file("etc/machine-id", "0123456789abcdef0123456789abcdef\n"), "the identity of a machine"},
		{"random seed", file("var/lib/systemd/random-seed", "seed"), "a random seed"},
		{"hash in shadow", file("etc/shadow", "root:*:1::::::\nada:$6$salt$hash:1::::::\n"), `the password hash of "ada"`},
		{"hash in passwd", file("etc/passwd", "root:ab01FAX.bQRSU:0:0::/:/bin/sh\n"), `the password hash of "root"`},
		{"hash in gshadow", file("etc/gshadow", "wheel:$6$salt$hash::\n"), `the password hash of "wheel"`},
		{"no password", file("etc/shadow", "root::1::::::\n"), `no password for "root", where * would lock the account`},

		{"locked accounts", file("etc/shadow", "root:*:1::::::\nada:!:1::::::\nbob:!!:1::::::\neve:!*:1::::::\n"), ""},
		{"passwd", file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"), ""},
		{"public key", file("root/.ssh/authorized_keys", "ssh-ed25519 AAAA admin\n"), ""},
		{"public host key", file("etc/ssh/ssh_host_rsa_key.pub", "ssh-rsa AAAA\n"), ""},
		{"certificate", file("etc/ssl/ca.pem", "-----BEGIN CERTIFICATE-----\nMIIE\n"), ""},
		{"program that reads keys", file("usr/bin/ssh-keygen", "\x7fELF\x00\n"+pem+"\x00"), ""},
		{"text about keys", file("usr/share/keys", "it begins with -----BEGIN PRIVATE KEY-----\n"), ""},
		{"empty machine id", file("etc/machine-id", ""), ""},
		{"machine id elsewhere", link(tar.TypeSymlink, "etc/machine-id", "../run/machine-id"), ""},
		{"program of such a name", file("usr/bin/machine-id", "#!/bin/sh\n"), ""},
		{"service of such a name", file("etc/init.d/machine-id", "#!/bin/sh\n"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := leaks.Secrets(pack(t, c.file))
			if err != nil {
				t.Fatal(err)
			}
			var want []leaks.Secret
			if c.want != "" {
				want = []leaks.Secret{{Path: c.file.Name, What: c.want}}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("secrets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSecretsOfADamagedLayer(t *testing.T) {
	if _, err := leaks.Secrets(io.LimitReader(pack(t, file("a", "content")), 100)); err == nil {
		t.Error("no error")
	}
}

// member is an entry of a layer.
type member struct {
	tar.Header
	content string
}

func file(name, content string) member {
	return member{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))}, content}
}

func link(typ byte, name, to string) member {
	return member{tar.Header{Typeflag: typ, Name: name, Linkname: to}, ""}
}

func pack(t *testing.T, members ...member) io.Reader {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, m := range members {
		if err := w.WriteHeader(&m.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, m.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &buf
}
