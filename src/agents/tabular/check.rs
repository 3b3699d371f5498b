//! Which problems can be solved: settings within their ranges, and reference policies that are policies of the table.

use super::Problem;
use crate::envs::mdp::Mdp;
use crate::error::{Error, Result};

/// Refuses what has no solution, by name.
pub(super) fn check(problem: &Problem<'_>) -> Result<()> {
    let range = |field: &str, value: f64, low: f64, high: f64, hint: &str| {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        Err(Error::invalid(field, value, format!("{low} to {high}"), hint))
    };
    if problem.settings.is_empty() || problem.max_sweeps == 0 {
        return Err(Error::invalid(
            "max_sweeps",
            problem.max_sweeps,
            "at least 1",
            "100000 suits most tables.",
        ));
    }
    check_references(problem)?;
    for setting in problem.settings {
        range("gamma", setting.gamma, 0.0, 1.0, "0.99 looks about 100 steps ahead.")?;
        range("alpha", setting.alpha, 0.0, 1e6, "0 is the hard maximum.")?;
        range("tolerance", setting.tolerance, 0.0, 1.0, "0 goes on until only rounding is left.")?;
        if setting.alpha > 0.0 && setting.alpha < 1e-6 {
            let hint = "Below, rounding of Q decides; 0 splits ties evenly.";
            return Err(Error::invalid("alpha", setting.alpha, "0, or 1e-6 to 1e6", hint));
        }
    }
    Ok(())
}

/// Each reference policy must be one: as many rows as there are states, each a distribution.
fn check_references(problem: &Problem<'_>) -> Result<()> {
    let refuse =
        |value: String, allowed: String, hint: &str| Err(Error::invalid("reference", value, allowed, hint));
    if problem.references.is_empty() {
        return Ok(());
    }
    if problem.kl {
        let hint = "kl is the entropy relative to the uniform policy, which is a reference of its own.";
        return Err(Error::invalid("kl", true, "false with a reference policy", hint));
    }
    if problem.references.len() != problem.settings.len() {
        let allowed = format!("none or {}, one per setting", problem.settings.len());
        return refuse(
            format!("{} policies", problem.references.len()),
            allowed,
            "Repeat it for every setting.",
        );
    }
    problem.references.iter().try_for_each(|reference| check_reference(problem.mdp, reference))
}

/// Whether `reference` is a policy `[states, actions]` in the table: rows that are distributions.
pub fn check_reference(mdp: &Mdp, reference: &[f64]) -> Result<()> {
    let refuse =
        |value: String, allowed: String, hint: &str| Err(Error::invalid("reference", value, allowed, hint));
    let (states, actions) = (mdp.states as usize, mdp.actions as usize);
    if reference.len() != states * actions {
        let allowed = format!("{states} states of {actions} actions each");
        return refuse(
            format!("{} probabilities", reference.len()),
            allowed,
            "Was it made for another table?",
        );
    }
    for (state, row) in reference.chunks(actions).enumerate() {
        if let Some(p) = row.iter().find(|p| !(0.0..=1.0).contains(*p)) {
            return refuse(format!("{p} in state {state}"), "0 to 1".into(), "These are probabilities.");
        }
        let sum: f64 = row.iter().sum();
        if (sum - 1.0).abs() > 1e-3 {
            let value = format!("a row that sums to {sum} in state {state}");
            return refuse(value, "rows that sum to 1, within 0.001".into(), "Divide each row by its sum.");
        }
    }
    Ok(())
}
