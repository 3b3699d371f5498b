//! From windows of device statistics to the numbers people plot, and the detector of a runaway temperature.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::config::{Config, Temperature};
use crate::kernels::metrics::Metrics;
use crate::shared::agent::Agent;
use crate::train::event::Progress;

/// Episodes that the reported return is averaged over, at least.
const EPISODES: u64 = 100;

/// Running statistics of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Episodes, sum of returns and sum of lengths of each window that the reported return is the mean of.
    windows: VecDeque<(u64, f64, f64)>,
    updates: u64,
}

/// The window of a whole population: counts and sums added up, alpha and epsilon averaged, steps and updates those of the
/// agent that is furthest. Beside it the episodes of all, which may be more than a window of one agent can count.
pub fn sum_of_all(windows: &[Metrics]) -> (Metrics, u64) {
    let sum = |value: fn(&Metrics) -> f32| windows.iter().map(|window| f64::from(value(window))).sum::<f64>();
    let mean = |value: fn(&Metrics) -> f32| (sum(value) / windows.len().max(1) as f64) as f32;
    let count = |value: fn(&Metrics) -> u32| windows.iter().map(value).fold(0, u32::saturating_add);
    let furthest = |value: fn(&Metrics) -> u32| windows.iter().map(value).max().unwrap_or(0);
    let all = Metrics {
        alpha: mean(|w| w.alpha),
        epsilon: mean(|w| w.epsilon),
        env_steps: furthest(|w| w.env_steps),
        updates: furthest(|w| w.updates),
        window_episodes: count(|w| w.window_episodes),
        window_return: sum(|w| w.window_return) as f32,
        window_length: sum(|w| w.window_length) as f32,
        window_updates: count(|w| w.window_updates),
        entropy_sum: sum(|w| w.entropy_sum) as f32,
        loss_sum: sum(|w| w.loss_sum) as f32,
        q_sum: sum(|w| w.q_sum) as f32,
        grad_norm_sum: sum(|w| w.grad_norm_sum) as f32,
        ..Metrics::default()
    };
    (all, windows.iter().map(|window| u64::from(window.episodes)).sum())
}

impl Statistics {
    /// Adds one window.
    pub fn add(&mut self, window: &Metrics, wall_s: f64) -> Progress {
        self.updates = u64::from(window.updates);
        if window.window_episodes > 0 {
            self.windows.push_back((
                u64::from(window.window_episodes),
                f64::from(window.window_return),
                f64::from(window.window_length),
            ));
        }
        let mut episodes: u64 = self.windows.iter().map(|(episodes, _, _)| episodes).sum();
        while let Some((oldest, _, _)) = self.windows.front()
            && episodes - oldest >= EPISODES
        {
            episodes -= oldest;
            self.windows.pop_front();
        }
        let mean = |pick: fn(&(u64, f64, f64)) -> f64| {
            (episodes > 0).then(|| self.windows.iter().map(pick).sum::<f64>() / episodes as f64)
        };
        let per_update =
            |sum: f32| (window.window_updates > 0).then(|| f64::from(sum) / f64::from(window.window_updates));
        Progress {
            env_steps: u64::from(window.env_steps),
            updates: u64::from(window.updates),
            wall_s,
            episodes: u64::from(window.episodes),
            episodic_return: mean(|w| w.1),
            episodic_length: mean(|w| w.2),
            alpha: f64::from(window.alpha),
            entropy: per_update(window.entropy_sum),
            td_loss: per_update(window.loss_sum),
            q_values: per_update(window.q_sum),
            grad_norm: per_update(window.grad_norm_sum),
            epsilon: f64::from(window.epsilon),
        }
    }

    /// Updates so far.
    pub fn updates(&self) -> u64 {
        self.updates
    }
}

/// Watches a learned temperature. A target entropy below `ln |A|` can still be out of reach: where survival is paid in
/// entropy, action gaps grow with alpha, the entropy stalls below its target, and alpha grows without bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunawayDetector {
    target_entropy: Option<f64>,
    kl: bool,
    start_alpha: f64,
    rising_since: Option<(u64, f64)>,
    last_alpha: f64,
    /// Updates of the window before.
    #[serde(default)]
    last_updates: u64,
    /// Where alpha is clamped.
    #[serde(default = "unbounded")]
    largest_alpha: f64,
    /// Updates at which it came to be there.
    #[serde(default)]
    largest_since: Option<u64>,
    warned: bool,
}

fn unbounded() -> f64 {
    f64::INFINITY
}

impl RunawayDetector {
    /// Updates over which alpha must have risen without a pause.
    const UPDATES: u64 = 2_000;
    /// Factor by which alpha must have risen, over the start of its rise and over its initial value. Healthy runs of the KL
    /// form rise up to 75-fold before they settle.
    const FACTOR: f64 = 100.0;

    /// A detector for this run, whose agents begin with these records; it only watches learned temperatures. Of a population it
    /// watches the mean, as its statistics do.
    pub fn new(config: &Config, agents: &[Agent]) -> RunawayDetector {
        // Heads with temperatures of their own have no mean that says anything of one of them.
        let learned = matches!(config.temperature, Temperature::Learned | Temperature::LearnedExp)
            && !config.alpha_per_head;
        let mean = |value: fn(&Agent) -> f32| {
            agents.iter().map(|agent| f64::from(value(agent))).sum::<f64>() / agents.len().max(1) as f64
        };
        let alpha = mean(|agent| agent.alpha);
        RunawayDetector {
            target_entropy: learned.then(|| mean(|agent| agent.target_entropy)),
            kl: config.kl,
            start_alpha: alpha,
            rising_since: None,
            last_alpha: alpha,
            last_updates: 0,
            largest_alpha: mean(|agent| agent.log_alpha_max.exp()),
            largest_since: None,
            warned: false,
        }
    }

    /// A warning that names the cause, once.
    pub fn check(&mut self, progress: &Progress) -> Option<String> {
        let (target, entropy) = (self.target_entropy?, progress.entropy?);
        let rising = progress.alpha >= self.last_alpha && entropy < target;
        let before = (self.last_updates, self.last_alpha);
        (self.last_updates, self.last_alpha) = (progress.updates, progress.alpha);
        if !rising {
            (self.rising_since, self.largest_since) = (None, None);
            return None;
        }
        let (since, from) = *self.rising_since.get_or_insert(before);
        // The clamp is one of the logarithm, which alpha meets but for a rounding.
        if progress.alpha >= 0.999 * self.largest_alpha {
            self.largest_since.get_or_insert(progress.updates);
        }
        let long = |since: u64| progress.updates >= since + Self::UPDATES;
        let far = progress.alpha > Self::FACTOR * from.max(self.start_alpha) && long(since);
        if self.warned || !far && !self.largest_since.is_some_and(long) {
            return None;
        }
        self.warned = true;
        Some(format!(
            "runaway temperature: alpha rose from {from:.3} to {:.3} and did not fall over {} updates, while the policy's \
             entropy {entropy:.3} stays below target_entropy = {target:.3}. The target is likely out of reach in this \
             environment: lower --target-entropy{} or cap --alpha-max.",
            progress.alpha,
            progress.updates - since,
            if self.kl { "" } else { ", use --kl true," },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_return_is_the_mean_of_at_least_a_hundred_episodes() {
        let mut statistics = Statistics::default();
        let window = |episodes: u32, sum: f32| Metrics {
            window_episodes: episodes,
            window_return: sum,
            ..Metrics::default()
        };
        assert_eq!(statistics.add(&window(0, 0.0), 0.0).episodic_return, None);
        assert_eq!(statistics.add(&window(60, 600.0), 0.0).episodic_return, Some(10.0));
        assert_eq!(statistics.add(&window(60, 1200.0), 0.0).episodic_return, Some(15.0));
        // 120 newer episodes push the first window out.
        assert_eq!(statistics.add(&window(60, 1200.0), 0.0).episodic_return, Some(20.0));
    }

    #[test]
    fn a_runaway_temperature_is_named_once_and_a_healthy_one_never() {
        let config = Config::default();
        let progress = |updates, alpha, entropy| Progress {
            updates,
            alpha,
            entropy: Some(entropy),
            ..Progress::default()
        };
        let agent = crate::agents::hyper::agent(&config, 2);
        let mut detector = RunawayDetector::new(&config, &[agent]);
        let warnings =
            (0..100).filter_map(|i| detector.check(&progress(i * 100, 0.2 * 1.2f64.powi(i as i32), 0.3)));
        let warnings: Vec<String> = warnings.collect();
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("--target-entropy"), "{}", warnings[0]);
        // A clamp stops it before it has grown a hundredfold; there it stays.
        let config = Config { alpha: 1.0, alpha_max: 50.0, ..Config::default() };
        let agent = crate::agents::hyper::agent(&config, 2);
        let warnings_of = |stay: u64| {
            let mut detector = RunawayDetector::new(&config, &[agent]);
            let alpha = |i: u64| f64::from(50.0f32.ln().exp()).min(1.5f64.powi(i as i32));
            (0..12 + stay).filter_map(|i| detector.check(&progress(i * 100, alpha(i), 0.3))).count()
        };
        assert_eq!((warnings_of(10), warnings_of(40)), (0, 1));

        let mut detector = RunawayDetector::new(&config, &[agent]);
        assert!(
            (0..100).all(|i| detector.check(&progress(i * 100, 0.2 + 0.1 * (i % 7) as f64, 0.3)).is_none())
        );
    }
}
