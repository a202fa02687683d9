#!/usr/bin/env bash
# Looks for the programs that building (`build`) or building and testing (`test`) need. What Debian has is
# installed with apt-get where we may; everything else is named, and the exit code is 1.
set -euo pipefail

scope=${1:-test}
packages=()   # Debian packages to install
missing=()    # what apt-get cannot bring

has() { command -v "$1" >/dev/null 2>&1; }

# need PACKAGES COMMAND...: the command fails while the packages are missing.
need() {
    local wanted=$1
    shift
    "$@" >/dev/null 2>&1 || read -ra packages <<<"${packages[*]} $wanted"
}

c_compiler() { echo '#include <stdio.h>' | cc -E -; }
postgres_server() { has initdb || ls /usr/lib/postgresql/*/bin/initdb; }
python_venv() { python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))'; }
softhsm() { has softhsm2-util; }
pkcs11_spy() { has pkcs11-tool && ls /usr/lib/*/pkcs11/pkcs11-spy.so; }
p11_kit() { has p11-kit && ls /usr/libexec/p11-kit/p11-kit-server /usr/lib/*/pkcs11/p11-kit-client.so; }
noto_fonts() { ls /usr/share/fonts/truetype/noto/NotoSans-Regular.ttf; }
node_20() { node -e 'process.exit(parseInt(process.version.slice(1)) < 20 ? 1 : 0)'; }

has cargo || missing+=("Rust (cargo): https://rustup.rs; rust-toolchain.toml names the version")
need "gcc libc6-dev" c_compiler
need "ca-certificates" test -e /etc/ssl/certs/ca-certificates.crt

if [ "$scope" = test ]; then
    has npm && node_20 >/dev/null 2>&1 || missing+=("Node.js 20 or newer, with npm")
    need git has git
    # libFuzzer is C++.
    need g++ has c++
    need curl has curl
    need openssl has openssl
    need qpdf has qpdf
    need poppler-utils has pdfsig
    need strace has strace
    need procps has pkill
    need softhsm2 softhsm
    need opensc pkcs11_spy
    need "p11-kit p11-kit-modules" p11_kit
    need "e2fsprogs mount" has mkfs.ext4
    need poppler-utils has pdftoppm
    need postgresql postgres_server
    need chromium has chromium
    need "python3 python3-venv" python_venv
    need fonts-noto-core noto_fonts
fi

if [ ${#packages[@]} -gt 0 ]; then
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    if has apt-get && { [ ${#as_root[@]} = 0 ] || { has sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; }; }; then
        echo "installing: ${packages[*]}"
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            "${packages[@]}" </dev/null >/dev/null
    else
        missing+=("Debian packages, or what your system calls them: ${packages[*]}")
    fi
fi

if [ ${#missing[@]} -gt 0 ]; then
    echo "missing, please install:" >&2
    printf '  %s\n' "${missing[@]}" >&2
    exit 1
fi
