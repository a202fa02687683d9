#!/usr/bin/env bash
# The published figures: peers installed, a PostgreSQL of its own that syncs as it does in production, then
# `dauso bench` with the arguments given here. Writes docs/BENCHMARKS.md when the whole is measured.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=${DAUSO:-target/release/dauso}
peers=bench/peers

[ -e "$peers/express/node_modules/.stamp" ] || {
    (cd "$peers/express" && npm ci --no-audit --no-fund --loglevel=error)
    touch "$peers/express/node_modules/.stamp"
}
[ -e "$peers/fastapi/.venv/.stamp" ] || {
    python3 -m venv "$peers/fastapi/.venv"
    "$peers/fastapi/.venv/bin/pip" install --quiet --disable-pip-version-check --no-input \
        -r "$peers/fastapi/requirements.txt"
    touch "$peers/fastapi/.venv/.stamp"
}

# PostgreSQL refuses to run as root. The path of a socket has at most 107 bytes: not under $TMPDIR.
as=()
[ "$(id -u)" != 0 ] || as=(runuser -u postgres --)
bin=$(dirname "$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -1 || command -v initdb)")
place=$("${as[@]}" mktemp -d /tmp/dauso-bench.XXXXXX)
cleanup() {
    "${as[@]}" "$bin/pg_ctl" -D "$place/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$place"
}
trap cleanup EXIT
(
    cd /
    "${as[@]}" "$bin/initdb" --pgdata="$place/data" --username=dauso --auth=trust --encoding=UTF8 --locale=C \
        >"$place/log" 2>&1
    "${as[@]}" "$bin/pg_ctl" -D "$place/data" -l "$place/server.log" -w \
        -o "-k $place -c listen_addresses= -c shared_buffers=128MB" start >/dev/null
    "${as[@]}" "$bin/createdb" --host="$place" --username=dauso bench
)

"$binary" bench --peers "$peers" \
    --postgres "postgres:///bench?host=$place&user=dauso" \
    --postgres-pid "$(head -1 "$place/data/postmaster.pid")" \
    "$@"
