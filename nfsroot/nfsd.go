package nfsroot

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// host is a client of the NFS server.
type host struct {
	address string // empty when only the name is known
	name    string // empty when only the address is known
	id      string // that a node gave the NFSv4 client of its kernel, or empty
	silent  bool   // its lease of NFSv4 ran out, and nfsd keeps it for a day as a courtesy
}

// String prefers the name, and adds the address.
func (h host) String() string {
	switch {
	case h.name == "":
		return h.address
	case h.address == "":
		return h.name
	}
	return h.name + " " + h.address
}

// named says whether a lease of this name is the client's: it is its address, its
// host name, its id, or the address of its card, with which the id of a node ends.
func (h host) named(lease string) bool {
	if mac, err := net.ParseMAC(lease); err == nil && strings.HasSuffix(h.id, mac.String()) {
		return true
	}
	return slices.Contains([]string{h.address, h.name, h.id}, lease)
}

func (h host) among(prefixes []netip.Prefix) bool {
	address, err := netip.ParseAddr(h.address)
	return err == nil && slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(address.Unmap()) })
}

// readClients reads nfsd's list of NFSv4 clients. It tells who they are, and
// not what they mount.
func readClients(dir string) ([]host, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading nfsd's clients: %w", err)
	}
	var list []host
	for _, e := range entries {
		info, err := os.ReadFile(filepath.Join(dir, e.Name(), "info"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it left meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("reading nfsd's client %s: %w", e.Name(), err)
		}
		list = append(list, parseClient(e.Name(), string(info)))
	}
	return list, nil
}

// parseClient reads lines such as these, and knows a client by its number in
// the list if they say nothing:
//
//	address: "192.0.2.7:873"
//	status: confirmed
//	name: "Linux NFSv4.2 52:54:00:12:34:56/node7"
func parseClient(number, info string) host {
	var h host
	for line := range strings.Lines(info) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if key == "status" {
			h.silent = value == "courtesy" || value == "expirable"
			continue
		}
		value, err := strconv.Unquote(value)
		if err != nil {
			continue
		}
		switch key {
		case "address":
			h.address = value
			if a, err := netip.ParseAddrPort(value); err == nil {
				h.address = a.Addr().Unmap().String()
			}
		case "name":
			h.id, h.name = parseOwner(value)
		}
	}
	if h.address == "" && h.name == "" {
		h.name = "client " + number
	}
	return h
}

// parseOwner reads the name by which the NFSv4 client of a Linux kernel calls itself,
// with or without the id that the node gave it:
//
//	Linux NFSv4.2 ID/HOSTNAME
//	Linux NFSv4.0 HOSTNAME/ID/SERVER
func parseOwner(owner string) (id, name string) {
	words := strings.Fields(owner)
	if len(words) == 0 {
		return "", ""
	}
	parts := strings.Split(words[len(words)-1], "/")
	switch ofServer := len(words) > 1 && words[len(words)-2] == "NFSv4.0"; {
	case ofServer && len(parts) == 3:
		id, name = parts[1], parts[0]
	case ofServer || len(parts) == 1:
		name = parts[0]
	default:
		id, name = parts[0], parts[len(parts)-1]
	}
	if name == "(none)" || name == "localhost" {
		name = "" // those that nobody named are all called so
	}
	return id, name
}

// mount is a line of rmtab.
type mount struct {
	host
	path string
}

// readRmtab reads mountd's table of who mounted what by NFSv3. Lines of hosts
// that were switched off stay in it: it says too much rather than too little.
func readRmtab(file string) ([]mount, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading NFSv3 mounts: %w", err)
	}
	var list []mount
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		// HOST:PATH:COUNT, and an address of IPv6 has colons of its own.
		text := lines.Text()
		count := strings.LastIndexByte(text, ':')
		at := strings.Index(text, ":/")
		if count <= at || at < 1 {
			if strings.TrimSpace(text) == "" {
				continue
			}
			return nil, fmt.Errorf("%s:%d: %q is not HOST:PATH:COUNT: mend or remove the line", file, n, text)
		}
		m := mount{path: text[at+1 : count]}
		if address, err := netip.ParseAddr(text[:at]); err == nil {
			m.address = address.Unmap().String()
		} else {
			m.name = text[:at]
		}
		list = append(list, m)
	}
	return list, lines.Err()
}
