//! Mutants that no test can tell from the original, each with the reason.

/// One such mutant.
pub struct Equivalent {
    /// Kernel or shared file.
    pub target: &'static str,
    /// The line as it is.
    pub original: &'static str,
    /// The line of the mutant; `*` for every mutant of the original line.
    pub mutated: &'static str,
    /// Why nothing observable changes.
    pub reason: &'static str,
}

/// All of them.
pub const EQUIVALENT: &[Equivalent] = &[];

/// Why a mutant is equivalent, if it is listed.
pub fn reason(target: &str, original: &str, mutated: &str) -> Option<&'static str> {
    EQUIVALENT
        .iter()
        .find(|known| {
            known.target == target
                && known.original == original
                && (known.mutated == "*" || known.mutated == mutated)
        })
        .map(|known| known.reason)
}
