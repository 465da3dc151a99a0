package base

// DefaultSuite is the Debian release that a base is made of. bookworm will not do: its
// meson 1.0.1 is too old for glib and kmod.
const DefaultSuite = "trixie"

// HostTools are the Debian packages that recipes may call by name while they build.
// Their dependencies and the essential packages come with them.
var HostTools = []string{
	"autoconf",
	"autoconf-archive",
	"automake",
	"autopoint",
	"bc",
	"bison",
	"bzip2",
	"cmake",
	"cpio",
	"file",
	"flex",
	"g++",
	"gcc",
	"gettext",
	"gperf",
	"libc6-dev",
	"libgmp-dev",
	"libltdl-dev",
	"libmpc-dev",
	"libmpfr-dev",
	"libssl-dev",
	"libtool",
	"locales",
	"m4",
	"make",
	"meson",
	"ninja-build",
	"patch",
	"perl",
	"pkgconf",
	"python3",
	"python3-packaging",
	"rsync",
	"xz-utils",
	"zstd",
}

// excludedPaths are what no build reads. Copyright files stay: the image may be passed on.
var excludedPaths = []string{
	"path-exclude=/usr/share/man/*",
	"path-exclude=/usr/share/info/*",
	"path-exclude=/usr/share/lintian/*",
	"path-exclude=/usr/share/locale/*",
	"path-include=/usr/share/locale/locale.alias",
	"path-exclude=/usr/share/doc/*",
	"path-include=/usr/share/doc/*/copyright",
}

// hooks are shell commands that mmdebstrap runs on the finished tree, "$1".
var hooks = []string{
	// The locale build of uClibc reads both; a base without locales has no localedef input.
	`if [ -e "$1/usr/share/i18n/charmaps" ]; then` +
		` chroot "$1" localedef -i en_US -f UTF-8 en_US.UTF-8 &&` +
		` chroot "$1" localedef -i en_US -f ISO-8859-1 en_US; fi`,
	// Build steps mount here, and their root file system is read-only.
	`mkdir "$1/src" "$1/sysroot" "$1/out" "$1/build" "$1/tools"`,
	// mmdebstrap copies the host's. BuildKit mounts its own over the first two.
	`for f in resolv.conf hosts hostname; do rm -f "$1/etc/$f" && : > "$1/etc/$f"; done`,
	// Only the archive's state may decide the digest, not the way to the archive.
	`rm -f "$1/etc/apt/sources.list" "$1/etc/apt/apt.conf.d/99mmdebstrap"`,
	`rm -f "$1/etc/machine-id" "$1"/etc/*- "$1"/var/lib/dpkg/*-old "$1"/var/cache/debconf/*-old`,
	`find "$1/var/cache/ldconfig" "$1/var/log" -type f -delete`,
}
