quoted() { printf "'%s', " "$@"; }
# shellcheck disable=SC2086
cat >/build/cross.ini <<EOF
[binaries]
c = '$CC'
ar = '$AR'
nm = '$NM'
objcopy = '$OBJCOPY'
ranlib = '$RANLIB'
strip = '$STRIP'
pkg-config = '$PKG_CONFIG'

[built-in options]
c_args = [$(quoted $CFLAGS)]
c_link_args = [$(quoted $LDFLAGS)]

[host_machine]
system = 'linux'
cpu_family = '${CHOST%%-*}'
cpu = '${CHOST%%-*}'
endian = 'little'

[properties]
needs_exe_wrapper = true
sys_root = '$PKG_CONFIG_SYSROOT_DIR'
pkg_config_libdir = '$PKG_CONFIG_LIBDIR'
EOF
