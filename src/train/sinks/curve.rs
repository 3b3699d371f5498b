//! The learning curve, collected while training; `curve.svg`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::Config;
use crate::error::Result;
use crate::report::curve::{Band, CurvePoint, write_band_svg, write_curve_svg};
use crate::report::terminal::plot_terminal;
use crate::statistics::bootstrap::median_band;
use crate::train::event::{Evaluation, Event};
use crate::train::run_dir::{CURVE_FILE, RunDir};
use crate::train::sinks::points::{Line, Rounds};
use crate::train::sinks::{Sink, kept, population, taken_back};
use crate::train::trainer::Trainer;

/// Points of the learning curve: of a long run those that a picture can show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    training: Line,
    evaluation: Line,
    /// The evaluations of each agent of a population.
    agents: Rounds,
}

impl Curves {
    /// Takes the points of an event.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Progress(progress) => {
                if let Some(mean) = progress.episodic_return {
                    self.training.push(CurvePoint { env_steps: progress.env_steps, mean });
                }
            }
            Event::Evaluation { env_steps, greedy } => {
                self.evaluation.push(CurvePoint { env_steps: *env_steps, mean: greedy.mean() });
            }
            Event::AgentsEvaluation { env_steps, greedy } => {
                self.agents.push(*env_steps, greedy.iter().map(Evaluation::mean));
            }
            _ => {}
        }
    }

    /// Mean returns of training episodes.
    pub fn training(&self) -> &[CurvePoint] {
        self.training.points()
    }

    /// Mean returns of evaluations.
    pub fn evaluation(&self) -> &[CurvePoint] {
        self.evaluation.points()
    }

    /// The evaluations as text for the terminal; a run too short for two of them shows the training returns, and the
    /// evaluation after them.
    pub fn terminal(&self, threshold: Option<f64>) -> String {
        let mut points = self.evaluation().to_vec();
        if points.len() < 2 {
            points.splice(0..0, self.training().iter().copied());
        }
        plot_terminal(&points, threshold, 72, 16)
    }
}

/// Settings that are drawn, at most: as many as there are colours that stay apart.
const MOST_SETTINGS: usize = 6;

/// Resamples of an interval.
const RESAMPLES: usize = 2_000;

/// Agents of a population that differ in their seeds alone.
struct Setting {
    label: String,
    agents: Vec<usize>,
}

/// The settings of a population, in the order of its agents.
fn settings_of(config: &Config, members: &[Config]) -> Vec<Setting> {
    let keys: Vec<String> = population::keys(&config.sweep).into_iter().filter(|key| key != "seed").collect();
    let mut settings: Vec<Setting> = Vec::new();
    for (agent, member) in members.iter().enumerate() {
        let values = population::settings(member, &keys);
        let words: Vec<String> =
            keys.iter().zip(values).map(|(key, value)| format!("{key}={value}")).collect();
        let label = if words.is_empty() { "evaluation".into() } else { words.join(", ") };
        match settings.iter_mut().find(|setting| setting.label == label) {
            Some(setting) => setting.agents.push(agent),
            None => settings.push(Setting { label, agents: vec![agent] }),
        }
    }
    settings
}

/// The evaluations of some agents, as their median with its 95% interval at every step.
fn bands(agents: &[usize], rounds: &Rounds) -> Vec<Band> {
    let band = |(at, env_steps): (usize, &u64)| {
        let means: Vec<f64> =
            agents.iter().filter_map(|agent| rounds.means(*agent).get(at).copied()).collect();
        let (low, median, high) = median_band(&means, RESAMPLES, 0);
        Band { env_steps: *env_steps, low, median, high }
    };
    rounds.env_steps().iter().enumerate().map(band).collect()
}

/// Writes the curve when the run is over: of a population a line for every setting, with a band over its seeds.
pub struct CurveSvg {
    curves: Curves,
    title: String,
    threshold: Option<f64>,
    seed: u64,
    settings: Vec<Setting>,
}

impl CurveSvg {
    /// An empty curve, or that of a checkpoint.
    pub fn open(trainer: &Trainer, state: Option<&Value>) -> Result<CurveSvg> {
        let config = trainer.config();
        Ok(CurveSvg {
            curves: taken_back(CURVE_FILE, state)?,
            title: format!("{} with {}", config.env, config.algo),
            threshold: trainer.env().reward_threshold,
            seed: config.seed,
            settings: settings_of(config, trainer.members()),
        })
    }
}

impl Sink for CurveSvg {
    fn take(&mut self, event: &Event, _: &RunDir) -> Result<()> {
        self.curves.take(event);
        Ok(())
    }

    fn state(&self) -> Result<Value> {
        kept(CURVE_FILE, &self.curves)
    }

    fn close(&mut self, dir: &RunDir) -> Result<()> {
        let agents = &self.curves.agents;
        let file = dir.file(CURVE_FILE);
        // Before there are two evaluations, no line can be drawn.
        if agents.env_steps().len() > 1 {
            let (title, bands) = self.population(agents);
            return write_band_svg(&file, &title, &bands, self.threshold);
        }
        let whose = match self.agents() {
            1 => format!("seed {}", self.seed),
            agents => format!("{agents} agents together"),
        };
        let title = format!("{}, {whose}", self.title);
        let (training, evaluation) = (self.curves.training(), self.curves.evaluation());
        write_curve_svg(&file, &title, training, evaluation, self.threshold)
    }
}

impl CurveSvg {
    fn agents(&self) -> usize {
        self.settings.iter().map(|setting| setting.agents.len()).sum()
    }

    /// What the picture of a population shows, in words and as bands: its settings, or the best of them.
    fn population(&self, rounds: &Rounds) -> (String, Vec<(String, Vec<Band>)>) {
        let mut all: Vec<(String, Vec<Band>)> = self
            .settings
            .iter()
            .map(|setting| (setting.label.clone(), bands(&setting.agents, rounds)))
            .collect();
        let (settings, agents) = (all.len(), self.agents());
        let what = if agents > settings { "median over seeds and its 95% interval" } else { "one seed each" };
        let of = match settings {
            1 => format!("{agents} seeds"),
            _ if settings > MOST_SETTINGS => {
                let last = |bands: &[Band]| bands.last().map_or(f64::NEG_INFINITY, |band| band.median);
                all.sort_by(|a, b| last(&b.1).total_cmp(&last(&a.1)));
                all.truncate(MOST_SETTINGS);
                format!("the best {MOST_SETTINGS} of {settings} settings")
            }
            _ => format!("{settings} settings"),
        };
        (format!("{}, {of}: greedy evaluation, {what}", self.title), all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::event::Progress;

    #[test]
    fn a_lone_evaluation_ends_the_curve_of_a_short_run() {
        let mut curves = Curves::default();
        for (env_steps, mean) in [(1_000, -0.9), (2_000, -0.1)] {
            curves.take(&Event::Progress(Progress {
                env_steps,
                episodic_return: Some(mean),
                ..Progress::default()
            }));
        }
        let before = curves.terminal(Some(0.9));
        let greedy = Evaluation::of_returns([1.0]);
        curves.take(&Event::Evaluation { env_steps: 2_000, greedy });
        let after = curves.terminal(Some(0.9));
        let top = |text: &str| {
            text.lines().skip(1).take(3).any(|line| line.contains(|c| ('\u{2801}'..='\u{28ff}').contains(&c)))
        };
        assert!(!top(&before) && top(&after), "{before}{after}");
    }

    #[test]
    fn agents_that_differ_in_their_seeds_are_one_setting_with_a_band() {
        let sweep = vec!["learning-rate=1e-3,3e-4".to_owned()];
        let config = Config { sweep, agents: 6, ..Config::default() };
        let settings = settings_of(&config, &config.members().expect("members"));
        let labels: Vec<(&str, &[usize])> =
            settings.iter().map(|setting| (setting.label.as_str(), &setting.agents[..])).collect();
        assert_eq!(labels, [("learning_rate=0.001", &[0, 2, 4][..]), ("learning_rate=0.0003", &[1, 3, 5])]);
        let mut curves = Curves::default();
        for (env_steps, lift) in [(1_000, 0.0), (2_000, 10.0)] {
            let greedy = (0..6).map(|agent| Evaluation::of_returns([f64::from(agent) + lift])).collect();
            curves.take(&Event::AgentsEvaluation { env_steps, greedy });
        }
        let medians = |agents: &[usize]| -> Vec<(u64, f64)> {
            bands(agents, &curves.agents).iter().map(|band| (band.env_steps, band.median)).collect()
        };
        assert_eq!(medians(&settings[1].agents), [(1_000, 3.0), (2_000, 13.0)]);
        let svg =
            CurveSvg { curves: curves.clone(), title: "E with a".into(), threshold: None, seed: 0, settings };
        let (title, drawn) = svg.population(&curves.agents);
        assert_eq!(title, "E with a, 2 settings: greedy evaluation, median over seeds and its 95% interval");
        assert!(drawn[0].1[1].low <= 12.0 && drawn[0].1[1].high >= 12.0);
        // Every agent with a setting of its own, more than can be told apart.
        let sweep = vec!["alpha=0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8".to_owned()];
        let config = Config { sweep, agents: 8, ..Config::default() };
        let settings = settings_of(&config, &config.members().expect("members"));
        let mut agents = Rounds::default();
        for env_steps in [5, 9] {
            agents.push(env_steps, (0..8).map(f64::from));
        }
        let (title, drawn) = CurveSvg { settings, ..svg }.population(&agents);
        assert_eq!(title, "E with a, the best 6 of 8 settings: greedy evaluation, one seed each");
        assert_eq!((drawn.len(), drawn[0].0.as_str(), drawn[0].1[0].median), (6, "alpha=0.8", 7.0));
    }
}
