#!/usr/bin/env bash
# wasm_toolchain.sh PREFIX: a private rustc that can build for wasm32-unknown-unknown, made from Debian's packages
# (rustc-web and its library source), crates.io and the rust-lld of the machine's rustup toolchain.
# Installs nothing outside PREFIX; does nothing when PREFIX is already up to date. Then: RUSTC=PREFIX/bin/rustc
set -euo pipefail
prefix=$(realpath -m "${1:?prefix}")
host=x86_64-unknown-linux-gnu
wasm=wasm32-unknown-unknown
cargo=$(rustup which cargo)
lld=$(rustc --print sysroot)/lib/rustlib/$host/bin/rust-lld
stamp="$(apt-cache policy rustc-web | awk '/Candidate:/{print $2}') $lld"
[ "$(cat "$prefix/stamp" 2>/dev/null)" = "$stamp" ] && exit 0

rm -rf "$prefix"
mkdir -p "$prefix/debs" "$prefix/bin" "$prefix/std/src"
names=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
  --no-replaces --no-enhances rustc-web | grep -E '^(rustc-web|libstd-rust-web-|libllvm)' | sort -u)
(cd "$prefix/debs" && apt-get download -qq -o APT::Sandbox::User=root $names rust-web-src)
for d in "$prefix"/debs/*.deb; do
  case $d in
    */rust-web-src_*) # 342 MB unpacked, of which only library/ is needed
      dpkg --fsys-tarfile "$d" | tar -x -C "$prefix" --wildcards './usr/src/rustc-*/library' './usr/lib/rustlib/src' ;;
    *) dpkg -x "$d" "$prefix" ;;
  esac
done
rm -r "$prefix/debs"
mkdir -p "$prefix/usr/lib/rustlib/$host/bin"
ln -s "$lld" "$prefix/usr/lib/rustlib/$host/bin/rust-lld"
cat > "$prefix/bin/rustc" <<END
#!/bin/sh
LD_LIBRARY_PATH=$prefix/usr/lib/x86_64-linux-gnu exec $prefix/usr/bin/rustc "\$@"
END
chmod +x "$prefix/bin/rustc"

# std for wasm32, once, put into the private sysroot: later builds need neither -Zbuild-std nor RUSTC_BOOTSTRAP
cat > "$prefix/std/Cargo.toml" <<END
[package]
name = "stdbuild"
version = "0.0.0"
edition = "2021"
[workspace]
[profile.release]
panic = "abort"
END
: > "$prefix/std/src/lib.rs"
(cd "$prefix/std" && RUSTC="$prefix/bin/rustc" RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes \
  CARGO_TARGET_DIR="$prefix/std/target" \
  nice "$cargo" build --release --target $wasm -Zbuild-std=std,panic_abort)
mkdir -p "$prefix/usr/lib/rustlib/$wasm/lib"
find "$prefix/std/target/$wasm/release/deps" -name 'lib*.rlib' ! -name 'libstdbuild-*' \
  -exec cp -t "$prefix/usr/lib/rustlib/$wasm/lib" {} +
rm -r "$prefix/std" "$prefix"/usr/src "$prefix"/usr/share
echo "$stamp" > "$prefix/stamp"
