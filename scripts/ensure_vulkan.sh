#!/bin/sh
# Makes sure that softq finds a Vulkan driver: `ensure_vulkan.sh demo` or `ensure_vulkan.sh test`. For the tests also the
# validators of SPIR-V and GLSL; for `scripts/drivers` (`layer`, `swiftshader`) the validation layer or SwiftShader.
#
# On Linux without any driver it installs Mesa's software Vulkan through apt-get, with sudo only if needed, and never
# asks a question. Where it cannot, `demo` goes on (the CPU executor takes over) and `test` fails, because the GPU tests
# would; SOFTQ_NO_GPU=1 leaves them out. A missing C linker, without which cargo cannot build, is installed the same way.
set -eu

purpose=${1:-demo}
say() { printf 'ensure_vulkan: %s\n' "$*"; }

# A manifest in any place where the Vulkan loader looks; an explicit list of files replaces the search.
has_driver() {
    listed=${VK_DRIVER_FILES:-${VK_ICD_FILENAMES:-}}
    if [ -n "$listed" ]; then
        old_ifs=$IFS
        IFS=:
        for file in $listed; do
            if [ -f "$file" ]; then IFS=$old_ifs; return 0; fi
        done
        IFS=$old_ifs
        return 1
    fi
    for dir in /usr/share/vulkan/icd.d /usr/local/share/vulkan/icd.d /etc/vulkan/icd.d \
        "${XDG_DATA_HOME:-${HOME:-}/.local/share}/vulkan/icd.d" /run/opengl-driver/share/vulkan/icd.d; do
        for file in "$dir"/*.json; do
            if [ -f "$file" ]; then return 0; fi
        done
    done
    return 1
}

# ldconfig lives in /sbin, which is not on every user's PATH. Without ldconfig (NixOS) the loader comes from elsewhere.
has_loader() {
    tool=$(PATH="$PATH:/usr/sbin:/sbin" command -v ldconfig) || return 0
    "$tool" -p 2>/dev/null | grep -q 'libvulkan\.so\.1'
}

# rustc links through `cc`, unless the user configured another linker: then linking one line works all the same.
has_linker() {
    if command -v cc >/dev/null 2>&1; then return 0; fi
    command -v rustc >/dev/null 2>&1 || return 0
    dir=$(mktemp -d)
    status=0
    printf 'fn main() {}\n' | rustc --out-dir "$dir" - >/dev/null 2>&1 || status=1
    rm -rf "$dir"
    return $status
}

. "$(dirname "$0")/packages.sh"

if [ "$(uname -s)" != Linux ]; then
    exit 0
fi

if ! has_linker; then
    say "no C linker (cc), which cargo needs to build: installing gcc"
    install gcc libc6-dev || say "continuing; the build will fail until a C linker is there"
fi

if [ "${SOFTQ_NO_GPU:-}" = 1 ]; then
    say "SOFTQ_NO_GPU=1: not looking for a Vulkan driver"
    exit 0
fi

# The tests let the standards' own tools judge every translated shader.
if [ "$purpose" = test ] && ! { command -v spirv-val && command -v glslangValidator; } >/dev/null 2>&1; then
    say "no spirv-val or no glslangValidator, which the tests of translated shaders need"
    install spirv-tools glslang-tools || {
        say "the tests need them; install them, or run: SOFTQ_NO_GPU=1 make test"
        exit 1
    }
fi

if [ "$purpose" = layer ] && [ ! -f /usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json ]; then
    say "no Khronos validation layer"
    install vulkan-validationlayers || exit 1
fi
if [ "$purpose" = swiftshader ] && [ -z "${SWIFTSHADER:-}" ] && [ ! -f /usr/lib/chromium/vk_swiftshader_icd.json ]; then
    say "no SwiftShader, which comes with Debian's chromium"
    install chromium || exit 1
fi

if has_driver && has_loader; then
    exit 0
fi

if [ -n "${VK_DRIVER_FILES:-${VK_ICD_FILENAMES:-}}" ]; then
    say "VK_DRIVER_FILES or VK_ICD_FILENAMES is set, but names no usable driver; unset it or correct it"
fi
say "no Vulkan driver on this machine: installing Mesa's software driver, so that the shaders run on the CPU"
if install mesa-vulkan-drivers libvulkan1 && has_driver && has_loader; then
    say "installed"
    exit 0
fi

if [ "$purpose" != demo ]; then
    say "no Vulkan driver, and the GPU tests need one. Install one, or run: SOFTQ_NO_GPU=1 make test"
    exit 1
fi
say "no Vulkan driver: training goes on with the CPU executor"
