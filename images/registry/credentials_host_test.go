package registry_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/registry"
)

// noCredentials makes an empty home, and returns it.
func noCredentials(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	for _, name := range []string{"REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG"} {
		t.Setenv(name, "")
	}
	return home
}

// Root's login without a session is below /run/containers. The test goes on in a
// process that has a /run of its own.
func TestCredentialsWithoutSession(t *testing.T) {
	const inside = "ROOTBUILD_TEST_RUN"
	if os.Getenv(inside) == "" {
		cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), inside+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	noCredentials(t)
	if err := syscall.Mount("tmpfs", "/run", "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	imagetest.Write(t, fmt.Sprintf("/run/containers/%d/auth.json", os.Getuid()), auths("example.org=root"))
	if got := userOf(t, "example.org/a"); got != "root" {
		t.Errorf("user %q, want root", got)
	}
}

// Helpers are asked for their hosts, and a store for what no entry has.
func TestCredentialsOfHelpers(t *testing.T) {
	home := noCredentials(t)
	programs := t.TempDir()
	t.Setenv("PATH", programs+":"+os.Getenv("PATH"))
	for _, helper := range []string{"site", "store"} {
		imagetest.Write(t, filepath.Join(programs, "docker-credential-"+helper), "#!/bin/sh\nread host\n"+
			`[ "$host" = none.example.org ] && { echo credentials not found in native keychain; exit 1; }`+"\n"+
			`echo '{"ServerURL": "x", "Username": "`+helper+`-'"$host"'", "Secret": "secret"}'`+"\n")
		if err := os.Chmod(filepath.Join(programs, "docker-credential-"+helper), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(home, ".docker/config.json")
	imagetest.Write(t, config, `{"auths": {"example.org": {}, "plain.example.org": {"username": "plain", "password": "secret"}},
		"credHelpers": {"site.example.org": "site", "lost.example.org": "lost"}, "credsStore": "store"}`)
	for repository, user := range map[string]string{
		"site.example.org/a": "site-site.example.org", "example.org/a": "store-example.org", "plain.example.org/a": "plain", "none.example.org/a": "",
	} {
		if got := userOf(t, repository); got != user {
			t.Errorf("%s: user %q, want %q", repository, got, user)
		}
	}
	repo, err := name.NewRepository("lost.example.org/a")
	if err != nil {
		t.Fatal(err)
	}
	_, err = registry.Credentials.Resolve(repo)
	imagetest.WantError(t, err, config+": asking docker-credential-lost for lost.example.org: ")
}

// Docker's registry has an address beside its name, and files know it by either.
func TestCredentialsOfHub(t *testing.T) {
	file := filepath.Join(noCredentials(t), "auth.json")
	t.Setenv("REGISTRY_AUTH_FILE", file)
	imagetest.Write(t, file, auths("https://index.docker.io/v1/=hub", "docker.io/site=site"))
	for repository, user := range map[string]string{"docker.io/library/x": "hub", "docker.io/site/x": "site"} {
		if got := userOf(t, repository); got != user {
			t.Errorf("%s: user %q, want %q", repository, got, user)
		}
	}
}
