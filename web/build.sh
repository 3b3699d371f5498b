#!/usr/bin/env bash
# build.sh PROFILE FOLDER: the page as a static folder. PROFILE is a profile of the workspace: `web`, small, or `web-test`, sooner built.
# Needs node with npm, and rustup's target wasm32-unknown-unknown or the compiler of scripts/wasm_toolchain.sh in WASM_TOOLCHAIN.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:?profile: web or web-test}
folder=${2:?folder of the page}
toolchain=${WASM_TOOLCHAIN:-$HOME/.cache/rust-web}
target=${CARGO_TARGET_DIR:-target}
if [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]; then
  compiler=$(command -v rustc)
else
  compiler=$toolchain/bin/rustc
fi
# Two compilers must not share a folder: each would rebuild what the other built.
RUSTC=$compiler CARGO_TARGET_DIR=$target/wasm \
  cargo build --locked -p softq-web --profile "$profile" --target wasm32-unknown-unknown
(cd web/bindgen && CARGO_TARGET_DIR="$(realpath -m "../../$target")/bindgen" cargo build --locked)

rm -rf "$folder"
mkdir -p "$folder/pkg"
"$target/bindgen/debug/softq-bindgen" "$target/wasm/wasm32-unknown-unknown/$profile/softq_web.wasm" "$folder/pkg"
# The script that comes with it, without the comments and the indentation that a page would load.
sed -i -e '\#^ */\*\*#,\#\*/#d' -e 's/^ *//' "$folder/pkg/softq_web.js"
if [ "$profile" = web ]; then
  web/node_modules/.bin/wasm-opt -Os --enable-bulk-memory --enable-sign-ext --enable-nontrapping-float-to-int \
    --enable-reference-types --enable-multivalue --enable-mutable-globals --enable-simd \
    "$folder/pkg/softq_web_bg.wasm" -o "$folder/pkg/softq_web_bg.wasm.small"
  mv "$folder/pkg/softq_web_bg.wasm.small" "$folder/pkg/softq_web_bg.wasm"
fi
cp web/page/* "$folder/"
module=$(gzip -9c "$folder/pkg/softq_web_bg.wasm" | wc -c)
rest=$(cat "$folder"/*.* "$folder/pkg/softq_web.js" | wc -c)
echo "$folder: module $(stat -c %s "$folder/pkg/softq_web_bg.wasm") bytes, $module compressed by gzip -9; page with its scripts $rest bytes"
