package stages

import "github.com/rootbuild/rootbuild/images"

// sysvInittab is the table of sysvinit. Runlevel 3 is the only one with users;
// halt and reboot must not ask shutdown again (-f), nor write a record (-d).
const sysvInittab = `# sysvinit: id:runlevels:action:process
id:3:initdefault:
si::sysinit:/usr/lib/rc/rc sysinit
bo::bootwait:/usr/lib/rc/rc boot
de:3:wait:/usr/lib/rc/rc default
t1:3:respawn:/usr/lib/rc/getty tty1
se:3:respawn:/usr/lib/rc/getty serial
ca::ctrlaltdel:/sbin/shutdown -r now
sd:06:wait:/usr/lib/rc/rc shutdown
po:0:wait:/sbin/halt -d -f -p
re:6:wait:/sbin/reboot -d -f
`

// sysvinit renders a node whose init is sysvinit.
func sysvinit(n Node) []images.File {
	return append(n.scripts(), text("/etc/inittab", 0o644, sysvInittab))
}
