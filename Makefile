# Shortcuts for a fresh machine. Each target only calls cargo, and make prints every command that it runs.
#
#   make demo     train CartPole: learning curve in the terminal, run directory with curve.svg and agent.gif
#   make test     run the whole test suite
#   make ci       what continuous integration runs: tests, format, lints, docs
#   make web      the page that trains in a browser, as a static folder; make serve shows it on this machine
#   make web-test build the page and try it in headless Chromium
#   make drivers  not in ci: the Khronos validation layer, and SwiftShader

CARGO ?= cargo
CARGO_TARGET_DIR ?= target
export CARGO_TARGET_DIR
# Mesa's device-selection layer looks for a display and complains on stderr where there is none.
export NODEVICE_SELECT ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo build test ci fmt fmt-check lint docs check-wasm web serve web-test drivers vulkan-demo vulkan-test clean

help:
	@sed -n 's/^#   //p' Makefile

demo: build
	$(CARGO_TARGET_DIR)/release/softq train cartpole

build: vulkan-demo
	$(CARGO) build --release --locked

# The second run admits only what WebGPU guarantees; kernels and training on the device must not notice.
test: vulkan-test
	$(CARGO) test --locked
	WGPU_STRICT_WEBGPU_COMPLIANCE=1 $(CARGO) test --locked --test kernels --test training -- every_kernel both_executors

ci:
	.ci/run

fmt:
	$(CARGO) fmt

fmt-check:
	$(CARGO) fmt --check

# The second line is the library as a browser or a binding has it: no program, no threads, no clock, no drivers; and the page's
# crate, which this machine's compiler can read too.
lint:
	$(CARGO) clippy --all-targets --locked -- -D warnings
	$(CARGO) clippy -p softq -p softq-web --lib --locked --no-default-features -- -D warnings

docs:
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc --no-deps --locked

# Not part of ci: it installs Debian's validation layer and Chromium's SwiftShader, and builds a release.
drivers:
	scripts/drivers

# The library for browsers, with a compiler made from Debian's packages in WASM_TOOLCHAIN (485 MB, made once).
WASM_TOOLCHAIN ?= $(HOME)/.cache/rust-web
check-wasm:
	scripts/wasm_toolchain.sh $(WASM_TOOLCHAIN)
	RUSTC=$(WASM_TOOLCHAIN)/bin/rustc CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/wasm \
	  $(CARGO) check --lib --locked --no-default-features --target wasm32-unknown-unknown

# The page, small, in target/web: any host can serve that folder. docs/browser.md has the rest.
PORT ?= 8080
export WASM_TOOLCHAIN
web:
	web/ensure.sh
	web/build.sh web $(CARGO_TARGET_DIR)/web

serve: web
	node web/serve.mjs $(CARGO_TARGET_DIR)/web $(PORT)

# The page, soon built, against the native program.
# SOFTQ names a program that is built already.
web-test:
	web/ensure.sh
	[ -n "$$SOFTQ" ] || $(CARGO) build --locked
	web/build.sh web-test $(CARGO_TARGET_DIR)/web-test
	cd web && SOFTQ_WEB=$(CARGO_TARGET_DIR)/web-test npm test

# Installs Mesa's software Vulkan where no driver is found; on other machines it does nothing.
vulkan-demo:
	@scripts/ensure_vulkan.sh demo

vulkan-test:
	@scripts/ensure_vulkan.sh test

clean:
	$(CARGO) clean
