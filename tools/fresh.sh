#!/usr/bin/env bash
# What a newcomer meets: HEAD in an empty directory, the demo, the tests.
set -euo pipefail

place=$(mktemp -d "${TMPDIR:-/tmp}/dauso-fresh.XXXXXX")
trap 'rm -rf "$place"' EXIT

git clone --quiet --no-local "$(git rev-parse --show-toplevel)" "$place/dauso"
cd "$place/dauso"
unset CARGO_TARGET_DIR
make demo-check
make test
echo "fresh: the demo and the tests pass at $(git rev-parse --short HEAD)"
