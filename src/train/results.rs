//! Measured results of the shipped presets: the rows of `presets/results.toml`, which documents and `softq envs` share.
//!
//! ```
//! use softq::train::presets::preset;
//! use softq::train::results::{Measured, find, measured};
//!
//! let cartpole: &Measured = find("CartPole-v1", "sqn").expect("it was measured");
//! assert!(cartpole.budget > 0 && measured().contains(cartpole));
//! assert!(measured().iter().all(|row| preset(&row.env, &row.algo).is_some()));
//! ```

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// What a preset was measured to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Environment id.
    pub env: String,
    /// Algorithm.
    pub algo: String,
    /// Which seeds.
    pub seeds: String,
    /// Environment steps that each seed may take.
    pub budget: u64,
    /// What came out, in words.
    pub result: String,
    /// Wall time, and where it was measured.
    pub wall: String,
    /// The command that repeats it.
    pub command: String,
}

#[derive(Deserialize)]
struct File {
    result: Vec<Measured>,
}

/// All rows.
pub fn measured() -> &'static [Measured] {
    static ROWS: LazyLock<Vec<Measured>> = LazyLock::new(|| {
        toml::from_str::<File>(include_str!("../../presets/results.toml")).map_or_else(
            |error| unreachable!("the file is tested to be readable: {error}"),
            |file| file.result,
        )
    });
    &ROWS
}

/// The row of an environment and an algorithm.
pub fn find(env: &str, algo: &str) -> Option<&'static Measured> {
    measured().iter().find(|row| row.env == env && row.algo == algo)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{agents, envs, train::presets};

    #[test]
    fn every_row_has_a_preset_and_stands_in_the_documentation() {
        let docs = include_str!("../../docs/results.md");
        assert!(!measured().is_empty());
        for row in measured() {
            let id = &envs::find(&row.env).expect("environment").id;
            assert_eq!(id, &row.env);
            assert!(agents::find(&row.algo).is_ok(), "{}", row.algo);
            assert!(presets::preset(&row.env, &row.algo).is_some(), "{} has no preset", row.env);
            assert!(docs.contains(&row.command), "docs/results.md lacks `{}`", row.command);
        }
    }
}
