# What every build step begins with: the directories, and what to say when it fails.
set -eEuo pipefail
umask 022
JOBS=$(nproc)
export JOBS

mkdir -p /build/src

# Runs where a command fails: in the subshell of the step, then outside of it.
failed() {
    local status=$?
    case $BASH_SUBSHELL in
    1) echo "rootbuild: failed with status $status: $BASH_COMMAND" >&2 ;;
    0)
        if [ "$STEP" = configure ]; then configure_logs >&2; fi
        echo "rootbuild: step $STEP of $NAME ended with status $status" >&2
        ;;
    esac
}
trap failed ERR

# The end of a config.log is the cache of answers; what failed stands before it.
configure_logs() {
    local log
    find /build -name config.log -o -name meson-log.txt | while IFS= read -r log; do
        echo "==> $log"
        sed '/^## Cache variables/,$d' "$log" | tail -n 40
    done
}
