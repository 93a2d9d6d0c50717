#!/bin/sh
# A service in the eyes of `Program`: it does what `MODE` says.
case "$MODE" in
fails)
    echo "error: 1 problem" >&2
    exit 78
    ;;
silent) exec sleep 60 ;;
logs)
    echo '{"message":"listening","module":"http","address":"127.0.0.1:8100"}'
    echo '{"message":"ready","took_ms":1.0}'
    exec sleep 60
    ;;
verb)
    echo "verb: $*"
    exit 0
    ;;
esac
trap 'echo "stopped in 1 ms" >&2; exit 3' TERM
echo "  http        http://127.0.0.1:8099 · 1 route" >&2
echo started >>log
echo "ready in 1 ms" >&2
while :; do sleep 0.01; done
