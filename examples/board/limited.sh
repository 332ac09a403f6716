#!/usr/bin/env bash
# Run a command with at most so much memory, as on a board that has no more, and no swap:
#
#   limited.sh 512M COMMAND...
#
# Everything counts that the kernel charges to the group: also libraries and models in the page cache,
# which it gives back when there is need. Needs root, or systemd's `systemd-run --user`.
set -euo pipefail
limit=$1
shift

mine=/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
if [ -w "$mine/memory.limit_in_bytes" ]; then # cgroup v1
    group=$mine/limited-$$ max=memory.limit_in_bytes peak=memory.max_usage_in_bytes
    mkdir "$group"
    echo 0 >"$group/memory.swappiness"
elif [ -d /run/systemd/system ]; then
    user=--user
    [ "$(id -u)" != 0 ] || user=--system
    # memory.peak is there from Linux 5.19 on.
    exec systemd-run $user --quiet --scope -p MemoryMax="$limit" -p MemorySwapMax=0 bash -c '
        status=0
        "$@" || status=$?
        group=/sys/fs/cgroup$(sed -n "s/^0:://p" /proc/self/cgroup)
        echo "peak $(($(cat "$group/memory.peak") / 1000000)) MB of '"$limit"'" >&2
        exit $status' limited "$@"
else
    echo "limited.sh: neither a cgroup v1 that can be written nor systemd" >&2
    exit 2
fi

echo "$limit" >"$group/$max"
status=0
(
    echo "$BASHPID" >"$group/cgroup.procs"
    exec "$@"
) || status=$?
echo "peak $(($(cat "$group/$peak") / 1000000)) MB of $limit, $(cat "$group/memory.failcnt") times at it" >&2
rmdir "$group"
exit "$status"
