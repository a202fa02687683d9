# A PostgreSQL cluster for one test run: `sh postgres.sh BIN [PORT]`, as anybody but root. With a port it also
# listens there on localhost, with a certificate for that name by an authority of its own (ca.pem).
# Says the directory of its socket on stdout when it is ready. Lives as long as its stdin is open, which
# the kernel closes when the test process ends in whatever way; then cluster and directory are gone.
set -e
cd /
# An interrupt from the keyboard reaches the tests; their end reaches this script.
trap '' INT TERM HUP
bin=$1
port=$2
# Not under $TMPDIR: the path of a socket has at most 107 bytes, and another user makes it.
dir=$(mktemp -d /tmp/dauso-postgres.XXXXXX)
trap 'rm -rf "$dir"' EXIT
"$bin/initdb" --pgdata="$dir/data" --username=dauso --auth=trust --encoding=UTF8 --locale=C --no-sync \
    >"$dir/log" 2>&1 </dev/null || { cat "$dir/log" >&2; exit 1; }
tcp="-c listen_addresses="
if [ -n "$port" ]; then
    {
        ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        openssl req -x509 $ec -days 2 -subj "/CN=Test authority" -keyout "$dir/ca.key" -out "$dir/ca.pem"
        openssl req -new $ec -subj /CN=localhost -keyout "$dir/server.key" -out "$dir/server.csr"
        echo subjectAltName=DNS:localhost >"$dir/names"
        openssl x509 -req -in "$dir/server.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial \
            -days 2 -extfile "$dir/names" -out "$dir/server.pem"
        chmod 600 "$dir/server.key"
    } >>"$dir/log" 2>&1 </dev/null || { cat "$dir/log" >&2; exit 1; }
    tcp="-c listen_addresses=localhost -c port=$port"
    tcp="$tcp -c ssl=on -c ssl_cert_file=$dir/server.pem -c ssl_key_file=$dir/server.key"
fi
# Nothing here needs to survive a power cut.
"$bin/postgres" -D "$dir/data" -k "$dir" $tcp -c fsync=off -c full_page_writes=off \
    -c synchronous_commit=off -c max_connections=300 -c shared_buffers=32MB \
    >>"$dir/log" 2>&1 </dev/null &
server=$!
until "$bin/pg_isready" --quiet --host="$dir" --port="${port:-5432}" </dev/null; do
    kill -0 "$server" 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
    sleep 0.1
done
echo "$dir"
cat >/dev/null || true
kill -QUIT "$server" 2>/dev/null || true
wait "$server" || true
