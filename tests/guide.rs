//! `docs/write-a-kernel.md` says that every block compiles in the place its title names. Here they are put there: a copy of
//! the crate gets the kernel of the guide, with its line in the tables, its case, its reference and its use, and the copy's
//! own tests and `verify` are run. The copy shares this build's dependencies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The code blocks of a language, in order.
fn blocks<'a>(guide: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    guide.split(fence.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// A copy of the crate, by path, before it is written.
struct Copy(BTreeMap<PathBuf, Vec<u8>>);

impl Copy {
    /// Takes a file, or a folder with everything below it but recorded data.
    fn take(&mut self, part: &Path) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(part);
        if !from.is_dir() {
            let bytes = std::fs::read(&from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
            self.0.insert(part.to_owned(), bytes);
            return;
        }
        for entry in std::fs::read_dir(from).expect("directory") {
            let name = entry.expect("entry").file_name();
            if name != "data" {
                self.take(&part.join(name));
            }
        }
    }

    fn text(&self, file: &str) -> String {
        String::from_utf8(self.0[Path::new(file)].clone()).expect("text")
    }

    fn put(&mut self, file: &str, text: &str) {
        self.0.insert(file.into(), text.into());
    }

    /// Puts a text before the first place that starts with `before`.
    fn insert(&mut self, file: &str, what: &str, before: &str) {
        let mut text = self.text(file);
        let at = text.find(before).unwrap_or_else(|| panic!("{file} has no '{before}'"));
        text.insert_str(at, what);
        self.put(file, &text);
    }

    /// Writes what is not there yet: unchanged files are not compiled again.
    fn write(&self, dir: &Path) {
        for (file, bytes) in &self.0 {
            let path = dir.join(file);
            if !std::fs::read(&path).is_ok_and(|found| found == *bytes) {
                std::fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
                std::fs::write(path, bytes).expect("written");
            }
        }
    }
}

fn run(command: &mut Command) {
    let output = command.output().expect("started");
    let [out, err] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(output.status.success(), "{command:?}:\n{out}\n{err}");
}

#[test]
fn the_kernel_of_the_guide_is_built_tested_and_verified() {
    let mut copy = Copy(BTreeMap::new());
    for part in
        ["Cargo.toml", "Cargo.lock", "README.md", "src", "shaders", "presets", "benches", "examples", "tests"]
    {
        copy.take(Path::new(part));
    }
    // Beside those: the other member of the workspace, what a test of all shaders reads, and the guide.
    copy.take(Path::new("web/Cargo.toml"));
    copy.take(Path::new("web/src"));
    copy.take(Path::new("tests/data/worlds"));
    copy.take(Path::new("docs/write-a-kernel.md"));
    let guide = copy.text("docs/write-a-kernel.md");
    let [shader] = blocks(&guide, "wgsl")[..] else { panic!("one shader") };
    let [declaration, case, reference, check, usage] = blocks(&guide, "rust")[..] else {
        panic!("five blocks of Rust")
    };
    // Another name for the program, so that the two builds do not write the same file.
    let manifest = copy.text("Cargo.toml");
    let renamed = manifest.replace("name = \"softq\"\npath", "name = \"softq-guide\"\npath");
    let renamed = renamed.replace("default-run = \"softq\"", "default-run = \"softq-guide\"");
    assert_ne!(manifest, renamed, "the manifest names its program");
    copy.put("Cargo.toml", &renamed);

    copy.put("shaders/advantage.wgsl", shader);
    copy.put("src/kernels/advantage.rs", declaration);
    copy.insert("src/kernels/mod.rs", "pub mod advantage;\n", "pub mod append_actions;");
    copy.insert("src/kernels/mod.rs", "&advantage::KERNEL,\n        ", "&append_actions::KERNEL,");
    let (cases, oracle) = ("src/verify/cases/rows.rs", "src/verify/oracle/rows.rs");
    for file in [cases, oracle] {
        copy.insert(file, "use crate::kernels::advantage;\n", "use crate::kernels::{");
    }
    copy.insert(cases, case, "/// The kernels of this file.");
    copy.insert(cases, check, "    Check::new(");
    copy.insert(oracle, reference, "/// ");
    copy.put(
        "tests/used.rs",
        &format!(
            "use softq::engine::cpu::CpuExecutor;\n\
             use softq::engine::executor::{{Executor, read_as, write_as}};\n\
             use softq::engine::recording::{{Buffer, Buffers, Recording}};\n\
             use softq::kernels::advantage;\n\
             fn run(executor: &mut dyn Executor, values: [f32; 8]) -> softq::Result<Vec<f32>> {{\n{usage}Ok(result)\n}}\n\
             #[test]\nfn it_runs() {{\n\
             let values = [1.0, 3.0, 2.0, 2.0, 0.0, 1.0, -4.0, 0.0];\n\
             let got = run(&mut CpuExecutor::new(), values).expect(\"runs\");\n\
             assert_eq!(got, [-1.0, 1.0, 0.0, 0.0, -0.5, 0.5, -2.0, 2.0]);\n}}\n"
        ),
    );

    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide");
    copy.write(&dir);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target directory");
    run(Command::new(env!("CARGO"))
        // Compiling takes longer than what runs here; the dependencies stay as they are built already.
        .args([
            "test",
            "--quiet",
            "--offline",
            "--config",
            "profile.dev.package.softq.opt-level=0",
            "--target-dir",
        ])
        .arg(target)
        .args(["--test", "shaders_offline", "--test", "translations", "--test", "used"])
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("SOFTQ_DIGESTS", "write")
        .current_dir(&dir));
    let program = target.join("debug").join(format!("softq-guide{}", std::env::consts::EXE_SUFFIX));
    run(Command::new(program).args(["verify", "--only", "advantage", "--device", "cpu"]).current_dir(&dir));
}
