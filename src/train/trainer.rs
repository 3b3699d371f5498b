//! The training loop: replays recorded programs on an executor and reads small statistics. Nothing of an iteration runs
//! on the host, and nothing is uploaded after [`Trainer::new`].

use std::time::{Duration, Instant};

use crate::agents::plan::{Plan, Shard};
use crate::config::{Config, PathChoice};
use crate::engine::executor::{Executor, Program, read_as};
use crate::engine::recording::BufferId;
use crate::envs::{self, Env};
use crate::error::{Error, Result};
use crate::gpu::{self, Choice};
use crate::kernels::metrics::Metrics;
use crate::shared::agent::{Agent, Lane};
use crate::train::drawing::{self, Pictures};
use crate::train::event::{Evaluation, Event, Member, NamedTensor, Report};
use crate::train::playback::{self, Policy};
use crate::train::soft_trap;
use crate::train::statistics::{RunawayDetector, Statistics, sum_of_all};

/// Device time one submission should take: long enough to hide its overhead, far from any watchdog.
const SUBMIT_TARGET: Duration = Duration::from_millis(30);

/// Steps after which an evaluation ends in environments without a time limit; unfinished episodes count as they stand.
const LONGEST_EVALUATION: u32 = 1_000;

/// One agent in training, or a population of them.
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
    /// Where each agent stands.
    standings: Vec<Standing>,
    /// Statistics of a window that are here already, until those of all shards are.
    arrived: Vec<Metrics>,
    /// The agent whose weights are kept and shown.
    best: usize,
}

/// What is known of one agent.
#[derive(Clone, Copy, Default)]
struct Standing {
    solved_at_env_steps: Option<u64>,
    /// The update that first met a NaN or an infinity; the device stops that agent there.
    diverged_at_update: Option<u64>,
}

/// The plan, resolved by the executor.
struct Programs {
    act: Program,
    iteration: Program,
    /// One per shard.
    metrics: Vec<Program>,
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
        let mut plan = crate::agents::plan(config, env)?;
        let choice = gpu::choose_to_train(&config.device, env)?;
        let mut config = config.clone();
        // On hardware a dispatch costs more than a layer of a narrow network; on the CPU layers are faster.
        if config.path == PathChoice::Auto && choice.hardware && plan.net.fused().is_ok() {
            config.path = PathChoice::Fused;
            plan = crate::agents::plan(&config, env)?;
        }
        let config = &config;
        let mut executor = gpu::open(&choice)?;
        let limit = executor.max_buffer_bytes();
        if plan.members.len() > 1 && plan.buffers.longest_bytes() > limit {
            plan = crate::agents::plan_within(config, env, limit)?;
        }
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
            metrics: {
                let prepare = |shard: &Shard| executor.prepare(&shard.metrics);
                plan.shards.iter().map(prepare).collect::<Result<_>>()?
            },
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
            standings: vec![Standing::default(); plan.members.len()],
            arrived: Vec::new(),
            best: 0,
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
        let (updates, steps) = self.config.update_ratio();
        format!(
            "device {}: {} ({})\npath: {} ({})\nreplay: {} transitions per agent\n\
             updates: {updates} per {steps} environment step{} ({:.4} per step)\n{}",
            self.choice.address,
            self.choice.adapter,
            self.choice.reason,
            self.plan.net.path,
            self.path_reason(),
            self.config.capacity(),
            if steps == 1 { "" } else { "s" },
            updates as f64 / steps as f64,
            self.plan.explain()
        )
    }

    /// Why the networks' passes are layered or fused.
    fn path_reason(&self) -> String {
        match self.plan.net.fused() {
            Ok(_) if self.choice.hardware => {
                "auto takes fused on hardware GPUs for networks that allow it".into()
            }
            Ok(_) => "auto takes fused on hardware GPUs alone; --path fused takes it here".into(),
            Err(why) => format!("the network does not allow fused: {why}"),
        }
    }

    /// Bytes sent to the device so far.
    pub fn uploaded_bytes(&self) -> u64 {
        self.executor.uploaded_bytes()
    }

    /// Trains until the budget is used up or, if so configured, an evaluation reaches the threshold.
    pub fn run(&mut self, observe: &mut dyn FnMut(&Event) -> Result<()>) -> Result<Report> {
        self.started = Instant::now();
        let uploaded = self.executor.uploaded_bytes();
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
            self.executor.submit(&[(program, iterations)], None)?;
            if env_steps >= next_log {
                self.ask_for_statistics()?;
                logged_at = env_steps;
                next_log = (env_steps / self.config.log_frequency + 1) * self.config.log_frequency;
            }
            // Only a few submissions may be in flight, so in the long run submitting takes as long as the device works.
            self.pace.adapt(iterations, before.elapsed());
            self.report(false, &mut statistics, &mut runaway, observe)?;

            if env_steps >= next_eval && env_steps >= warm_up && env_steps < self.config.total_timesteps {
                self.report(true, &mut statistics, &mut runaway, observe)?;
                let greedy = self.evaluate(0)?;
                let passed: Vec<bool> = greedy.iter().map(|evaluation| self.passes(evaluation)).collect();
                // A second set of episodes guards against stopping on one lucky evaluation.
                let confirmed = if passed.contains(&true) { self.evaluate(1)? } else { Vec::new() };
                for (agent, evaluation) in confirmed.iter().enumerate() {
                    if passed[agent] && self.passes(evaluation) {
                        self.standings[agent].solved_at_env_steps.get_or_insert(env_steps);
                    }
                }
                observe(&Event::Evaluation { env_steps, greedy: Evaluation::of_all(&greedy) })?;
                evaluated_at = Some(env_steps);
                let settled = |standing: &Standing| {
                    standing.solved_at_env_steps.is_some() || standing.diverged_at_update.is_some()
                };
                if self.config.stop_when_solved && self.standings.iter().all(settled) {
                    break;
                }
            }
            if env_steps >= next_eval {
                next_eval = (env_steps / self.config.eval_frequency + 1) * self.config.eval_frequency;
            }
        }
        if logged_at != env_steps {
            // The run ended in the middle of a window.
            self.ask_for_statistics()?;
        }
        self.report(true, &mut statistics, &mut runaway, observe)?;
        let greedy = self.evaluate(2)?;
        let softmax = self.evaluate(3)?;
        if evaluated_at != Some(env_steps) {
            observe(&Event::Evaluation { env_steps, greedy: Evaluation::of_all(&greedy) })?;
        }
        let mut members = Vec::new();
        for (agent, (greedy, softmax)) in greedy.into_iter().zip(softmax).enumerate() {
            let Standing { mut solved_at_env_steps, diverged_at_update } = self.standings[agent];
            if self.passes(&greedy) {
                solved_at_env_steps = solved_at_env_steps.or(Some(env_steps));
            }
            let config = self.plan.members[agent].clone();
            members.push(Member { agent, config, solved_at_env_steps, diverged_at_update, greedy, softmax });
        }
        let best = Member::ranking(&members).first().copied().unwrap_or(0);
        self.best = best;
        Ok(Report {
            env: self.env.id.clone(),
            algo: self.config.algo.clone(),
            device: self.choice.address.clone(),
            adapter: self.choice.adapter.clone(),
            env_steps,
            updates: statistics.updates(),
            wall_s: self.started.elapsed().as_secs_f64(),
            uploaded_bytes: self.executor.uploaded_bytes() - uploaded,
            members,
            best,
        })
    }

    fn passes(&self, evaluation: &Evaluation) -> bool {
        self.env.reward_threshold.is_some_and(|threshold| evaluation.mean() >= threshold)
    }

    /// Has the statistics of the window computed and sent, shard by shard.
    fn ask_for_statistics(&mut self) -> Result<()> {
        for (program, shard) in self.programs.metrics.iter().zip(&self.plan.shards) {
            self.executor.submit(&[(*program, 1)], Some(shard.metrics_out.id))?;
        }
        Ok(())
    }

    /// Hands arrived statistics to the observer. A single agent that met a non-finite value ends the run; of a population
    /// it is left behind, and the run ends when none is left.
    fn report(
        &mut self,
        wait: bool,
        statistics: &mut Statistics,
        runaway: &mut RunawayDetector,
        observe: &mut dyn FnMut(&Event) -> Result<()>,
    ) -> Result<()> {
        for words in self.executor.collect(wait)? {
            self.arrived.extend_from_slice(bytemuck::cast_slice(&words));
            if self.arrived.len() < self.plan.members.len() {
                continue;
            }
            let windows = std::mem::take(&mut self.arrived);
            let progress = statistics.add(&sum_of_all(&windows), self.started.elapsed().as_secs_f64());
            for (agent, window) in windows.iter().enumerate().filter(|(_, window)| window.nonfinite != 0) {
                let update = u64::from(window.nonfinite);
                let known = self.standings[agent].diverged_at_update.replace(update).is_some();
                if !known && windows.len() > 1 {
                    observe(&Event::Warning(format!(
                        "agent {agent} diverged at update {update}: the loss or its gradient is not finite. It is left \
                         behind; the others go on."
                    )))?;
                }
            }
            if self.standings.iter().all(|standing| standing.diverged_at_update.is_some()) {
                return Err(Error::Diverged {
                    what: "the loss or its gradient".into(),
                    update: u64::from(windows[0].nonfinite),
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

    /// One episode in each evaluation environment with the current weights, for every agent.
    fn evaluate(&mut self, which: usize) -> Result<Vec<Evaluation>> {
        let (reset, act) = self.programs.evaluations[which];
        self.executor.submit(&[(reset, 1)], None)?;
        let mut left = self.env.step_limit().min(LONGEST_EVALUATION);
        loop {
            // Episodes that end early end the evaluation early, at the price of one small read per chunk.
            let steps = left.min(125);
            self.executor.submit(&[(act, steps)], None)?;
            left -= steps;
            let mut lanes: Vec<Lane> = Vec::new();
            for shard in &self.plan.shards {
                lanes.extend(read_as::<Lane>(&mut *self.executor, shard.eval_lanes.id)?);
            }
            if left == 0 || lanes.iter().all(|lane| lane.episodes > 0) {
                let result = |lane: &Lane| {
                    f64::from(if lane.episodes > 0 { lane.first_return } else { lane.episode_return })
                };
                let per_agent = lanes.chunks(self.config.eval_episodes as usize);
                return Ok(per_agent
                    .map(|lanes| Evaluation { returns: lanes.iter().map(result).collect() })
                    .collect());
            }
        }
    }

    /// The current weights of all networks of the best agent, targets included, and its temperature. After
    /// [`Error::Diverged`], the last finite ones.
    pub fn weights(&mut self) -> Result<Vec<NamedTensor>> {
        let weights = self.weights_of(self.best)?;
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

    /// All networks of one agent, `[nets, params]`.
    fn weights_of(&mut self, agent: usize) -> Result<Vec<f32>> {
        let nets = self.plan.net_names.len() * self.plan.net.params as usize;
        let mut weights: Vec<f32> = Vec::new();
        for shard in &self.plan.shards {
            if let Some(index) = agent.checked_sub(shard.first as usize)
                && index < shard.agents as usize
            {
                let all: Vec<f32> = read_as(&mut *self.executor, shard.weights.id)?;
                weights = all[index * nets..][..nets].to_vec();
            }
        }
        Ok(weights)
    }

    /// Pictures, `width` wide, of one greedy episode with the current weights; none if the environment has no `draw`.
    pub fn record_episode(&mut self, width: u16) -> Result<Pictures> {
        let weights = self.weights_of(self.best)?;
        let mut executor = drawing::executor_for(self.env, &self.choice)?;
        let policy = Policy::Greedy { weights: &weights };
        let config = &self.plan.members[self.best];
        let episode =
            playback::play(config, self.env, policy, config.seed, playback::LONGEST, &mut *executor)?;
        drawing::pictures(self.env, &episode, width, &mut *executor)
    }

    /// Hyperparameters and learner state of the best agent, for tests and tools.
    pub fn agent(&mut self) -> Result<Agent> {
        let mut agents: Vec<Agent> = Vec::new();
        for shard in &self.plan.shards {
            agents.extend(read_as::<Agent>(&mut *self.executor, shard.records.id)?);
        }
        agents
            .get(self.best)
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
