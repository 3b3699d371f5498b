//! Races put into the kernels that work together in workgroups: a barrier left out or of the other kind of memory, and guards
//! that let too many invocations through. A driver that runs the invocations of a workgroup in order hides most of them; the
//! sanitizer must name every one. `cargo run --example mutants` is about all other faults.

use softq::engine::interpret::Interpreted;
use softq::engine::kernel::Kernel;
use softq::engine::variant::Variant;
use softq::interp::sanitizer::{Kind, Level};
use softq::kernels;
use softq::verify::case::Case;
use softq::verify::{checks, sanitize};

/// Cases that a mutant is watched over, at most; and the unchanged kernel, over more of whose cases `softq verify --sanitize` goes.
const CASES: usize = 25;
const UNCHANGED_CASES: usize = 4;

/// Kernel, a line of it, what the line is made to be.
const GUARDS: &[(&str, &str, &str)] = &[
    ("grad_norm", "i < half; i += 64u", "i <= half; i += 64u"),
    ("grad_norm", "i < half; i += 64u", "i < 128u; i += 64u"),
    ("grad_norm", "if (local != 0u) {", "if (false) {"),
    ("update_end", "if (local < half) {", "if (local <= half) {"),
    ("update_end", "if (local < half) {", "if (true) {"),
    ("update_end", "if (local != 0u || agents[agent].nonfinite != 0u) {", "if (false) {"),
    ("metrics", "if (local < half) {", "if (local <= half) {"),
    ("metrics", "if (local < half) {", "if (true) {"),
    ("metrics", "if (local != 0u) {", "if (false) {"),
    ("priority_draw", "if (local < half) {", "if (local <= half) {"),
    ("priority_draw", "if (local < half) {", "if (true) {"),
    ("priority_update", "if (local < half) {", "if (local <= half) {"),
    ("priority_update", "if (local < half) {", "if (true) {"),
    ("priority_update", "if (local == 0u && learning) {", "if (local != 0u && learning) {"),
    ("exchange_temperature", "if (local < half) {", "if (local <= half) {"),
    ("conv2d_backward_weights", "if (local < half) {", "if (local <= half) {"),
    ("tabular_residual", "if (local < half) {", "if (true) {"),
];

/// A race, or nothing, that the sanitizer finds in the first cases of a kernel whose text is `source`.
fn race(kernel: &Kernel, source: String, cases: usize) -> Option<String> {
    let altered: &'static Kernel = Box::leak(Box::new(Kernel { source: source.leak(), ..*kernel }));
    for check in checks().iter().filter(|check| check.kernel.name == kernel.name) {
        for index in 0..cases {
            let case = Case { kernel: altered, ..check.draw(0, index) };
            let variant = Variant { kernel: altered, env: case.env, rule: case.rule };
            let code = Interpreted::of(&variant).unwrap_or_else(|error| panic!("{}: {error}", kernel.name));
            let (report, _) = sanitize::watch(&code, &case).expect("a dispatch");
            let mut found = report.findings.into_iter();
            if let Some(race) = found.find(|found| (found.kind, found.level) == (Kind::Race, Level::Error)) {
                return Some(race.message);
            }
        }
    }
    None
}

#[test]
fn no_barrier_can_be_left_out() {
    const BARRIERS: [&str; 2] = ["workgroupBarrier();", "storageBarrier();"];
    let (mut mutants, mut missed) = (0, Vec::new());
    for kernel in kernels::table() {
        for (barrier, other) in [(BARRIERS[0], BARRIERS[1]), (BARRIERS[1], BARRIERS[0])] {
            for (at, _) in kernel.source.match_indices(barrier) {
                let (before, after) = (&kernel.source[..at], &kernel.source[at + barrier.len()..]);
                for instead in ["", other] {
                    mutants += 1;
                    if race(kernel, format!("{before}{instead}{after}"), CASES).is_none() {
                        let line = before.lines().count();
                        missed.push(format!("{}.wgsl:{line}: '{instead}' for {barrier}", kernel.name));
                    }
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} of {mutants} races are not found:\n{}", missed.len(), missed.join("\n"));
    assert!(mutants >= 40, "{mutants}");
}

#[test]
fn guards_that_let_too_many_through_are_races() {
    let mut missed = Vec::new();
    for (name, original, mutated) in GUARDS {
        let kernel = kernels::table().iter().find(|kernel| kernel.name == *name).expect("a kernel");
        assert!(kernel.source.contains(original), "{name}.wgsl has no line '{original}'");
        if race(kernel, kernel.source.replacen(original, mutated, 1), CASES).is_none() {
            missed.push(format!("{name}.wgsl: {mutated}"));
        }
    }
    assert!(missed.is_empty(), "not found:\n{}", missed.join("\n"));
}

#[test]
fn unchanged_kernels_have_no_race() {
    let cooperating = kernels::table().iter().filter(|kernel| kernel.source.contains("Barrier();"));
    for kernel in cooperating {
        let found = race(kernel, kernel.source.to_owned(), UNCHANGED_CASES);
        assert_eq!(found, None, "{}", kernel.name);
    }
}
