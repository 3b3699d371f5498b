//! The training loop: replays recorded programs on an executor and reads small statistics. Nothing of an iteration runs
//! on the host, and nothing is uploaded after [`Trainer::new`].

use std::time::{Duration, Instant};

use crate::agents::plan::Plan;
use crate::config::Config;
use crate::engine::executor::{Executor, Program, read_as};
use crate::engine::recording::BufferId;
use crate::envs::{self, Env};
use crate::error::{Error, Result};
use crate::gpu::{self, Choice};
use crate::kernels::metrics::Metrics;
use crate::shared::agent::{Agent, Lane};
use crate::train::drawing::{self, Pictures};
use crate::train::event::{Evaluation, Event, NamedTensor, Report};
use crate::train::playback::{self, Policy};
use crate::train::soft_trap;
use crate::train::statistics::{RunawayDetector, Statistics};

/// Device time one submission should take: long enough to hide its overhead, far from any watchdog.
const SUBMIT_TARGET: Duration = Duration::from_millis(30);

/// Steps after which an evaluation ends in environments without a time limit; unfinished episodes count as they stand.
const LONGEST_EVALUATION: u32 = 1_000;

/// One agent in training.
pub struct Trainer {
    config: Config,
    env: &'static Env,
    plan: Plan,
    choice: Choice,
    executor: Box<dyn Executor>,
    programs: Programs,
    pace: Pace,
    started: Instant,
    /// What the short check of a user's file found, told when the run begins.
    warnings: Vec<String>,
}

/// The plan, resolved by the executor.
struct Programs {
    act: Program,
    iteration: Program,
    metrics: Program,
    evaluations: [(Program, Program); 4],
}

/// Vector steps per submission, adapted to the device.
struct Pace {
    iterations: u32,
}

impl Pace {
    /// Moves towards as many iterations as fit the target time, at most doubling.
    fn adapt(&mut self, iterations: u32, elapsed: Duration) {
        let per_iteration = elapsed.as_secs_f64() / f64::from(iterations.max(1));
        let fitting = SUBMIT_TARGET.as_secs_f64() / per_iteration.max(1e-7);
        self.iterations = (fitting as u32).clamp(1, self.iterations.saturating_mul(2)).min(4096);
    }
}

impl Trainer {
    /// Checks the configuration, opens the device, allocates and fills its memory, and resolves all programs.
    pub fn new(config: &Config) -> Result<Trainer> {
        let env = envs::open(&config.env, &config.env_values()?)?;
        let plan = crate::agents::plan(config, env)?;
        let choice = gpu::choose_to_train(&config.device, env)?;
        let mut executor = gpu::open(&choice)?;
        // A user's file may be valid and still break when it runs; the built-in ones are tested.
        let mut warnings = if env.user && choice.address != "cpu" {
            envs::check::brief(&mut *executor, env, config.seed as u32)?
        } else {
            Vec::new()
        };
        warnings.extend(soft_trap::warning(config, env));
        let mut trainer = Trainer::with_executor(config, env, plan, choice, executor)?;
        trainer.warnings = warnings;
        Ok(trainer)
    }

    /// A trainer on an executor that is already open.
    pub fn with_executor(
        config: &Config,
        env: &'static Env,
        plan: Plan,
        choice: Choice,
        mut executor: Box<dyn Executor>,
    ) -> Result<Trainer> {
        executor.allocate(&plan.buffers)?;
        for (buffer, words) in &plan.init {
            executor.write(*buffer, words)?;
        }
        let reset = executor.prepare(&plan.reset)?;
        let programs = Programs {
            act: executor.prepare(&plan.act)?,
            iteration: executor.prepare(&plan.iteration(config.train_frequency, config.gradient_steps))?,
            metrics: executor.prepare(&plan.metrics)?,
            evaluations: {
                let mut prepare = |i: usize| -> Result<(Program, Program)> {
                    let acting = &plan.evaluations[i];
                    Ok((executor.prepare(&acting.reset)?, executor.prepare(&acting.act)?))
                };
                [prepare(0)?, prepare(1)?, prepare(2)?, prepare(3)?]
            },
        };
        executor.submit(&[(reset, 1)], None)?;
        Ok(Trainer {
            config: config.clone(),
            env,
            plan,
            choice,
            executor,
            programs,
            pace: Pace { iterations: 4 },
            started: Instant::now(),
            warnings: Vec::new(),
        })
    }

    /// The device in use and why.
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Dispatches and memory, for people.
    pub fn explain(&self) -> String {
        format!(
            "device {}: {} ({})\npath: layered (the only one for now)\n{}",
            self.choice.address,
            self.choice.adapter,
            self.choice.reason,
            self.plan.explain()
        )
    }

    /// Bytes sent to the device so far.
    pub fn uploaded_bytes(&self) -> u64 {
        self.executor.uploaded_bytes()
    }

    /// Trains until the budget is used up or, if so configured, an evaluation reaches the threshold.
    pub fn run(&mut self, observe: &mut dyn FnMut(&Event) -> Result<()>) -> Result<Report> {
        self.started = Instant::now();
        for warning in std::mem::take(&mut self.warnings) {
            observe(&Event::Warning(warning))?;
        }
        let mut statistics = Statistics::default();
        let mut runaway =
            RunawayDetector::new(&self.config, self.env.actions.heads().into_iter().min().unwrap_or(1));
        let num_envs = u64::from(self.config.num_envs);
        let per_iteration = u64::from(self.config.train_frequency) * num_envs;
        let warm_up = self.config.learning_starts.min(self.config.total_timesteps);
        let mut env_steps = 0;
        let mut next_log = self.config.log_frequency;
        let mut next_eval = match self.config.eval_frequency {
            0 => u64::MAX,
            every => every,
        };
        let mut evaluated_at = None;
        let mut logged_at = 0;
        let mut solved_at_env_steps = None;
        while env_steps < self.config.total_timesteps {
            let (program, steps, until) = if env_steps < warm_up {
                (self.programs.act, num_envs, warm_up)
            } else {
                (self.programs.iteration, per_iteration, self.config.total_timesteps)
            };
            // Windows of statistics end at fixed steps, whatever the device's pace, so that runs are comparable row by row.
            let until = until.min(next_eval).min(next_log);
            let iterations = (until - env_steps).div_ceil(steps).min(u64::from(self.pace.iterations)) as u32;
            let before = Instant::now();
            env_steps += steps * u64::from(iterations);
            if env_steps >= next_log {
                let metrics = (self.programs.metrics, 1);
                self.executor.submit(&[(program, iterations), metrics], Some(self.plan.metrics_out.id))?;
                logged_at = env_steps;
                next_log = (env_steps / self.config.log_frequency + 1) * self.config.log_frequency;
            } else {
                self.executor.submit(&[(program, iterations)], None)?;
            }
            // Only a few submissions may be in flight, so in the long run submitting takes as long as the device works.
            self.pace.adapt(iterations, before.elapsed());
            self.report(false, &mut statistics, &mut runaway, observe)?;

            if env_steps >= next_eval && env_steps >= warm_up && env_steps < self.config.total_timesteps {
                self.report(true, &mut statistics, &mut runaway, observe)?;
                let greedy = self.evaluate(0)?;
                let passed = |evaluation: &Evaluation| {
                    self.env.reward_threshold.is_some_and(|t| evaluation.mean() >= t)
                };
                // A second set of episodes guards against stopping on one lucky evaluation.
                let solved = passed(&greedy) && passed(&self.evaluate(1)?);
                observe(&Event::Evaluation { env_steps, greedy })?;
                evaluated_at = Some(env_steps);
                if solved && solved_at_env_steps.is_none() {
                    solved_at_env_steps = Some(env_steps);
                }
                if solved && self.config.stop_when_solved {
                    break;
                }
            }
            if env_steps >= next_eval {
                next_eval = (env_steps / self.config.eval_frequency + 1) * self.config.eval_frequency;
            }
        }
        if logged_at != env_steps {
            // The run ended in the middle of a window.
            self.executor.submit(&[(self.programs.metrics, 1)], Some(self.plan.metrics_out.id))?;
        }
        self.report(true, &mut statistics, &mut runaway, observe)?;
        let greedy = self.evaluate(2)?;
        let softmax = self.evaluate(3)?;
        if evaluated_at != Some(env_steps) {
            observe(&Event::Evaluation { env_steps, greedy: greedy.clone() })?;
        }
        if self.env.reward_threshold.is_some_and(|threshold| greedy.mean() >= threshold) {
            solved_at_env_steps = solved_at_env_steps.or(Some(env_steps));
        }
        Ok(Report {
            env: self.env.id.clone(),
            algo: self.config.algo.clone(),
            seed: self.config.seed,
            device: self.choice.address.clone(),
            adapter: self.choice.adapter.clone(),
            env_steps,
            updates: statistics.updates(),
            wall_s: self.started.elapsed().as_secs_f64(),
            solved_at_env_steps,
            greedy,
            softmax,
        })
    }

    /// Hands arrived statistics to the observer; stops at the first non-finite value.
    fn report(
        &mut self,
        wait: bool,
        statistics: &mut Statistics,
        runaway: &mut RunawayDetector,
        observe: &mut dyn FnMut(&Event) -> Result<()>,
    ) -> Result<()> {
        for words in self.executor.collect(wait)? {
            let window: Metrics = bytemuck::cast_slice(&words)[0];
            let progress = statistics.add(&window, self.started.elapsed().as_secs_f64());
            if window.nonfinite != 0 {
                return Err(Error::Diverged {
                    what: "the loss or its gradient".into(),
                    update: u64::from(window.nonfinite),
                    env_steps: progress.env_steps,
                    kept: "model.safetensors of the run directory".into(),
                });
            }
            observe(&Event::Progress(progress.clone()))?;
            if let Some(warning) = runaway.check(&progress) {
                observe(&Event::Warning(warning))?;
            }
        }
        Ok(())
    }

    /// One episode in each evaluation environment with the current weights.
    fn evaluate(&mut self, which: usize) -> Result<Evaluation> {
        let (reset, act) = self.programs.evaluations[which];
        let lanes = self.plan.evaluations[which].lanes.id;
        self.executor.submit(&[(reset, 1)], None)?;
        let mut left = self.env.step_limit().min(LONGEST_EVALUATION);
        while left > 0 {
            // Episodes that end early end the evaluation early, at the price of one small read per chunk.
            let steps = left.min(125);
            self.executor.submit(&[(act, steps)], None)?;
            left -= steps;
            let lanes: Vec<Lane> = read_as(&mut *self.executor, lanes)?;
            if left == 0 || lanes.iter().all(|lane| lane.episodes > 0) {
                let result = |lane: &Lane| {
                    f64::from(if lane.episodes > 0 { lane.first_return } else { lane.episode_return })
                };
                return Ok(Evaluation { returns: lanes.iter().map(result).collect() });
            }
        }
        Ok(Evaluation::default())
    }

    /// The current weights of all networks, targets included, and the temperature. After [`Error::Diverged`], the last
    /// finite ones.
    pub fn weights(&mut self) -> Result<Vec<NamedTensor>> {
        let weights: Vec<f32> = read_as(&mut *self.executor, self.plan.weights.id)?;
        let mut tensors = Vec::new();
        for (name, params) in self.plan.net_names.iter().zip(weights.chunks(self.plan.net.params as usize)) {
            for parameter in &self.plan.net.parameters {
                let count: u32 = parameter.shape.iter().product();
                tensors.push(NamedTensor {
                    name: format!("{name}.{}", parameter.name),
                    shape: parameter.shape.iter().map(|dim| *dim as usize).collect(),
                    values: params[parameter.offset as usize..][..count as usize].to_vec(),
                });
            }
        }
        let log_alpha = self.agent()?.log_alpha;
        tensors.push(NamedTensor { name: "log_alpha".into(), shape: vec![1], values: vec![log_alpha] });
        Ok(tensors)
    }

    /// Pictures, `width` wide, of one greedy episode with the current weights; none if the environment has no `draw`.
    pub fn record_episode(&mut self, width: u16) -> Result<Pictures> {
        let weights: Vec<f32> = read_as(&mut *self.executor, self.plan.weights.id)?;
        let mut executor = drawing::executor_for(self.env, &self.choice)?;
        let policy = Policy::Greedy { weights: &weights };
        let seed = self.config.seed;
        let episode =
            playback::play(&self.config, self.env, policy, seed, playback::LONGEST, &mut *executor)?;
        drawing::pictures(self.env, &episode, width, &mut *executor)
    }

    /// Hyperparameters and learner state, for tests and tools.
    pub fn agent(&mut self) -> Result<Agent> {
        let agents: Vec<Agent> = read_as(&mut *self.executor, self.plan.agents.id)?;
        agents
            .first()
            .copied()
            .ok_or_else(|| Error::Kernel { kernel: "trainer".into(), message: "there is no agent".into() })
    }

    /// Raw words of a buffer by name, for tests and tools.
    pub fn read_buffer(&mut self, name: &str) -> Result<Vec<u32>> {
        let index = self.plan.buffers.decls.iter().position(|decl| decl.name == name).ok_or_else(|| {
            Error::unknown("buffer", name, self.plan.buffers.decls.iter().map(|decl| decl.name.as_str()))
        })?;
        self.executor.read(BufferId(index as u32))
    }
}
