#!/bin/sh
# Makes sure that the page can be built and tested here: node, npm, a Chromium, and a compiler for wasm32. What is missing is
# installed through apt-get, with sudo only if needed and never with a question, and Debian's compiler into WASM_TOOLCHAIN.
# Where that cannot be, it says why and fails. `web/ensure.sh look` installs nothing but what npm brings.
set -u
look=${1:-}

cd "$(dirname "$0")/.." || exit 1
toolchain=${WASM_TOOLCHAIN:-$HOME/.cache/rust-web}
say() { printf 'web/ensure.sh: %s\n' "$*"; }

. scripts/packages.sh

get() {
    if [ "$look" = look ]; then
        say "missing: $*"
        return 1
    fi
    install "$@"
}

# The tests use what node has from 18 on.
has_node() {
    command -v npm >/dev/null 2>&1 && node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' 2>/dev/null
}
has_node || get nodejs npm || exit 1
has_node || { say "node is older than 18; install a newer one"; exit 1; }

has_browser() {
    for browser in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
        [ -n "$browser" ] && command -v "$browser" >/dev/null 2>&1 && return 0
    done
    return 1
}
has_browser || get chromium || exit 1
has_browser || { say "no Chromium: set CHROMIUM to its program"; exit 1; }
# One that is there may still not start, in a container that lacks what it wants.
timeout 120 "$browser" --headless --no-sandbox --no-first-run --disable-gpu --dump-dom about:blank >/dev/null 2>&1 ||
    { say "$browser does not start: try $browser --headless --no-sandbox --dump-dom about:blank"; exit 1; }

# wasm-opt, and what drives the browser.
[ -d web/node_modules/playwright-core ] || (cd web && run npm ci --no-audit --no-fund --silent) ||
    { say "npm could not install what web/package-lock.json names"; exit 1; }

# rustup's own target where it is installed.
if [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]; then
    exit 0
fi
if ! command -v apt-cache >/dev/null 2>&1 || ! apt-cache policy rustc-web 2>/dev/null | grep -q 'Candidate: [0-9]'; then
    say "no compiler for wasm32: run rustup target add wasm32-unknown-unknown, or use Debian, whose rustc-web is one"
    exit 1
fi
if [ "$look" = look ]; then
    [ -x "$toolchain/bin/rustc" ] && exit 0
    say "missing: a compiler for wasm32"
    exit 1
fi
run scripts/wasm_toolchain.sh "$toolchain" || { say "the compiler for wasm32 could not be made; see above"; exit 1; }
