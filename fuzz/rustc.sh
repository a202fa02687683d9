#!/bin/sh
# RUSTC_WORKSPACE_WRAPPER of tools/fuzz.sh: what libFuzzer needs to see of our own code, and code fast enough to
# be run a million times. Dependencies stay as `cargo test` built them.
case " $* " in
*" --crate-name dauso "*)
    exec "$@" -Copt-level=1 -Cpasses=sancov-module \
        -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
        -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
esac
exec "$@"
