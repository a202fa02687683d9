#!/usr/bin/env bash
# Builds the fuzz targets (fuzz/src/main.rs) on stable Rust and runs each: first every seed and every input that
# once was a crash, then new ones.
#
#   tools/fuzz.sh SECONDS [TARGET…]     SECONDS for each target
#
# A crash ends it; the input lies in target/fuzz/TARGET/. Make it a fixture: fuzz/regressions/TARGET/NAME.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=$1
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(pdf stamp page credential numeric cbor trust status cms certificate timestamp ocsp crl)

RUSTC_WORKSPACE_WRAPPER="$PWD/fuzz/rustc.sh" ${CARGO:-cargo} build --locked --package dauso-fuzz
program=${CARGO_TARGET_DIR:-target}/debug/dauso-fuzz
out=${CARGO_TARGET_DIR:-target}/fuzz
rm -rf "$out/seeds"
python3 fuzz/seeds.py "$out/seeds"

for target in "${targets[@]}"; do
    found=$out/$target
    mkdir -p "$found/corpus" "$out/seeds/$target"
    folders=("$found/corpus" "$out/seeds/$target")
    limits=(-max_len=4096)
    case $target in
    pdf) folders+=(fixtures/pdf fixtures/bad) limits=(-max_len=200000 -dict=fuzz/pdf.dict) ;;
    stamp | page) limits=(-max_len=8192 -dict=fuzz/pdf.dict) ;;
    cbor | trust) folders+=(fixtures/credential/trust) limits=(-max_len=8192) ;;
    status) folders+=(fixtures/credential/lists) limits=(-max_len=8192) ;;
    cms | certificate | timestamp | ocsp | crl) limits=(-max_len=16384) ;;
    esac
    for kind in seeds regressions; do
        [ ! -d "fuzz/$kind/$target" ] || folders+=("fuzz/$kind/$target")
    done
    echo "fuzz $target: $(find "${folders[@]}" -type f | wc -l) inputs, then ${seconds} s"
    # What runs longer than five seconds, or holds more than 512 MiB (the program is not optimised), is a finding.
    if ! FUZZ_TARGET=$target "$program" "${folders[@]}" "${limits[@]}" -max_total_time="$seconds" -timeout=5 \
        -rss_limit_mb=512 -artifact_prefix="$found/" -print_final_stats=1 >"$found/log" 2>&1; then
        tail -n 40 "$found/log" >&2
        echo "fuzz $target: a finding, in $found/" >&2
        exit 1
    fi
    grep -E '^stat::(number_of_executed_units|peak_rss_mb)' "$found/log" | tr '\n' ' '
    echo
done
