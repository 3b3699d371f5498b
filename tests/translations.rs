//! Every kernel, with every environment, in the language of every driver: it must translate, and a change of any
//! translation must be meant. `tests/translations/digests.txt` holds one line per kernel, environment and language, and
//! beside it stand the texts of a few kernels in full, to be read in review.
//!
//! The standards' own tools judge the results: `spirv-val` every SPIR-V module, `glslangValidator` every GLSL text. HLSL has
//! no such judge here: glslang's HLSL front end cannot read `(float4[4][2])0`, which naga writes and Microsoft's compiler
//! takes.
//!
//! `SOFTQ_DIGESTS=write cargo test --test translations` accepts what the kernels have become.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rayon::prelude::*;
use sha2::{Digest, Sha256};
use softq::engine::translate::{Language, translate};
use softq::engine::variant::Variant;

/// How a change is accepted.
const ACCEPT: &str = "SOFTQ_DIGESTS=write cargo test --test translations";

/// Kernels whose text is kept, and the languages in which it is.
const IN_FULL: [&str; 3] = ["act_step+cartpole", "adam", "dense_forward"];
const FULL_LANGUAGES: [Language; 2] = [Language::Msl, Language::Glsl];

/// What no translation of a compute shader lacks.
fn landmark(language: Language) -> &'static [u8] {
    match language {
        Language::Wgsl => b"fn main(",
        Language::Spirv => b"GLSL.std.450",
        Language::Msl => b"kernel void",
        Language::Hlsl => b"numthreads",
        Language::Glsl => b"void main(",
    }
}

/// A translation: the kernel with its environment, the language, and what was written.
struct Translation {
    name: String,
    language: Language,
    bytes: Vec<u8>,
}

impl Translation {
    fn digest(&self) -> String {
        let digest = Sha256::digest(&self.bytes);
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// All translations, in the order of the table of digests.
fn translations(languages: &[Language]) -> Vec<Translation> {
    let mut variants =
        Variant::all(softq::kernels::table(), softq::envs::registry(), softq::kernels::targets::RULES);
    variants.sort_by_key(Variant::name);
    let all = variants.par_iter().flat_map(|variant| {
        let (name, text) = (variant.name(), variant.text().expect("imports resolve"));
        let written = languages.iter().map(|language| {
            let bytes = translate(&name, &text, *language).unwrap_or_else(|error| panic!("{error}"));
            let mark = landmark(*language);
            let found = bytes.windows(mark.len()).any(|window| window == mark);
            assert!(found, "{name}: {} without '{}'", language.name(), String::from_utf8_lossy(mark));
            Translation { name: name.clone(), language: *language, bytes }
        });
        written.collect::<Vec<_>>()
    });
    all.collect()
}

fn place(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/translations").join(file)
}

/// Lines of a table of digests: name and language, then the digest.
fn lines(table: &str) -> BTreeMap<&str, &str> {
    table.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' ')).collect()
}

#[test]
fn every_kernel_translates_as_it_did() {
    let translations = translations(&Language::ALL[1..]);
    let mut table = format!("# {ACCEPT}\n");
    for one in &translations {
        if one.language == Language::Spirv {
            let module = rspirv::dr::load_bytes(&one.bytes);
            assert!(module.is_ok(), "{}: {:?}", one.name, module.err());
        }
        table += &format!("{} {} {}\n", one.name, one.language.name(), one.digest());
    }
    let full: Vec<_> = translations
        .iter()
        .filter(|one| IN_FULL.contains(&&*one.name) && FULL_LANGUAGES.contains(&one.language))
        .map(|one| (format!("{}.{}", one.name, one.language.extension()), &one.bytes))
        .collect();
    assert_eq!(full.len(), IN_FULL.len() * FULL_LANGUAGES.len(), "a kernel kept in full is in no table");
    if std::env::var("SOFTQ_DIGESTS").is_ok_and(|value| value == "write") {
        std::fs::write(place("digests.txt"), &table).expect("written");
        for (file, bytes) in full {
            std::fs::write(place(&file), bytes).expect("written");
        }
        return;
    }
    let read = |file: &str| {
        // A checkout on Windows may have other line ends.
        let text = std::fs::read_to_string(place(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        text.replace("\r\n", "\n")
    };
    let committed = read("digests.txt");
    let (had, has) = (lines(&committed), lines(&table));
    let mut changed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for key in had.keys().chain(has.keys()).collect::<BTreeSet<_>>() {
        if let Some((kernel, language)) = key.split_once(' ').filter(|_| had.get(key) != has.get(key)) {
            changed.entry(kernel).or_default().push(language);
        }
    }
    let list: Vec<String> =
        changed.iter().map(|(kernel, languages)| format!("  {kernel}: {}", languages.join(", "))).collect();
    assert!(
        changed.is_empty(),
        "{} kernels translate to other texts than before (or are new, or gone):\n{}\n\
         `softq kernels --dump DIR` writes the texts. If the change is meant: {ACCEPT}",
        changed.len(),
        list.join("\n")
    );
    for (file, bytes) in full {
        assert_eq!(
            read(&file).as_bytes(),
            bytes,
            "tests/translations/{file}; if the change is meant: {ACCEPT}"
        );
    }
}

/// Whether the judges are left out, loudly.
fn without_judges() -> bool {
    let without = std::env::var("SOFTQ_NO_GPU").is_ok_and(|value| value == "1");
    if without {
        eprintln!("SOFTQ_NO_GPU=1: SPIR-V AND GLSL ARE NOT JUDGED BY THE STANDARDS' TOOLS");
    }
    without
}

/// Runs a judge on files.
fn judge(tool: &str, package: &str, arguments: &[&str], files: &[PathBuf]) -> Output {
    Command::new(tool).args(arguments).args(files).output().unwrap_or_else(|error| {
        panic!(
            "{tool}: {error}. Install it (Debian, Ubuntu: apt-get install {package}; macOS: brew install spirv-tools glslang), \
             or set SOFTQ_NO_GPU=1 to leave the judges out."
        )
    })
}

fn words_of(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// Every translation into one language, as files of a directory.
fn files(language: Language, dir: &Path) -> Vec<PathBuf> {
    let write = |one: Translation| {
        let path = dir.join(format!("{}.{}", one.name, language.extension()));
        std::fs::write(&path, &one.bytes).expect("written");
        path
    };
    translations(&[language]).into_iter().map(write).collect()
}

#[test]
fn spirv_val_accepts_every_module() {
    if without_judges() {
        return;
    }
    let dir = tempfile::tempdir().expect("directory");
    let files = files(Language::Spirv, dir.path());
    let accepts = |file: &PathBuf| {
        judge("spirv-val", "spirv-tools", &["--target-env", "vulkan1.0"], std::slice::from_ref(file))
    };
    files.par_iter().for_each(|file| {
        let output = accepts(file);
        assert!(output.status.success(), "{}: {}", file.display(), words_of(&output));
    });
    // It bites: the same module without its last word.
    let mut words = std::fs::read(&files[0]).expect("module");
    let end = words.len() - 4;
    words.truncate(end);
    let broken = dir.path().join("broken.spv");
    std::fs::write(&broken, words).expect("written");
    assert!(!accepts(&broken).status.success(), "a module cut short was accepted");
}

#[test]
fn glslang_accepts_every_text() {
    if without_judges() {
        return;
    }
    let dir = tempfile::tempdir().expect("directory");
    let files = files(Language::Glsl, dir.path());
    let accepts = |files: &[PathBuf]| judge("glslangValidator", "glslang-tools", &[], files);
    let output = accepts(&files);
    assert!(output.status.success(), "{}", words_of(&output));
    let text = std::fs::read_to_string(&files[0]).expect("text");
    let broken = dir.path().join("broken.comp");
    std::fs::write(&broken, text.replacen("void main(", "void main(float x, ", 1)).expect("written");
    assert!(!accepts(&[broken]).status.success(), "a main with an argument was accepted");
}
