//! A run on a file system that has become read-only: nothing can be added to it, and all that only reads it works.
#![cfg(target_os = "linux")]

#[path = "common/spaces.rs"]
mod spaces;

/// A run is trained, the file system becomes read-only, and one command after another is tried: each line that is printed is its
/// name, its status, and whether the reason was told.
const LINE: &str = r#"
    cd "$1" && mount -t tmpfs softq . && cd "$1" || exit 99
    small="cartpole --device cpu --hidden 8 --num-envs 2 --learning-starts 64 --total-timesteps 512 --eval-episodes 2 --quiet"
    "$0" train $small --run-dir run > /dev/null || exit 98
    sums() { find run -type f -exec sha256sum {} + | sort; }
    before=$(sums)
    mount -o remount,ro "$1" || exit 97
    try() {
        name=$1; shift
        said=$("$@" 2>&1 > /dev/null); status=$?
        case $said in *"Read-only file system"*) why=" told";; *panicked*) why=" panicked";; *) why="";; esac
        echo "$name $status$why"
    }
    try resume "$0" train --resume run --total-timesteps 1024 --quiet
    try new "$0" train $small --run-dir new
    try unnamed "$0" train $small
    try export "$0" export run
    try record "$0" record run --width 40
    try plot "$0" plot run
    try eval "$0" eval run --episodes 2
    try elsewhere "$0" plot run --out "$2/curves.svg"
    [ "$before" = "$(sums)" ] && echo unchanged
"#;

#[test]
fn nothing_is_added_and_what_only_reads_works() {
    let root = tempfile::tempdir().expect("temporary directory");
    let disk = root.path().join("disk");
    std::fs::create_dir(&disk).expect("directory");
    if !spaces::available(&disk) {
        return;
    }
    let output = spaces::spaces(LINE, &[&disk, root.path()]).expect("run");
    let said = String::from_utf8_lossy(&output.stdout);
    let expected = [
        "resume 6 told",
        "new 6 told",
        "unnamed 6 told",
        "export 6 told",
        "record 6 told",
        "plot 6 told",
        "eval 0",
        "elsewhere 0",
        "unchanged",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected, "{output:?}");
    assert!(root.path().join("curves.svg").is_file());
}
