package nfsroot

import (
	"cmp"
	"fmt"
	"net/netip"
	"path"
	"slices"

	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

// Sources are the places that tell which nodes hold which roots. The zero
// value knows of none.
type Sources struct {
	// Clients is nfsd's directory of NFSv4 clients, and Rmtab mountd's table
	// of NFSv3 mounts. Either is absent where that server does not run.
	Clients string
	Rmtab   string
	// Leases is a directory below which every node keeps a file, named after
	// its address or host name, that says what root it holds. Empty for none.
	Leases string
	// PXE is a directory of boot configuration that may name tags. Empty for
	// none.
	PXE string
	// Others are NFS clients that mount no root.
	Others []netip.Prefix
}

// The sources that a Use may be from.
const (
	SourceClient = "nfsd client"
	SourceRmtab  = "rmtab"
	SourceLease  = "lease"
	SourcePXE    = "pxe"
)

// Use is one holder of a root.
type Use struct {
	By     unpack.Name `json:"by"` // node, or file that names the root
	Source string      `json:"source"`
	// Tag is the root, and empty when it is not known which: then it may be
	// any.
	Tag string `json:"tag,omitempty"`
	// Why says why it is not known.
	Why string `json:"why,omitempty"`
	// Kernel and Digest are what a lease says that the node runs: the release, and the
	// digest of the image.
	Kernel unpack.Name `json:"kernel,omitempty"`
	Digest unpack.Name `json:"digest,omitempty"`
}

// String is the holder for a person.
func (u Use) String() string {
	switch {
	case u.Why != "":
		return fmt.Sprintf("%s (%s, %s)", u.By, u.Source, u.Why)
	case u.Kernel != "":
		return fmt.Sprintf("%s (%s, kernel %s)", u.By, u.Source, u.Kernel)
	}
	return fmt.Sprintf("%s (%s)", u.By, u.Source)
}

// uses asks every source. The tags are those of roots and of what is in the
// trash.
func (v *View) uses(s Sources, tags map[string]bool) ([]Use, error) {
	leases, err := readLeases(s.Leases, tags)
	if err != nil {
		return nil, err
	}
	named, err := readPXE(s.PXE, tags)
	if err != nil {
		return nil, err
	}
	clients, err := readClients(s.Clients)
	if err != nil {
		return nil, err
	}
	mounts, err := readRmtab(s.Rmtab)
	if err != nil {
		return nil, err
	}
	list := slices.Concat(leases, named)
	for _, c := range clients {
		if !c.among(s.Others) && !c.hasLease(leases) {
			list = append(list, Use{By: unpack.Name(c.String()), Source: SourceClient, Why: c.why()})
		}
	}
	exported, err := v.exported(tags)
	if err != nil {
		return nil, err
	}
	for _, m := range mounts {
		if use, ok := m.use(exported); ok && !m.among(s.Others) && (use.Tag != "" || !m.hasLease(leases)) {
			list = append(list, use)
		}
	}
	slices.SortFunc(list, func(a, b Use) int {
		return cmp.Or(cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.Source, b.Source), cmp.Compare(a.By, b.By))
	})
	return slices.Compact(list), nil
}

// why says why a client may hold any root.
func (h host) why() string {
	if h.silent {
		return "which is silent, and may be off: nfsd forgets it after a day; no lease says what it mounted"
	}
	return "of which no lease says what it mounts"
}

// hasLease says whether a client keeps a lease.
func (h host) hasLease(leases []Use) bool {
	return slices.ContainsFunc(leases, func(u Use) bool { return u.By != "" && h.named(path.Base(string(u.By))) })
}

// use says what a mount by NFSv3 holds, if it can be a root of the store.
func (m mount) use(e exported) (Use, bool) {
	use := Use{By: unpack.Name(m.String()), Source: SourceRmtab}
	use.Tag, use.Why = e.holds(path.Clean(m.path))
	return use, use.Tag != "" || use.Why != ""
}
