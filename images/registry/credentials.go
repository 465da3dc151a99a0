package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/types"
	"github.com/docker/docker-credential-helpers/client"
	"github.com/docker/docker-credential-helpers/credentials"
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/rootbuild/rootbuild/images/oci"
)

// Credentials finds credentials as containers-auth.json(5) has it: in the files of
// podman login, skopeo login and docker login, of which the first counts that has
// some for the repository, and in it the longest namespace that the repository is
// in. docker/cli, which go-containerregistry asks, takes any entry of the host.
var Credentials authn.Keychain = credentialFiles{}

type credentialFiles struct{}

// Resolve implements authn.Keychain.
func (credentialFiles) Resolve(target authn.Resource) (authn.Authenticator, error) {
	for _, path := range credentialPaths() {
		found, err := resolveIn(path, canonical(target.String()))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if found != (authn.AuthConfig{}) {
			return authn.FromConfig(found), nil
		}
	}
	return authn.Anonymous, nil
}

// authFileVariable names a file that is asked before all others.
const authFileVariable = "REGISTRY_AUTH_FILE"

// credentialPaths returns where credentials may be, the first to be asked first.
func credentialPaths() []string {
	const ofContainers = "containers/auth.json"
	var list []string
	if file := os.Getenv(authFileVariable); file != "" {
		list = append(list, file)
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		list = append(list, filepath.Join(dir, ofContainers))
	}
	list = append(list, fmt.Sprintf("/run/containers/%d/auth.json", os.Getuid()))
	if dir, err := os.UserConfigDir(); err == nil {
		list = append(list, filepath.Join(dir, ofContainers))
	}
	if dir := os.Getenv("DOCKER_CONFIG"); dir != "" {
		list = append(list, filepath.Join(dir, "config.json"))
	} else if home, err := os.UserHomeDir(); err == nil {
		list = append(list, filepath.Join(home, ".docker/config.json"))
	}
	return list
}

// resolveIn returns what a file has for a repository, the zero value if nothing.
func resolveIn(path, repository string) (authn.AuthConfig, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && path != os.Getenv(authFileVariable) {
		return authn.AuthConfig{}, nil
	}
	if err != nil {
		return authn.AuthConfig{}, err
	}
	defer f.Close()
	file, err := config.LoadFromReader(f)
	if err != nil {
		return authn.AuthConfig{}, err
	}
	host, _, _ := strings.Cut(repository, "/")
	if helper := byName(file.CredentialHelpers)[host]; helper != "" {
		return askHelper(helper, host)
	}
	entries := byName(file.AuthConfigs)
	for key := repository; ; {
		if found := authOf(entries[key]); found != (authn.AuthConfig{}) {
			return found, nil
		}
		slash := strings.LastIndexByte(key, '/')
		if slash < 0 {
			break
		}
		key = key[:slash]
	}
	if file.CredentialsStore != "" {
		return askHelper(file.CredentialsStore, host)
	}
	return authn.AuthConfig{}, nil
}

// byName returns the entries of a file by their canonical names. One that is written
// as such comes before one that older programs wrote as an address.
func byName[V any](entries map[string]V) map[string]V {
	named := map[string]V{}
	for _, key := range slices.Backward(slices.Sorted(maps.Keys(entries))) {
		k := canonical(key)
		if _, taken := named[k]; !taken || k == key {
			named[k] = entries[key]
		}
	}
	return named
}

// hub is what oci.CanonicalRepository calls Docker's registry, which helpers know by
// an address.
const hub = "docker.io"

// canonical returns HOST[:PORT][/NAMESPACE]. An address has a path that is none of
// registries' names, and means the host.
func canonical(key string) string {
	for _, scheme := range []string{"https://", "http://"} {
		if address, ok := strings.CutPrefix(key, scheme); ok {
			key, _, _ = strings.Cut(address, "/")
		}
	}
	return oci.CanonicalRepository(key)
}

func authOf(c types.AuthConfig) authn.AuthConfig {
	return authn.AuthConfig{Username: c.Username, Password: c.Password, Auth: c.Auth, IdentityToken: c.IdentityToken, RegistryToken: c.RegistryToken}
}

// askHelper runs a credential helper. Helpers know hosts, and no namespaces.
func askHelper(helper, host string) (authn.AuthConfig, error) {
	program := "docker-credential-" + helper
	if host == hub {
		host = authn.DefaultAuthKey
	}
	found, err := client.Get(client.NewShellProgramFunc(program), host)
	switch {
	case credentials.IsErrCredentialsNotFound(err):
		return authn.AuthConfig{}, nil
	case err != nil:
		return authn.AuthConfig{}, fmt.Errorf("asking %s for %s: %w", program, host, err)
	case found.Username == "<token>":
		return authn.AuthConfig{IdentityToken: found.Secret}, nil
	}
	return authn.AuthConfig{Username: found.Username, Password: found.Secret}, nil
}
