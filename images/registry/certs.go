package registry

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// certDirs returns where podman, skopeo and Docker look for certificates of a registry,
// each in a directory HOST[:PORT] (containers-certs.d(5)). The first that is there counts.
func certDirs() []string {
	var dirs []string
	if home, err := os.UserConfigDir(); err == nil {
		dirs = append(dirs, filepath.Join(home, "containers/certs.d"))
	}
	return append(dirs, "/etc/containers/certs.d", "/etc/docker/certs.d")
}

// tls returns how to speak https with a registry: whom to trust, and who we are.
func (o Options) tls(registry string) (_ *tls.Config, err error) {
	config := &tls.Config{RootCAs: o.RootCAs}
	if ca := o.host(registry).CA; ca != "" {
		if config.RootCAs, err = WithCA(o.RootCAs, ca); err != nil {
			return nil, fmt.Errorf("reading the certificates of %s: %w", registry, err)
		}
	}
	for _, dir := range o.CertDirs {
		dir = filepath.Join(dir, registry)
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		for _, e := range entries {
			if err == nil {
				err = addCert(config, filepath.Join(dir, e.Name()))
			}
		}
		if err != nil {
			return nil, fmt.Errorf("reading the certificates of %s: %w", registry, err)
		}
		break
	}
	return config, nil
}

// addCert adds what a file of such a directory is by its name: the certificate of an
// authority, or one of ours with its key. Others are passed over.
func addCert(config *tls.Config, file string) (err error) {
	switch filepath.Ext(file) {
	case ".crt":
		config.RootCAs, err = WithCA(config.RootCAs, file)
		return err
	case ".cert":
		key := strings.TrimSuffix(file, ".cert") + ".key"
		pair, err := tls.LoadX509KeyPair(file, key)
		if err != nil {
			return fmt.Errorf("%s with %s: %w", file, filepath.Base(key), err)
		}
		config.Certificates = append(config.Certificates, pair)
	}
	return nil
}
