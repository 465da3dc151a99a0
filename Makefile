# make run     build, then make a target: TARGET=uclibc, ARGS for more flags
# make test    everything that CI checks
GO      ?= go
TARGET  ?= uclibc
ARGS    ?=
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

.PHONY: all build run test manifests lint bench golden clean bin/rootbuild

all: build

build: bin/rootbuild bin/runc

# Go knows best what is out of date.
bin/rootbuild:
	$(GO) build -trimpath -ldflags '-X github.com/rootbuild/rootbuild/cmd/rootbuild/cli.version=$(VERSION)' -o $@ ./cmd/rootbuild

# Without the tag seccomp every build step dies: "config provided but seccomp not supported".
bin/runc: go.mod
	$(GO) build -trimpath -tags seccomp -o $@ github.com/opencontainers/runc

# The builders that the tests speak to.
bin/buildkitd: hack/buildkitd/go.mod
	$(GO) build -C hack/buildkitd -trimpath -o ../../bin/ github.com/moby/buildkit/cmd/buildkitd github.com/moby/buildkit/cmd/buildctl

run:
	hack/setup
	$(MAKE) build
	bin/rootbuild --target $(TARGET) $(ARGS)

test:
	hack/setup test
	$(MAKE) build bin/buildkitd
	hack/presubmit.sh
	$(MAKE) manifests
	hack/test-dockerfile
	hack/test-targets
	hack/reproduce path host user umask locale zone clock jobs-1 jobs-8 order kernel machine environment memory tmpfs ext4 xfs engine containerd base all
	hack/test-boot
	hack/test-nodes
	hack/test-initramfs
	CHAINS="bios-pxelinux-tftp uefi-grub-tftp uefi-ipxe-http" hack/test-netboot

# The examples for Kubernetes, judged by the cluster's own code.
manifests:
	$(GO) test -C hack/manifests -count=1 .

lint:
	hack/lint

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...
	$(GO) run ./hack/bench

# Notes the digest of each target, after a change of it that is meant.
golden: build
	hack/golden $(ARGS)

clean:
	rm -rf bin
