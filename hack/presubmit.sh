#!/bin/sh
# Checks a change: what a contributor runs before a commit, and what CI runs.
set -eu
cd "$(dirname "$0")/.."

say() { printf '== %s\n' "$*"; }

say gofmt
unformatted=$(find . -name '*.go' -exec gofmt -l {} +)
if [ -n "$unformatted" ]; then
	printf 'not formatted, run gofmt -w:\n%s\n' "$unformatted" >&2
	exit 1
fi

say go vet
go vet ./...

say golangci-lint
hack/lint

say go mod tidy
go mod tidy -diff

# BuildKit races with itself where it runs in process; what is ours must not.
export GORACE="suppressions=$PWD/builder/testdata/race-suppressions"

# What hack/setup unpacked because the host's Debian has no such package.
PATH=$PATH:${XDG_CACHE_HOME:-$HOME/.cache}/rootbuild-test/cosign/usr/bin

# A golden file that no longer holds fails its test.
say go test
go test -race -timeout 60m "$@" ./...
