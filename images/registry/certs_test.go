package registry_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
)

// clientPair writes a certificate and its key, and returns the certificate.
func clientPair(t *testing.T, base string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	raw, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	imagetest.Write(t, base+".cert", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})))
	imagetest.Write(t, base+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// The certificates of a registry are those that podman and Docker keep for it, of who
// it is and of who we are. Where it sends its clients nobody learns who we are.
func TestPullCertDirs(t *testing.T) {
	host := startRegistry(t, "")
	from, h := imagetest.NodeImage(t, 1)
	pushTo(t, from, h, host+"/roots/site:1")
	dirs := t.TempDir()
	client := clientPair(t, filepath.Join(dirs, "client"))
	pool := x509.NewCertPool()
	pool.AddCert(client)
	s := httptest.NewUnstartedServer(&proxy{to: host})
	s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	s.StartTLS()
	t.Cleanup(s.Close)
	address := strings.TrimPrefix(s.URL, "https://")
	ref := imagetest.Reference(t, address+"/roots/site:1")
	o := impatient()
	o.PlainHTTP, o.CertDirs = false, []string{filepath.Join(dirs, "none"), dirs}
	pull := func() error {
		_, err := registry.Pull(t.Context(), imagetest.NewLayout(t), ref, trust.Unverified, o)
		return err
	}
	imagetest.WantError(t, pull(), "certificate signed by unknown authority")
	own := filepath.Join(dirs, address)
	if err := os.Mkdir(own, 0o755); err != nil {
		t.Fatal(err)
	}
	imagetest.Write(t, filepath.Join(own, "ca.crt"), "none")
	imagetest.WantError(t, pull(), filepath.Join(own, "ca.crt")+" holds no certificate")
	imagetest.Write(t, filepath.Join(own, "ca.crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	imagetest.WantError(t, pull(), "certificate required")
	for _, ext := range []string{".cert", ".key"} {
		if err := os.Rename(filepath.Join(dirs, "client"+ext), filepath.Join(own, "client"+ext)); err != nil {
			t.Fatal(err)
		}
	}
	if err := pull(); err != nil {
		t.Error(err)
	}

	// Another host that wants to know who we are.
	asked, told := false, false
	other := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked, told = true, told || len(r.TLS.PeerCertificates) > 0
	}))
	other.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	other.StartTLS()
	t.Cleanup(other.Close)
	s.Config.Handler = &proxy{to: host, spoil: func(w http.ResponseWriter, r *http.Request, a answer) bool {
		if strings.Contains(r.URL.Path, "/blobs/") {
			redirect(other.URL)(w, r, a)
			return true
		}
		return false
	}}
	if err := pull(); err == nil || !asked || told {
		t.Errorf("redirected: %v, and the other host was asked: %t, told who we are: %t", err, asked, told)
	}
	if err := os.Remove(filepath.Join(own, "client.key")); err != nil {
		t.Fatal(err)
	}
	imagetest.WantError(t, pull(), "client.cert with client.key")
}
