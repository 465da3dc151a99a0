// Package entries writes what boot loaders read, into a directory that TFTP or HTTP
// serves: for each node root its own kernel and initramfs with a command line that
// pins the root, and which of them a node gets.
//
// The directory is laid out as follows:
//
//	pxelinux.cfg/default          what each loader reads first; none of them names a root
//	pxelinux.cfg/01-<mac>, <uuid>  the same for a node of a group: pxelinux asks by names
//	grub/grub.cfg
//	boot.ipxe
//	rootbuild/default -> <tag>@<digest>        what nodes get
//	rootbuild/group-<name> -> <tag>@<digest>   what the nodes of a group get
//	rootbuild/<tag>@<digest>/     kernel, initramfs and texts of one root
//	rootbuild/menu/               texts that offer all roots
//	rootbuild/state.json          whose directory it is, and of what it was made
//
// A directory of a root appears complete, by rename, and its kernel and initramfs
// never change: a node that has begun to load them gets those of one root. Which root
// an entry gets is one symlink, the same for all loaders, replaced by rename.
//
// What the directory holds follows from a [Set] alone, so whatever a kill left of it
// is made good by writing the set again.
package entries
