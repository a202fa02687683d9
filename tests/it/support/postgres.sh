# A PostgreSQL cluster for one test run: `sh postgres.sh BIN`, as anybody but root.
# Says the directory of its socket on stdout when it is ready. Lives as long as its stdin is open, which
# the kernel closes when the test process ends in whatever way; then cluster and directory are gone.
set -e
cd /
# An interrupt from the keyboard reaches the tests; their end reaches this script.
trap '' INT TERM HUP
bin=$1
# Not under $TMPDIR: the path of a socket has at most 107 bytes, and another user makes it.
dir=$(mktemp -d /tmp/dauso-postgres.XXXXXX)
trap 'rm -rf "$dir"' EXIT
"$bin/initdb" --pgdata="$dir/data" --username=dauso --auth=trust --encoding=UTF8 --locale=C --no-sync \
    >"$dir/log" 2>&1 </dev/null || { cat "$dir/log" >&2; exit 1; }
# Nothing here needs to survive a power cut.
"$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off -c full_page_writes=off \
    -c synchronous_commit=off -c max_connections=300 -c shared_buffers=32MB \
    >>"$dir/log" 2>&1 </dev/null &
server=$!
until "$bin/pg_isready" --quiet --host="$dir" </dev/null; do
    kill -0 "$server" 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
    sleep 0.1
done
echo "$dir"
cat >/dev/null || true
kill -QUIT "$server" 2>/dev/null || true
wait "$server" || true
