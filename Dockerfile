# rootbuild and everything that it starts, for a master of any distribution:
#
#	make build && docker build -t rootbuild .
#	docker run --rm --privileged -v rootbuild:/var/cache/rootbuild -v /diskless:/diskless \
#		rootbuild --target uclibc
#
# It runs privileged because every build step is a container of its own.
ARG BASE=debian:trixie-slim
FROM ${BASE}

# libseccomp2 is what bin/runc was linked with, gpg what mmdebstrap looks keys up
# with; QEMU and nfs-ganesha boot roots, with a kernel that --kernel names.
RUN apt-get update \
	&& DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
		ca-certificates debian-archive-keyring gpg libseccomp2 mmdebstrap \
		nfs-ganesha nfs-ganesha-vfs qemu-system-x86 \
	&& rm -rf /var/lib/apt/lists/*

COPY bin/rootbuild bin/runc /usr/local/bin/

# The state lies on a volume because overlayfs, which builds use, does not lie on overlayfs.
ENV XDG_CACHE_HOME=/var/cache
VOLUME /var/cache/rootbuild
ENTRYPOINT ["rootbuild"]
