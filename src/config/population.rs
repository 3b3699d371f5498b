//! Populations: from one configuration to one per agent.
//!
//! Lists make a grid: agent `i` takes combination `i mod combinations` and the seed `seed + i / combinations`, so that all
//! combinations meet the same seeds and an agent is the run that its own settings would give alone. `uniform` and
//! `log_uniform` give every agent a value of its own. Lists in `each(...)` advance together, as the slowest dimension of the grid:
//! with nothing but them, agent `i` has value `i` of every one.

use toml::Table;

use crate::config::{Config, Kind, SETTINGS, Setting, find};
use crate::error::{Error, Result};
use crate::shared::rng::pcg4d;

/// Agents of a dispatch's z axis in WebGPU.
const MAX_AGENTS: u64 = 65_535;

/// The largest whole number that a TOML file can hold.
const MAX_SEED: u64 = i64::MAX as u64;

/// One entry of `sweep`.
struct Sweep {
    setting: &'static Setting,
    values: Values,
}

enum Values {
    List(Vec<String>),
    Each(Vec<String>),
    Uniform { low: f64, high: f64, log: bool },
}

const FORM: &str = "key=a,b,c, key=each(a,b,c), key=uniform(lo,hi) or key=log_uniform(lo,hi)";

/// The setting that an entry of `sweep` gives values for, by whatever name; an error where there is none.
pub fn swept(entry: &str) -> Result<&'static Setting> {
    let name = entry.split('=').next().unwrap_or("");
    find(&name.trim().trim_start_matches('-').replace('-', "_"))
}

impl Sweep {
    fn parse(entry: &str) -> Result<Sweep> {
        let wrong = |hint: String| Error::invalid("sweep", format!("'{entry}'"), FORM, hint);
        let (_, text) = entry
            .split_once('=')
            .ok_or_else(|| wrong("For example --sweep learning_rate=1e-4,3e-4,1e-3.".into()))?;
        let setting = swept(entry)?;
        if !setting.is_sweepable() {
            let sweepable: Vec<&str> = SETTINGS.iter().filter(|s| s.is_sweepable()).map(|s| s.key).collect();
            return Err(wrong(format!(
                "'{}' is the same for all agents of a run; what may differ is {}.",
                setting.key,
                sweepable.join(", ")
            )));
        }
        let text = text.trim();
        let list = |text: &str| text.split(',').map(|value| value.trim().to_owned()).collect();
        if let Some(each) = text.strip_prefix("each(") {
            let each = each.strip_suffix(')').ok_or_else(|| wrong("The list ends with a bracket.".into()))?;
            return Ok(Sweep { setting, values: Values::Each(list(each)) });
        }
        let values = match (text.strip_prefix("log_uniform("), text.strip_prefix("uniform(")) {
            (None, None) => {
                let values: Vec<String> = list(text);
                // 0.99 and 0.990 are the same.
                let same = |a: &String, b: &String| {
                    a == b || setting.parse(a).is_some_and(|value| setting.parse(b) == Some(value))
                };
                let mut numbered = values.iter().enumerate();
                let twice = numbered.find(|(i, value)| values[..*i].iter().any(|other| same(other, value)));
                if let Some((_, value)) = twice {
                    return Err(wrong(format!(
                        "It has {value} twice, which would be the same runs once more."
                    )));
                }
                Values::List(values)
            }
            (log, linear) => {
                let ends = log.or(linear).and_then(|ends| ends.strip_suffix(')')).and_then(|ends| {
                    let (low, high) = ends.split_once(',')?;
                    Some((low.trim().parse::<f64>().ok()?, high.trim().parse::<f64>().ok()?))
                });
                let (low, high) = ends.ok_or_else(|| wrong("The ends of a range are two numbers.".into()))?;
                let log = log.is_some();
                if !(low < high && low.is_finite() && high.is_finite() && (!log || low > 0.0)) {
                    return Err(wrong(
                        "The first end must be below the second, and above 0 for log_uniform.".into(),
                    ));
                }
                Values::Uniform { low, high, log }
            }
        };
        Ok(Sweep { setting, values })
    }
}

impl Config {
    /// The configuration of every agent of this run, with `agents = 1` and no sweep of their own.
    ///
    /// ```
    /// use softq::config::{Config, swept};
    ///
    /// let rates = "lr=1e-3,3e-4";
    /// assert_eq!(swept(rates)?.key, "learning_rate");
    /// let config = Config { seed: 7, agents: 4, sweep: vec![rates.into()], ..Config::default() };
    /// let members: Vec<(f64, u64)> = config.members()?.iter().map(|of| (of.learning_rate, of.seed)).collect();
    /// assert_eq!(members, [(1e-3, 7), (3e-4, 7), (1e-3, 8), (3e-4, 8)]);
    /// # Ok::<(), softq::Error>(())
    /// ```
    pub fn members(&self) -> Result<Vec<Config>> {
        let sweeps = self.sweep.iter().map(|entry| Sweep::parse(entry)).collect::<Result<Vec<_>>>()?;
        for (i, sweep) in sweeps.iter().enumerate() {
            if sweeps[..i].iter().any(|earlier| earlier.setting.key == sweep.setting.key) {
                return Err(Error::invalid(
                    "sweep",
                    format!("'{}' twice", sweep.setting.key),
                    "each key once",
                    "Put all values of a key into one list.",
                ));
            }
        }
        let grid = sweeps
            .iter()
            .map(|sweep| if let Values::List(list) = &sweep.values { list.len() as u64 } else { 1 })
            .fold(1, u64::saturating_mul);
        let combinations = grid.saturating_mul(together(&sweeps)?);
        let drawn = sweeps.iter().any(|sweep| matches!(sweep.values, Values::Uniform { .. }));
        let agents = match u64::from(self.agents) {
            0 if drawn => {
                return Err(Error::invalid(
                    "agents",
                    0,
                    "a number of agents where a sweep draws from a range",
                    "Give --agents: every agent draws a value of its own.",
                ));
            }
            0 => combinations,
            agents => agents,
        };
        if agents < combinations || agents > MAX_AGENTS {
            return Err(Error::invalid(
                "agents",
                agents,
                format!("{combinations} (the sweep's combinations) to {MAX_AGENTS}"),
                "Give a multiple of the combinations to run each with several seeds, or shorten the lists.",
            ));
        }
        if agents > combinations && sweeps.iter().any(|sweep| sweep.setting.key == "seed") {
            return Err(Error::invalid(
                "agents",
                agents,
                format!("{combinations} where the sweep gives the seeds"),
                "More of them would be the same runs once more.",
            ));
        }
        let last = (agents - 1) / combinations;
        if self.seed > MAX_SEED - last {
            return Err(Error::invalid(
                "seed",
                self.seed,
                format!(
                    "at most {} with {agents} agents, of which the last has seed + {last}",
                    MAX_SEED - last
                ),
                "Seeds end at 9,223,372,036,854,775,807, the largest whole number that TOML knows.",
            ));
        }
        (0..agents).map(|agent| self.member(agent, combinations, &sweeps)).collect()
    }

    fn member(&self, agent: u64, combinations: u64, sweeps: &[Sweep]) -> Result<Config> {
        let unreadable = |e: String| Error::invalid("sweep", e, FORM, "Give values that the key allows.");
        let base =
            Config { agents: 1, sweep: Vec::new(), seed: self.seed + agent / combinations, ..self.clone() };
        if sweeps.is_empty() {
            return Ok(base);
        }
        let mut table = Table::try_from(base).map_err(|e| unreadable(e.to_string()))?;
        // The last list varies fastest, as in nested loops.
        let mut rest = agent % combinations;
        let is_each = |sweep: &&Sweep| matches!(sweep.values, Values::Each(_));
        let order = sweeps.iter().rev().filter(|sweep| !is_each(sweep));
        for sweep in order.chain(sweeps.iter().filter(is_each)) {
            let text = match &sweep.values {
                Values::List(list) => {
                    let length = list.len() as u64;
                    let choice = (rest % length) as usize;
                    rest /= length;
                    list[choice].clone()
                }
                // What is left when all other lists are walked.
                Values::Each(list) => list[rest as usize].clone(),
                Values::Uniform { low, high, log } => {
                    let index = sweeps.iter().position(|other| other.setting.key == sweep.setting.key);
                    let words = [
                        agent as u32,
                        index.unwrap_or(0) as u32,
                        self.seed as u32,
                        (self.seed >> 32) as u32 ^ 0x5eed,
                    ];
                    let u = (f64::from(pcg4d(words)[0]) + 0.5) / 4_294_967_296.0;
                    let between = |low: f64, high: f64| match log {
                        true => (low.ln() + u * (high.ln() - low.ln())).exp(),
                        false => low + u * (high - low),
                    };
                    match sweep.setting.kind {
                        // Every whole number has an interval of the same length around it.
                        Kind::U32 | Kind::U64 => {
                            let (low, high) = (low.ceil(), high.floor().max(low.ceil()));
                            let from = if *log { (low - 0.5).max(low / 2.0) } else { low - 0.5 };
                            between(from, high + 0.5).round().clamp(low, high).to_string()
                        }
                        _ => between(*low, *high).to_string(),
                    }
                }
            };
            let setting = sweep.setting;
            let value = setting.parse(&text).ok_or_else(|| {
                let hint = format!("`softq train --help` describes --{}.", setting.flag());
                Error::invalid(setting.key, format!("'{text}' of the sweep"), setting.expected(), hint)
            })?;
            table.insert(setting.key.to_owned(), value);
        }
        table.try_into().map_err(|e: toml::de::Error| unreadable(e.message().to_owned()))
    }
}

/// Length of the lists that advance together, 1 without any.
fn together(sweeps: &[Sweep]) -> Result<u64> {
    let mut length = None;
    for sweep in sweeps {
        if let Values::Each(list) = &sweep.values {
            let (key, own) = (sweep.setting.key, list.len());
            let known = *length.get_or_insert(own);
            if known != own {
                let allowed = format!("as long as the other lists in each(...), {known}");
                let hint = "They advance together, agent by agent.";
                return Err(Error::invalid("sweep", format!("{own} values of {key}"), allowed, hint));
            }
        }
    }
    Ok(length.unwrap_or(1) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(agents: u32, sweep: &[&str]) -> Result<Vec<Config>> {
        let sweep = sweep.iter().map(|entry| (*entry).to_owned()).collect();
        Config { agents, sweep, seed: 7, ..Config::default() }.members()
    }

    #[test]
    fn one_agent_is_the_run_itself() {
        let one = members(0, &[]).expect("one");
        assert_eq!(one, [Config { agents: 1, seed: 7, ..Config::default() }]);
        let seeds: Vec<u64> = members(3, &[]).expect("three").iter().map(|member| member.seed).collect();
        assert_eq!(seeds, [7, 8, 9]);
    }

    #[test]
    fn entries_are_known_by_every_name_of_their_setting() {
        for entry in ["learning_rate=1", "learning-rate = 1", "--learning-rate=1", "lr=1"] {
            assert_eq!(swept(entry).expect(entry).key, "learning_rate");
        }
        assert!(swept("learning_rat=1").is_err());
    }

    #[test]
    fn lists_make_a_grid_and_every_combination_meets_the_same_seeds() {
        let sweep = ["learning_rate=1e-3,3e-4", "target-entropy = 0.2, 0.5ln|A|, 0.1"];
        let grid = members(12, &sweep).expect("grid");
        let settings: Vec<(f64, String, u64)> =
            grid.iter().map(|m| (m.learning_rate, m.target_entropy.to_string(), m.seed)).collect();
        let expected = |seed: u64| {
            let row = |rate: f64, entropy: &str| (rate, entropy.to_owned(), seed);
            [1e-3, 3e-4].map(|rate| ["0.2", "0.5ln|A|", "0.1"].map(|entropy| row(rate, entropy))).concat()
        };
        assert_eq!(settings, [expected(7), expected(8)].concat());
        assert_eq!(members(0, &sweep).expect("one each").len(), 6);
    }

    #[test]
    fn lists_in_each_advance_together_behind_the_others() {
        let settings = |agents: u32, sweep: &[&str]| -> Vec<(f64, f64, u64)> {
            let members = members(agents, sweep).expect("members");
            members.iter().map(|m| (m.learning_rate, m.gamma, m.seed)).collect()
        };
        let three = ["learning_rate=each(1e-3,2e-3,3e-3)", "gamma=each(0.9, 0.8, 0.7)"];
        assert_eq!(settings(0, &three), [(1e-3, 0.9, 7), (2e-3, 0.8, 7), (3e-3, 0.7, 7)]);
        assert_eq!(settings(6, &three)[3..], [(1e-3, 0.9, 8), (2e-3, 0.8, 8), (3e-3, 0.7, 8)]);
        let mixed = ["learning_rate=each(1e-3,2e-3)", "gamma=0.9,0.8", "seed=each(5,6)"];
        assert_eq!(settings(0, &mixed), [(1e-3, 0.9, 5), (1e-3, 0.8, 5), (2e-3, 0.9, 6), (2e-3, 0.8, 6)]);
    }

    #[test]
    fn ranges_give_every_agent_its_own_value_inside_them() {
        let drawn = members(200, &["alpha=log_uniform(1e-3,1)", "target_update_interval=uniform(1,9)"]);
        let drawn = drawn.expect("ranges");
        let alphas: Vec<f64> = drawn.iter().map(|member| member.alpha).collect();
        assert!(alphas.iter().all(|alpha| (1e-3..=1.0).contains(alpha)));
        let below = alphas.iter().filter(|alpha| **alpha < 0.0316).count();
        assert!((70..=130).contains(&below), "the median of log_uniform is the geometric mean: {below}");
        let thirds = members(600, &["target_update_interval=uniform(1,3)"]).expect("members");
        for wanted in 1..=3 {
            let count = thirds.iter().filter(|config| config.target_update_interval == wanted).count();
            assert!((150..=250).contains(&count), "{count} of 600 have {wanted}");
        }
        assert!((1..=9).all(|n| drawn.iter().any(|member| member.target_update_interval == n)));
        assert_eq!(
            drawn,
            members(200, &["alpha=log_uniform(1e-3,1)", "target_update_interval=uniform(1,9)"])
                .expect("again")
        );
    }

    #[test]
    fn refusals_name_the_entry_and_the_way_out() {
        for (agents, sweep, parts) in [
            (0, vec!["hidden=64,128"], ["hidden", "same for all agents"]),
            (0, vec!["learning_rat=1"], ["learning_rat", "learning_rate"]),
            (0, vec!["gamma"], ["'gamma'", "key=a,b,c"]),
            (0, vec!["alpha=log_uniform(0,1)"], ["log_uniform(0,1)", "above 0"]),
            (0, vec!["alpha=uniform(0.1,1)"], ["agents", "--agents"]),
            (2, vec!["gamma=0.9,0.95,0.99"], ["agents", "3"]),
            (0, vec!["gamma=0.9,x"], ["gamma", "'x'"]),
            (0, vec!["gamma=0.9", "gamma=0.99"], ["gamma", "twice"]),
            (0, vec!["gamma=0.9,0.90"], ["0.90 twice", "the same runs once more"]),
            (0, vec!["gamma=each(0.9"], ["each(0.9", "bracket"]),
            (0, vec!["gamma=each(0.9,1)", "alpha=each(1)"], ["1 values of alpha", "2"]),
            (2, vec!["gamma=each(0.9,0.8,0.7)"], ["agents", "3"]),
            (4, vec!["seed=5,6"], ["agents = 4", "the same runs once more"]),
        ] {
            let text = members(agents, &sweep).expect_err("refused").to_string();
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        }
    }
}
