package flags

import (
	"net/netip"
	"time"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/spf13/cobra"
)

// Use says who tells which roots are in use.
type Use struct {
	clients string
	rmtab   string
	leases  string
	pxe     string
	others  []string
}

// AddFlags adds the flags of every verb that may remove roots, or say which would go.
func (o *Use) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.clients, "nfsd-clients", "/proc/fs/nfsd/clients", "`directory` where nfsd lists its NFSv4 clients")
	f.StringVar(&o.rmtab, "rmtab", "/var/lib/nfs/rmtab", "`file` where mountd lists NFSv3 mounts")
	f.StringVar(&o.leases, "leases", "", "`directory` of the leases that nodes write (see docs/store.md)")
	f.StringVar(&o.pxe, "pxe", "", "`directory` of boot configuration that may name tags")
	f.StringArrayVar(&o.others, "other-client", nil, "`address`, or prefix such as 192.0.2.0/24, of NFS clients that mount no root; may be given again")
}

// Sources reads the values of the flags.
func (o Use) Sources() (nfsroot.Sources, error) {
	list := nfsroot.Sources{Clients: o.clients, Rmtab: o.rmtab, Leases: o.leases, PXE: o.pxe}
	for _, text := range o.others {
		prefix, err := parsePrefix(text)
		if err != nil {
			return nfsroot.Sources{}, cli.UsageErrorf("--other-client %q: it is no address and no prefix", text)
		}
		list.Others = append(list.Others, prefix)
	}
	return list, nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return address.Prefix(address.BitLen())
	}
	return netip.ParsePrefix(text)
}

// Retention says what a collection of node roots leaves.
type Retention struct {
	keep  int
	grace cli.Days
	use   Use
}

// AddFlags adds the flags of a collection, with those of Use.
func (o *Retention) AddFlags(cmd *cobra.Command) {
	o.grace = cli.Days(7 * cli.Day)
	cmd.Flags().IntVar(&o.keep, "keep", 3, "`number` of roots of each target that stay, those used last")
	cmd.Flags().Var(&o.grace, "grace", "how long a root stays after it was unpacked or current, and again in the trash")
	o.use.AddFlags(cmd)
}

// Policy reads the values of the flags.
func (o Retention) Policy() (nfsroot.Policy, error) {
	if o.keep < 0 {
		return nfsroot.Policy{}, cli.UsageErrorf("--keep %d: it is a number of roots", o.keep)
	}
	sources, err := o.use.Sources()
	return nfsroot.Policy{Keep: o.keep, Grace: time.Duration(o.grace), Sources: sources}, err
}
