# A package runs on nodes: it is compiled by the toolchain, against the sysroot.
export CC=$CHOST-gcc CPP="$CHOST-gcc -E" AR=$CHOST-ar AS=$CHOST-as LD=$CHOST-ld
export NM=$CHOST-nm OBJCOPY=$CHOST-objcopy RANLIB=$CHOST-ranlib READELF=$CHOST-readelf STRIP=$CHOST-strip
export CC_FOR_BUILD=gcc BUILD_CC=gcc HOSTCC=gcc
export CFLAGS='-O2 -pipe -ffile-prefix-map=/build/src=.' LDFLAGS='-Wl,-O1'
export PKG_CONFIG=pkg-config PKG_CONFIG_SYSROOT_DIR=/sysroot
export PKG_CONFIG_LIBDIR=/sysroot/usr/lib/pkgconfig:/sysroot/usr/share/pkgconfig
