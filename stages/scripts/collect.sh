# Sorts what was installed into the outputs: root for nodes, dev for sysroots,
# tools for the toolchain. One /usr, with bin for sbin too.
set -euo pipefail
umask 022
shopt -s nullglob globstar
cp -a /dest/. /build/
cd /build

flatten() {
    if [ -d "$1" ] && [ ! -L "$1" ]; then
        mkdir -p "$2"
        cp -a "$1/." "$2/"
        rm -r "$1"
    fi
}
flatten bin usr/bin
flatten sbin usr/bin
flatten usr/sbin usr/bin
flatten lib usr/lib
flatten lib64 usr/lib
flatten usr/lib64 usr/lib

rm -rf usr/share/{man,info,doc,gtk-doc,locale} tools/share/{man,info,doc,locale} tools/lib/bfd-plugins
find . -name '*.la' -delete

is_elf() {
    local magic
    LC_ALL=C IFS= read -r -d '' -N 4 magic <"$1" && [ "$magic" = $'\x7fELF' ]
}

strip_elf() {
    : "${2:?the toolchain brings no strip, and neither does the base}"
    case $1 in
    # The kernel's makefiles have done what may be done, and it may be signed.
    *.ko) ;;
    *.o) "$2" --strip-debug "$1" ;;
    *.so | *.so.*) "$2" --strip-unneeded "$1" ;;
    *) "$2" --strip-all "$1" ;;
    esac
}
# The stage of the cross binutils has none of them yet.
cross_strip=$(command -v "$CHOST-strip" || command -v strip || true)
while IFS= read -r -d '' file; do
    stripper=$cross_strip
    case $file in ./tools/bin/* | ./tools/libexec/* | ./tools/$CHOST/bin/*) stripper=strip ;; esac
    case $file in
    *.a) $cross_strip --strip-debug --enable-deterministic-archives "$file" ;;
    *) if is_elf "$file"; then strip_elf "$file" "$stripper"; fi ;;
    esac
done < <(find . -type f -size +3c -print0)

to_dev() {
    local path
    for path; do
        if [ -e "$path" ] || [ -L "$path" ]; then
            cp -a --parents "$path" /out/dev/
            rm -r "$path"
            rmdir -p --ignore-fail-on-non-empty "$(dirname "$path")"
        fi
    done
}
to_dev usr/include usr/{lib,share}/{pkgconfig,cmake,aclocal} usr/lib/*.{a,o} usr/bin/*-config
for library in usr/lib/*.so; do
    # A link without version, or a linker script, is only for the linker.
    if [ -L "$library" ] || ! is_elf "$library"; then to_dev "$library"; fi
done

if [ -d tools ]; then
    cp -a tools/. /out/tools/
    rm -r tools
fi
# Split at blanks only: each is expanded alone, to tell the one that matches nothing.
set -f
# shellcheck disable=SC2086,SC2154
set -- $remove
set +f
for pattern; do
    # shellcheck disable=SC2206
    matches=($pattern)
    existing=()
    for path in "${matches[@]}"; do
        if [ -e "$path" ] || [ -L "$path" ]; then existing+=("$path"); fi
    done
    if [ ${#existing[@]} -eq 0 ]; then
        echo "rootbuild: $NAME: nothing installed matches \`remove: $pattern\`" >&2
        exit 1
    fi
    rm -rf -- "${existing[@]}"
done
cp -a . /out/root/
