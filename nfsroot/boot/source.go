package boot

import (
	"fmt"
	"net"
	"strings"
)

// gateway is this host as a machine in QEMU's user network sees it.
const gateway = "10.0.2.2"

// source is where the machine mounts its root from.
type source struct {
	root    string // SERVER:PATH,OPTIONS as the kernel's command line has it
	address string // of the NFS server, for this host
}

// source says where the root is: on our own server, or on the one that NFS names.
func (b *boot) source() (source, error) {
	if b.server != nil {
		return source{root: fmt.Sprintf("%s:%s,port=%d", gateway, b.Root, b.server.Port), address: b.server.Address()}, nil
	}
	host, path, ok := strings.Cut(b.NFS, ":")
	if !ok || host == "" || !strings.HasPrefix(path, "/") {
		return source{}, fmt.Errorf("NFS root %q: it reads SERVER:PATH, with an absolute path", b.NFS)
	}
	port := "2049"
	for _, option := range strings.Split(path, ",")[1:] {
		if value, ok := strings.CutPrefix(option, "port="); ok {
			port = value
		}
	}
	addresses, err := net.LookupHost(host)
	if err != nil {
		return source{}, fmt.Errorf("NFS root %s: %w", b.NFS, err)
	}
	seen := addresses[0]
	if ip := net.ParseIP(seen); ip.IsLoopback() {
		seen = gateway
	}
	return source{root: seen + ":" + path, address: net.JoinHostPort(addresses[0], port)}, nil
}

// words is the kernel's command line. The short time-out of NFS makes the
// kernel say early that a server is silent; it goes on trying all the same.
func (s source) words(overlay bool) []string {
	words := []string{"console=ttyS0", "printk.time=1", "panic=5", "rootbuild.wait=40", "ip=dhcp", "nfsroot=" + s.root + ",timeo=100,retrans=2"}
	if overlay {
		words = append(words, "rootbuild.overlay=tmpfs")
	}
	return words
}
