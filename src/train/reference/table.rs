//! Tables of probabilities: one row per state, one number per action.

use std::path::Path;

use serde::Deserialize;

use crate::agents::tabular;
use crate::envs::mdp::Mdp;
use crate::error::{Error, Result};
use crate::files;
use crate::shared::tabular::NEVER;
use crate::train::model_file::Model;

/// Files above this are no tables of policies.
const MAX_BYTES: u64 = 64 << 20;

/// What a JSON file may hold.
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

/// The rows of a JSON file.
pub(super) fn rows_of_json(path: &Path) -> Result<Vec<Vec<f64>>> {
    let failed = |message: String| Error::file("read", path, message);
    let text = files::read_text(path, MAX_BYTES).map_err(|error| failed(error.to_string()))?;
    match serde_json::from_str(&text) {
        Ok(File::Rows(rows)) => Ok(rows),
        Ok(File::Solution { states }) => Ok(states.into_iter().map(|state| state.policy).collect()),
        Err(_) => {
            let message = "it holds neither a list of rows such as [[0.5, 0.5], [1, 0]] nor a line of `softq solve --json`";
            Err(failed(message.into()))
        }
    }
}

/// The rows of a file of tensors, which holds one matrix.
pub(super) fn rows_of_tensors(path: &Path, model: &Model) -> Result<Vec<Vec<f64>>> {
    let tensors: Vec<_> = model.tensors.values().collect();
    match tensors[..] {
        [tensor] if tensor.shape.len() == 2 && tensor.shape[1] > 0 => {
            let row = |row: &[f32]| row.iter().map(|share| f64::from(*share)).collect();
            Ok(tensor.values.chunks(tensor.shape[1]).map(row).collect())
        }
        _ => {
            let message =
                "it holds neither one tensor of probabilities, [states, actions], nor the reference of a run";
            Err(Error::file("read", path, message))
        }
    }
}

/// The probabilities `[states, actions]` of a table's states, checked. Rows must sum to 1 within 0.001 and are divided by
/// their sum, since printed probabilities are rounded.
pub(super) fn of_states(path: &Path, rows: Vec<Vec<f64>>, mdp: &Mdp) -> Result<Vec<f64>> {
    let actions = mdp.actions as usize;
    let failed = |message: String| Error::file("read", path, message);
    if rows.len() != mdp.states as usize {
        return Err(failed(format!("it has {} states, and the table {}", rows.len(), mdp.states)));
    }
    if let Some((state, row)) = rows.iter().enumerate().find(|(_, row)| row.len() != actions) {
        return Err(failed(format!("state {state} has {} actions, and the table {actions}", row.len())));
    }
    let mut shares: Vec<f64> = rows.into_iter().flatten().collect();
    tabular::check_reference(mdp, &shares)?;
    for row in shares.chunks_mut(actions) {
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|share| *share /= sum);
    }
    Ok(shares)
}

/// `ln p` as the device has it.
pub(super) fn log_of(share: f64) -> f32 {
    if share > 0.0 { share.ln() as f32 } else { NEVER }
}

/// The softmax of a row.
pub(super) fn softmax(logits: &[f32]) -> Vec<f64> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let shares: Vec<f64> = logits.iter().map(|logit| (f64::from(*logit) - f64::from(top)).exp()).collect();
    let sum: f64 = shares.iter().sum();
    shares.into_iter().map(|share| share / sum).collect()
}
