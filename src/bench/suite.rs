//! What a run of the benchmark times: three suites, of which each has the rows of the one before.

use std::collections::BTreeSet;

use crate::bench::roofline::{self, Limits};
use crate::bench::row::{Group, Row};
use crate::bench::timing::Effort;
use crate::bench::workload::{self, TRAININGS};
use crate::bench::{environments, kernels, training};
use crate::config::Config;
use crate::engine::executor::Executor;
use crate::envs;
use crate::error::{Error, Result};
use crate::gpu;
use crate::kernels::table;
use crate::verify::case::Case;

/// How much is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suite {
    /// Seconds: limits, the kernels of one training, one environment, one training.
    Quick,
    /// At most three minutes on two cores: every kernel, environments, populations of up to 32 agents.
    Standard,
    /// What a submission holds: also a million environments, 1,024 agents and verification.
    Device,
}

/// The words of the suites.
pub const SUITES: [(&str, Suite); 3] =
    [("quick", Suite::Quick), ("standard", Suite::Standard), ("device", Suite::Device)];

impl Suite {
    /// By its word.
    pub fn find(name: &str) -> Result<Suite> {
        let found = SUITES.iter().find(|(word, _)| *word == name).map(|(_, suite)| *suite);
        found.ok_or_else(|| Error::unknown("suite", name, SUITES.iter().map(|(word, _)| *word)))
    }

    /// Its word.
    pub fn name(self) -> &'static str {
        SUITES.iter().find(|(_, suite)| *suite == self).map_or("", |(word, _)| word)
    }

    fn effort(self, repeats: usize) -> Effort {
        let sample_s = match self {
            Suite::Quick => 0.002,
            Suite::Standard => 0.005,
            Suite::Device => 0.02,
        };
        Effort { sample_s, repeats }
    }

    /// Environments, how many of them, how many steps.
    fn environments(self) -> Vec<(&'static str, u32, u32)> {
        let mut list = vec![("CartPole-v1", 4096, 500)];
        if self >= Suite::Standard {
            list.extend([("CartPole-v1", 1, 500), ("CartPole-v1", 65_536, 100)]);
            let others = ["Acrobot-v1", "MountainCar-v0", "Pendulum-v1", "FrozenLake-v1", "Breakout-MinAtar"];
            list.extend(others.map(|env| (env, 4096, 250)));
        }
        if self >= Suite::Device {
            list.extend([("CartPole-v1", 1 << 20, 20), ("Breakout-MinAtar", 65_536, 100)]);
        }
        list
    }

    /// Trainings and the seconds of each.
    fn trainings(self) -> (Vec<Training>, f64) {
        // That of the side-by-side with JAX (docs/performance.md).
        const WORKLOAD: &[&str] = &[
            "buffer_size=10240",
            "hidden=[120,84]",
            "batch_size=128",
            "num_envs=10",
            "gradient_steps=1",
            "train_frequency=1",
        ];
        let one = |env, algo, settings| Training { env, algo, settings, agents: 1, megakernel: false };
        let population = |agents| Training { agents, ..one("CartPole-v1", "sqn", WORKLOAD) };
        let mut list = vec![population(1)];
        if self >= Suite::Standard {
            list.extend([8, 32].map(population));
            list.extend([
                one("CartPole-v1", "sqn", &[]),
                one("CartPole-v1", "soft_pqn", &[]),
                one("Pendulum-v1", "sac", &["hidden=[256,256]", "batch_size=256"]),
                one("Breakout-MinAtar", "dqn", &["network=minatar"]),
            ]);
        }
        if self >= Suite::Device {
            list.extend([128, 1024].map(population));
            list.extend([128, 1024].map(|agents| Training { megakernel: true, ..population(agents) }));
            list.push(one("CartPole-v1", "sqn", &["hidden=[400,300]", "batch_size=100", "num_envs=10"]));
        }
        let seconds = match self {
            Suite::Quick => 0.5,
            Suite::Standard => 1.5,
            Suite::Device => 5.0,
        };
        (list, seconds)
    }
}

/// A training of a suite.
struct Training {
    env: &'static str,
    algo: &'static str,
    settings: &'static [&'static str],
    agents: u32,
    megakernel: bool,
}

impl Training {
    fn name(&self) -> String {
        format!("{} {}", self.env, self.algo)
    }

    fn config(&self) -> Result<Config> {
        let config = workload::config(self.env, self.algo, self.settings)?;
        Ok(Config { agents: self.agents, megakernel: self.megakernel, ..config })
    }
}

/// What to time.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How much.
    pub suite: Suite,
    /// Samples of each row.
    pub repeats: usize,
    /// Only rows of this group, or of this name.
    pub only: Option<String>,
}

impl Options {
    /// Whether any row of the group could be wanted.
    fn wants_group(&self, group: Group) -> bool {
        let Some(only) = &self.only else { return true };
        let groups = [Group::Roofline, Group::Kernel, Group::Environment, Group::Training];
        group.name() == only || !groups.iter().any(|group| group.name() == only)
    }

    /// Whether the row of this name is wanted: by its group, its name, or a word of it, an environment's by any of its names.
    fn wants(&self, group: Group, name: &str) -> bool {
        let Some(only) = &self.only else { return true };
        // No file is read for it.
        let is_word = only.chars().all(|c| c.is_alphanumeric() || "-_".contains(c));
        let env = is_word.then(|| envs::find(only).ok()).flatten();
        let same = |word: &str| word.eq_ignore_ascii_case(only) || env.is_some_and(|env| env.id == word);
        same(group.name())
            || same(name)
            || name.split('+').next().is_some_and(same)
            || name.split(' ').any(same)
    }

    /// Refuses a name that no row of any suite has, before minutes are spent.
    pub fn check(&self) -> Result<()> {
        let Some(only) = &self.only else { return Ok(()) };
        let trainings = Suite::Device.trainings().0.into_iter().map(|training| training.name());
        let environments = Suite::Device.environments().into_iter().map(|(env, ..)| env.to_owned());
        let kernels = table().iter().map(|kernel| kernel.name.to_owned());
        let limits = roofline::NAMES.iter().map(|name| (*name).to_owned());
        let groups = [
            (Group::Roofline, limits.collect::<Vec<_>>()),
            (Group::Kernel, kernels.collect()),
            (Group::Environment, environments.collect()),
            (Group::Training, trainings.collect()),
        ];
        if groups.iter().any(|(group, names)| names.iter().any(|name| self.wants(*group, name))) {
            return Ok(());
        }
        let names = groups
            .iter()
            .flat_map(|(group, names)| std::iter::once(group.name()).chain(names.iter().map(String::as_str)));
        let known: BTreeSet<&str> = names.collect();
        Err(Error::unknown("row", only, known))
    }
}

/// What came of it beside the rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The device's limits, where they were timed.
    pub limits: Limits,
    /// Rows that the device or the machine has no room for, and why.
    pub left_out: Vec<String>,
}

/// Times the suite, telling each row as soon as it is there.
pub fn run(
    executor: &mut dyn Executor,
    options: &Options,
    on_row: &mut dyn FnMut(Row) -> Result<()>,
) -> Result<Outcome> {
    let effort = options.suite.effort(options.repeats);
    let mut outcome = Outcome::default();
    let mut rows = 0;
    let mut tell = |row: Row| {
        rows += 1;
        on_row(row)
    };
    // Kernels are shown as shares of the limits.
    if options.wants_group(Group::Roofline) || options.wants_group(Group::Kernel) {
        outcome.limits = roofline::measure(executor, effort, &mut |row| match options
            .wants(Group::Roofline, &row.name)
        {
            true => tell(row),
            false => Ok(()),
        })?;
    }
    if options.wants_group(Group::Kernel) {
        for case in cases(options)? {
            let Some(check) = workload::check_of(&case) else { continue };
            let row = kernels::measure(executor, check, &case, &outcome.limits, &effort);
            keep(row, &case.label, &mut outcome.left_out)?.map_or(Ok(()), &mut tell)?;
        }
    }
    for (env, num_envs, steps) in options.suite.environments() {
        if options.wants(Group::Environment, env) {
            let row = environments::measure(executor, env, (num_envs, steps), &effort);
            let name = format!("{env}, {num_envs} environments");
            keep(row, &name, &mut outcome.left_out)?.map_or(Ok(()), &mut tell)?;
        }
    }
    let hardware = gpu::choose(executor.address()).is_ok_and(|choice| choice.hardware);
    let (trainings, seconds) = options.suite.trainings();
    for training in trainings {
        let name = training.name();
        if options.wants(Group::Training, &name) {
            let config = training.config()?;
            let name = format!("{name}, {} agents", training.agents);
            if config.megakernel && !hardware {
                outcome.left_out.push(format!("{name}, megakernel: on GPUs in hardware alone"));
                continue;
            }
            let rows = training::measure(executor, &config, seconds, &effort);
            keep(rows, &name, &mut outcome.left_out)?.into_iter().flatten().try_for_each(&mut tell)?;
        }
    }
    if rows == 0 && outcome.left_out.is_empty() {
        let only = options.only.as_deref().unwrap_or("");
        let allowed = format!("the name of a row of the suite {}", options.suite.name());
        return Err(Error::invalid(
            "--only",
            only,
            allowed,
            "The suites standard and device have more rows.",
        ));
    }
    Ok(outcome)
}

/// A row, or the note that there was no room for it.
fn keep<T>(row: Result<T>, name: &str, left_out: &mut Vec<String>) -> Result<Option<T>> {
    match row {
        Err(error @ (Error::TooLarge { .. } | Error::OutOfMemory { .. })) => {
            left_out.push(format!("{name}: {error}"));
            Ok(None)
        }
        row => row.map(Some),
    }
}

/// The cases that are wanted, in the order of the kernel table.
pub fn cases(options: &Options) -> Result<Vec<Case>> {
    let trainings = if options.suite == Suite::Quick { &TRAININGS[..1] } else { TRAININGS };
    let (mut known, mut cases) = (BTreeSet::new(), Vec::new());
    for (env, algo, settings) in trainings {
        cases.extend(workload::cases_of(&workload::config(env, algo, settings)?, &mut known)?);
    }
    if options.suite > Suite::Quick {
        let seen: BTreeSet<&str> = cases.iter().map(|case| case.kernel.name).collect();
        let rest = crate::verify::checks().iter().filter(|check| !seen.contains(check.kernel.name));
        let rest = rest.filter(|check| table().iter().any(|kernel| kernel.name == check.kernel.name));
        let rest: Vec<Case> = rest.map(workload::largest_case).collect();
        cases.extend(rest);
    }
    cases.retain(|case| options.wants(Group::Kernel, &workload::name_of(case)));
    cases.sort_by_key(|case| table().iter().position(|kernel| kernel.name == case.kernel.name));
    Ok(cases)
}
