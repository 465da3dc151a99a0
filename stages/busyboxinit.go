package stages

import "github.com/rootbuild/rootbuild/images"

// busyboxInittab is the table of busybox init, which itself kills what is left
// and powers off or reboots once the shutdown lines are done.
const busyboxInittab = `# busybox init: terminal::action:process
::sysinit:/usr/lib/rc/rc sysinit
::sysinit:/usr/lib/rc/rc boot
::wait:/usr/lib/rc/rc default
::respawn:/usr/lib/rc/getty tty1
::respawn:/usr/lib/rc/getty serial
::ctrlaltdel:/sbin/reboot
::shutdown:/usr/lib/rc/rc shutdown
::restart:/sbin/init
`

// busyboxInit renders a node whose init is that of busybox.
func busyboxInit(n Node) []images.File {
	return append(n.scripts(), text("/etc/inittab", 0o644, busyboxInittab))
}
