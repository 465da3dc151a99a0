package kmod

import (
	"path"
	"slices"
	"strings"
)

// wanted are the modules of every initramfs, as far as the kernel has them: by
// name, or by a pattern of paths without the top directory and the ending.
var wanted = []string{
	"nfs", "nfsv3", "nfsv4", "overlay",
	// DHCP is asked through packet sockets.
	"af_packet",
	"virtio_net", "virtio_pci", "virtio_mmio", "vmxnet3", "hv_netvsc", "xen_netfront",
	"drivers/net/ethernet/*", "drivers/net/ethernet/*/*", "drivers/net/ethernet/*/*/*",
	// Drivers of boards ask for that of their transceiver when they run.
	"drivers/net/phy/*", "drivers/net/mdio/*",
}

// unwanted are patterns among those that no node boots through: switches and
// their management, cards of PCMCIA and SPI, and offloads of storage.
var unwanted = []string{
	"drivers/net/ethernet/mellanox/mlxsw/*",
	"drivers/net/ethernet/marvell/prestera/*",
	"drivers/net/ethernet/mscc/*",
	"drivers/net/ethernet/*/*_cs",
	"drivers/net/ethernet/microchip/enc*28j60", "drivers/net/ethernet/microchip/encx24j600",
	"drivers/net/ethernet/adi/*", "drivers/net/ethernet/vertexcom/*", "drivers/net/ethernet/wiznet/*",
	"drivers/net/ethernet/davicom/dm9051",
	"drivers/net/ethernet/chelsio/inline_crypto/*",
	"drivers/net/ethernet/chelsio/libcxgb/*",
}

// usual returns the names of the modules of every initramfs, sorted.
func (d Dir) usual() []string {
	var names []string
	for name, file := range d.files {
		if matches(wanted, name, file) && !matches(unwanted, name, file) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// matches reports whether a name or pattern stands for a module.
func matches(patterns []string, name, file string) bool {
	_, below, _ := strings.Cut(file, "/")
	below, _, _ = strings.Cut(below, ".ko")
	return slices.ContainsFunc(patterns, func(p string) bool {
		if !strings.Contains(p, "/") {
			return normal(p) == name
		}
		ok, err := path.Match(p, below)
		return ok && err == nil
	})
}
