package registry_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/registry"
)

// auths is a file of credentials, in which the user of each key is USER.
func auths(keys ...string) string {
	var entries []string
	for _, k := range keys {
		key, user, _ := strings.Cut(k, "=")
		entries = append(entries, fmt.Sprintf("%q: {\"auth\": %q}", key, base64.StdEncoding.EncodeToString([]byte(user+":secret"))))
	}
	return `{"auths": {` + strings.Join(entries, ", ") + `}}`
}

// Files are asked in the order of containers-auth.json(5), and of a file the longest
// namespace counts.
func TestCredentialFiles(t *testing.T) {
	const run, home, docker, named = "run/containers/auth.json", "home/.config/containers/auth.json", "home/.docker/config.json", "named.json"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string // user
	}{
		{"none", nil, ""},
		{"podman's alone", map[string]string{run: auths("example.org=podman")}, "podman"},
		{"podman's before docker's", map[string]string{run: auths("example.org=podman"), docker: auths("example.org=docker")}, "podman"},
		{"docker's, where podman's has none for the host", map[string]string{run: auths("other.org=podman"), docker: auths("example.org=docker")}, "docker"},
		{"the named one before all", map[string]string{named: auths("example.org=named"), run: auths("example.org=podman"), docker: auths("example.org=docker")}, "named"},
		{"docker's beside a named one without the host", map[string]string{named: auths("other.org=x"), docker: auths("example.org=docker")}, "docker"},
		{"the home's", map[string]string{home: auths("example.org=home"), docker: auths("example.org=docker")}, "home"},
		{"the longest namespace", map[string]string{run: auths("example.org=host", "example.org/roots=space", "example.org/roots/site=whole", "example.org/roots/site/x=below", "example.org/root=beside")}, "whole"},
		{"a namespace", map[string]string{run: auths("example.org=host", "example.org/roots=space", "example.org/other=other")}, "space"},
		{"the host, for no namespace fits", map[string]string{run: auths("example.org=host", "example.org/other=other", "example.org/root=beside")}, "host"},
		{"only other namespaces", map[string]string{run: auths("example.org/other=other", "example.org/root=beside")}, ""},
		{"a host that begins so", map[string]string{run: auths("example.org.evil=evil", "example.org:5000=port")}, ""},
		{"an address of docker's", map[string]string{docker: auths("https://example.org/v1/=docker")}, "docker"},
		{"the host in upper case", map[string]string{docker: auths("EXAMPLE.org=docker")}, "docker"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("HOME", filepath.Join(dir, "home"))
			t.Setenv("XDG_CONFIG_HOME", "")
			t.Setenv("DOCKER_CONFIG", "")
			t.Setenv("XDG_RUNTIME_DIR", filepath.Join(dir, "run"))
			t.Setenv("REGISTRY_AUTH_FILE", "")
			for file, text := range tt.files {
				path := filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				imagetest.Write(t, path, text)
				if file == named {
					t.Setenv("REGISTRY_AUTH_FILE", path)
				}
			}
			for range 5 { // an order that follows a map differs sometimes
				if got := userOf(t, "example.org/roots/site"); got != tt.want {
					t.Errorf("user %q, want %q", got, tt.want)
				}
			}
		})
	}
}

func userOf(t *testing.T, repository string) string {
	t.Helper()
	r, err := name.NewRepository(repository)
	if err != nil {
		t.Fatal(err)
	}
	found, err := registry.Credentials.Resolve(r)
	if err != nil {
		t.Fatal(err)
	}
	config, err := authn.Authorization(t.Context(), found)
	if err != nil {
		t.Fatal(err)
	}
	if config.Username != "" && config.Password != "secret" {
		t.Errorf("password %q", config.Password)
	}
	return config.Username
}

// A file that is named, and one that is no JSON, are not passed over.
func TestCredentialFilesBroken(t *testing.T) {
	dir := t.TempDir()
	r, err := name.NewRepository("example.org/roots/site")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "auth.json")
	t.Setenv("REGISTRY_AUTH_FILE", file)
	if _, err := registry.Credentials.Resolve(r); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a named file that is not there: %v", err)
	}
	imagetest.Write(t, file, "{")
	if _, err := registry.Credentials.Resolve(r); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file that is no JSON: %v", err)
	}
}
