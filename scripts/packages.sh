# To be sourced by scripts that install what is missing; they define `say`, which prints a line under their name.

run() {
    printf '+ %s\n' "$*"
    "$@"
}

# install PACKAGE...: through apt-get, with sudo only if needed and never with a question; false, with the reason said, when it cannot.
install() {
    if ! command -v apt-get >/dev/null 2>&1; then
        say "this system has no apt-get; please install the equivalent of: $*"
        return 1
    fi
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        # -n: fail instead of asking for a password.
        if ! command -v sudo >/dev/null 2>&1 || ! sudo -n true 2>/dev/null; then
            say "not root, and sudo is missing or wants a password; please run: sudo apt-get install $*"
            return 1
        fi
        as_root='sudo -n'
    fi
    # A failed update can still leave usable lists behind. $as_root is empty or two words, so no quotes.
    run $as_root apt-get update -qq || say "apt-get update failed; trying with the lists that are there"
    run $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" </dev/null
}
