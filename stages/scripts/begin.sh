# What every build step begins with: the directories, and what to say when it fails.
set -euo pipefail
umask 022
JOBS=$(nproc)
export JOBS

mkdir -p /build/src

failed() {
    echo "rootbuild: step $1 of $NAME ended with status $2" >&2
    if [ "$1" = configure ]; then
        find /build -name config.log -exec tail -n 30 {} + >&2
    fi
}
