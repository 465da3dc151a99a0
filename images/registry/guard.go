package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/rootbuild/rootbuild/images/oci"
)

const (
	connectTime  = 30 * time.Second
	maxRedirects = 10
)

// guard lets requests through to where a registry may send its clients. It sees
// each of them: redirects, token services and uploads to another place too.
type guard struct {
	registry string // HOST[:PORT], as the reference has it
	plain    bool
	inner    *http.Transport
	others   *http.Transport // for where it sends its clients: they do not learn who we are
	proxies  sync.Map        // hosts of the proxies in use
}

// refusedError says where a request was not sent, and why.
type refusedError struct{ to, why string }

// Error implements error.
func (e *refusedError) Error() string { return fmt.Sprintf("%s is refused: %s", e.to, e.why) }

func newGuard(registry string, plain bool, config *tls.Config) *guard {
	g := &guard{registry: registry, plain: plain}
	g.inner = &http.Transport{
		Proxy:               g.proxy,
		DialContext:         g.dial,
		TLSHandshakeTimeout: connectTime,
		TLSClientConfig:     config,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: oci.Parallel,
		// Blobs are compressed, and their digest is that of what travels.
		DisableCompression: true,
	}
	g.others = g.inner.Clone()
	g.others.TLSClientConfig.Certificates = nil
	return g
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if g.plain && req.URL.Host == g.registry && req.URL.Scheme == "https" {
		// The first question of the client library is always by https.
		req = req.Clone(req.Context())
		req.URL.Scheme = "http"
	}
	if err := g.check(req.URL); err != nil {
		if req.Body != nil {
			err = errors.Join(err, req.Body.Close())
		}
		return nil, err
	}
	inner := g.others
	if req.URL.Host == g.registry {
		inner = g.inner
	}
	resp, err := inner.RoundTrip(req)
	var tlsErr tls.RecordHeaderError
	if errors.As(err, &tlsErr) && string(tlsErr.RecordHeader[:]) == "HTTP/" {
		err = &refusedError{"plain http to " + req.URL.Host, "it does not answer https; if the network between is trusted, use --plain-http"}
	}
	return resp, err
}

func (g *guard) check(u *url.URL) error {
	switch {
	case u.Scheme == "http" && !g.plain:
		return &refusedError{"plain http to " + u.Host, "only https is spoken without --plain-http"}
	case u.Scheme != "http" && u.Scheme != "https":
		return &refusedError{u.Redacted(), "it is neither https nor http"}
	case g.own(u.Hostname()):
		return nil
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && near(ip) {
		return &refusedError{u.Host, "registry " + g.registry + " may not send its clients to this machine or link"}
	}
	return nil
}

// own says whether the registry itself is on the host.
func (g *guard) own(host string) bool {
	u := url.URL{Host: g.registry}
	return host == u.Hostname()
}

func (g *guard) proxy(req *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(req)
	if u != nil {
		g.proxies.Store(u.Hostname(), true)
	}
	return u, err
}

// dial refuses what a name turns out to be: a name service may be the
// attacker's own.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: connectTime}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if _, proxy := g.proxies.Load(host); !proxy && !g.own(host) {
		d.Control = func(_, to string, _ syscall.RawConn) error {
			if at, err := netip.ParseAddrPort(to); err != nil || near(at.Addr()) {
				return &refusedError{host + " at " + to, "registry " + g.registry + " may not send its clients to this machine or link"}
			}
			return nil
		}
	}
	return d.DialContext(ctx, network, address)
}

// near says whether an address is this machine or its link, where services
// trust whoever reaches them.
func near(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified()
}

func checkRedirect(_ *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	return nil
}
