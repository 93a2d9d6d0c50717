#!/bin/sh
# Runs a command in a network of its own, which has a loopback interface and nothing else, and whose
# kernel hands the connections that wait at a closed socket over to another one on its port.
set -eu
if [ "${OURS:-}" != 1 ]; then
    as_root=
    [ "$(id -u)" = 0 ] || as_root=--map-root-user
    OURS=1 exec unshare $as_root --net "$0" "$@"
fi
unset OURS
ip link set lo up
echo 1 >/proc/sys/net/ipv4/tcp_migrate_req
exec "$@"
