//! The settings of a sweep in order, best first, over all their seeds.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use crate::train::sweep::Trial;
use crate::train::trials::Settings;

/// Settings of a sweep with what all their seeds came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// The first trial of them.
    pub trial: u64,
    /// Settings without the seed.
    pub settings: Settings,
    /// Mean over seeds of the greedy return; none where a seed diverged.
    pub eval_greedy_mean: Option<f64>,
    /// The greedy return of each seed.
    pub seeds: Vec<Option<f64>>,
    /// How many of them are solved.
    pub solved: usize,
}

/// What is finished, the best settings first; those of which some seeds are still to come are behind the others.
pub fn ranking<'a>(trials: impl Iterator<Item = &'a Trial>) -> Vec<Standing> {
    let mut standings: Vec<Standing> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    // Settings that were drawn twice with one seed are one run.
    let mut seen = HashSet::new();
    for trial in trials.filter(|trial| seen.insert(Value::Object(trial.settings.clone()).to_string())) {
        let mut settings = trial.settings.clone();
        settings.remove("seed");
        let mean = trial.outcome.eval_greedy_mean;
        let solved = usize::from(trial.outcome.solved_at_env_steps.is_some());
        let place = *places.entry(Value::Object(settings.clone()).to_string()).or_insert(standings.len());
        match standings.get_mut(place) {
            Some(standing) => {
                standing.seeds.push(mean);
                standing.solved += solved;
            }
            None => standings.push(Standing {
                trial: trial.trial,
                settings,
                eval_greedy_mean: None,
                seeds: vec![mean],
                solved,
            }),
        }
    }
    for standing in &mut standings {
        let returns: Option<Vec<f64>> = standing.seeds.iter().copied().collect();
        standing.eval_greedy_mean = returns.map(|all| all.iter().sum::<f64>() / all.len() as f64);
    }
    let value = |standing: &Standing| standing.eval_greedy_mean.unwrap_or(f64::NEG_INFINITY);
    // One lucky seed must not go before a mean of several.
    let most = standings.iter().map(|standing| standing.seeds.len()).max();
    let whole = |standing: &Standing| Some(standing.seeds.len()) == most;
    standings.sort_by(|a, b| {
        whole(b).cmp(&whole(a)).then(value(b).total_cmp(&value(a))).then(a.trial.cmp(&b.trial))
    });
    standings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::trials::Outcome;

    #[test]
    fn settings_are_ranked_over_their_seeds() {
        let trial = |trial: u64, gamma: f64, mean: Option<f64>| Trial {
            trial,
            settings: serde_json::json!({"gamma": gamma, "seed": trial}).as_object().expect("one").clone(),
            outcome: Outcome {
                env_steps: Some(1),
                solved_at_env_steps: mean.filter(|mean| *mean > 5.0).map(|_| 1),
                diverged_at_update: None,
                eval_greedy_mean: mean,
                eval_greedy_std: mean,
                eval_softmax_mean: mean,
                eval_softmax_std: mean,
            },
        };
        let trials = [
            trial(0, 0.9, Some(1.0)),
            trial(1, 0.9, Some(3.0)),
            trial(2, 0.8, Some(9.0)),
            trial(3, 0.8, None),
            trial(4, 0.7, Some(6.0)),
            trial(4, 0.7, Some(6.0)),
        ];
        let ranking = ranking(trials.iter());
        let found: Vec<_> = ranking.iter().map(|s| (s.trial, s.eval_greedy_mean, s.solved)).collect();
        // Of the last one a seed is still to come.
        assert_eq!(found, [(0, Some(2.0), 0), (2, None, 1), (4, Some(6.0), 1)]);
    }
}
