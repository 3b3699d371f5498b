//! Reference policies of `softq solve --reference`, read from a file.

use std::path::Path;

use serde::Deserialize;
use softq::envs::mdp::Mdp;
use softq::{Error, Result, files};

/// Word for the uniform policy.
pub const UNIFORM: &str = "uniform";

/// Files above this are no tables of policies.
const MAX_BYTES: u64 = 64 << 20;

/// What a file may hold.
#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    /// One row of probabilities per state.
    Rows(Vec<Vec<f64>>),
    /// What `softq solve --json` prints.
    Solution { states: Vec<State> },
}

#[derive(Deserialize)]
struct State {
    policy: Vec<f64>,
}

/// The probabilities `[states, actions]` that `name` stands for in a table. Rows must sum to 1 within 0.001 and are divided
/// by their sum, since printed probabilities are rounded.
pub fn read(name: &str, mdp: &Mdp) -> Result<Vec<f64>> {
    let actions = mdp.actions as usize;
    if name == UNIFORM {
        return Ok(vec![1.0 / actions as f64; mdp.outcomes.len()]);
    }
    let path = Path::new(name);
    let failed = |message: String| Error::file("read", path, message);
    let text = files::read_text(path, MAX_BYTES).map_err(|error| failed(error.to_string()))?;
    let rows = match serde_json::from_str(&text) {
        Ok(File::Rows(rows)) => rows,
        Ok(File::Solution { states }) => states.into_iter().map(|state| state.policy).collect(),
        Err(_) => {
            let message = "it holds neither a list of rows such as [[0.5, 0.5], [1, 0]] nor a line of `softq solve --json`";
            return Err(failed(message.into()));
        }
    };
    if rows.len() != mdp.states as usize {
        return Err(failed(format!("it has {} states, and the table {}", rows.len(), mdp.states)));
    }
    if let Some((state, row)) = rows.iter().enumerate().find(|(_, row)| row.len() != actions) {
        return Err(failed(format!("state {state} has {} actions, and the table {actions}", row.len())));
    }
    let normal = |row: Vec<f64>| {
        let sum: f64 = row.iter().sum();
        // Anything further from 1 is refused with the table's own message.
        let by = if (sum - 1.0).abs() <= 1e-3 { sum } else { 1.0 };
        row.into_iter().map(move |share| share / by)
    };
    Ok(rows.into_iter().flat_map(normal).collect())
}
