package oci_test

import (
	"archive/tar"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/oci/ocitest"
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
			l := ocitest.NewLayout(t)
			members := []member{c.file}
			if c.file.Typeflag == tar.TypeLink {
				members = append(members, file("etc/a", "anything"))
			}
			got, err := l.Secrets(writeLayer(t, l, members...))
			if err != nil {
				t.Fatal(err)
			}
			var want []oci.Secret
			if c.want != "" {
				want = []oci.Secret{{Path: c.file.Name, What: c.want}}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("secrets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSecretsOfADamagedLayer(t *testing.T) {
	l := ocitest.NewLayout(t)
	if _, err := l.Secrets(oci.Layer{}); err == nil {
		t.Error("a missing layer has no secrets")
	}
}
