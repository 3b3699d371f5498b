//! A training: its device, its memory and its programs. The loop that runs them is in `train/advance.rs`.

use crate::agents::plan::{Plan, Shard};
use crate::agents::reference::Reference;
use crate::agents::{self, Capabilities};
use crate::config::{Config, Replay};
use crate::engine::clock::Instant;
use crate::engine::cpu::CpuExecutor;
use crate::engine::executor::{Executor, Program, read_as};
use crate::engine::kernel::Work;
use crate::engine::recording::BufferId;
use crate::envs::{self, Env};
use crate::error::{Error, Result};
use crate::gpu::{self, Choice};
use crate::shared::agent::Agent;
use crate::train::course::Course;
use crate::train::drawing::{self, Pictures};
use crate::train::event::{NamedTensor, Weights};
use crate::train::playback::{self, Episode, Policy, Trained};
use crate::train::profile::Profile;
use crate::train::reference;
use crate::train::run_dir::RunDir;
use crate::train::saved_run::LOG_ALPHA;
use crate::train::soft_trap;

/// One agent in training, or a population of them.
///
/// [`Trainer::run`] trains to the end. The same step by step, with what is there in between:
///
/// ```
/// use softq::config::Config;
/// use softq::train::event::Event;
/// use softq::train::trainer::Trainer;
///
/// let config = Config { env: "catch".into(), device: "cpu".into(), total_timesteps: 1_200, ..Config::default() };
/// let mut trainer = Trainer::new(&config)?;
/// let before = trainer.weights()?;
/// assert_eq!((before[0].name.as_str(), &before[0].shape[..]), ("q0.layer0.weight", &[50, 64][..]));
/// let mut last = None;
/// while !trainer.course().finished() {
///     last = trainer.advance()?.pop().or(last);
///     trainer.wait()?;
/// }
/// assert!(matches!(last, Some(Event::Finished(report)) if report.env_steps == 1_200));
/// assert_ne!(trainer.weights()?, before);
/// # Ok::<(), softq::Error>(())
/// ```
pub struct Trainer {
    pub(super) config: Config,
    pub(super) env: &'static Env,
    pub(super) plan: Plan,
    pub(super) choice: Choice,
    pub(super) executor: Box<dyn Executor>,
    pub(super) programs: Programs,
    pub(super) course: Course,
    /// The end of the time that is counted in the course; none before the run begins.
    pub(super) clock: Option<Instant>,
    /// When iterations were last submitted, on a device that cannot be waited for.
    pub(super) submitted: Option<Instant>,
    /// Bytes sent to the device before the run.
    pub(super) uploaded: u64,
    /// What is to be told when the run begins.
    pub(super) warnings: Vec<String>,
    /// What went wrong behind the events told last.
    pub(super) failure: Option<Error>,
    /// Times of dispatches, if they are wanted.
    pub(super) profile: Option<Profile>,
}

/// The plan, resolved by the executor.
pub(super) struct Programs {
    pub warm_up: Block,
    pub iteration: Block,
    /// One per shard.
    pub metrics: Vec<Program>,
    /// Reset and step of each evaluation.
    pub evaluations: [(Program, Program); 4],
}

/// Phases in a row.
pub(super) struct Block {
    programs: Vec<(Program, u32)>,
    /// Environment steps that they take, per agent.
    pub env_steps: u64,
}

impl Block {
    /// The phases, over and over.
    pub fn repeated(&self, times: u32) -> Vec<(Program, u32)> {
        match self.programs[..] {
            [(program, 1)] => vec![(program, times)],
            _ => std::iter::repeat_n(&self.programs, times as usize).flatten().copied().collect(),
        }
    }
}

/// Refuses what has kernels of other workgroups, by its setting, and agents that do not lie side by side.
fn check_merged(config: &Config, plan: &Plan) -> Result<()> {
    let hint = "Some of its kernels take workgroups of 256 invocations, and an agent has one of 64.";
    if config.replay == Replay::Prioritized {
        return Err(Error::invalid("replay", config.replay.word(), "uniform with megakernel = true", hint));
    }
    if config.algo == "soft_q_svgd" {
        return Err(Error::invalid("megakernel", true, "false with --algo soft_q_svgd", hint));
    }
    match &plan.shards[..] {
        [first, _, ..] => Err(Error::invalid(
            "megakernel",
            true,
            "false for so many agents",
            format!("The device's longest buffer holds {} of them; train so many in a run.", first.agents),
        )),
        _ => Ok(()),
    }
}

impl Trainer {
    /// Checks the configuration, opens the device, allocates and fills its memory, and resolves all programs.
    pub fn new(config: &Config) -> Result<Trainer> {
        let env = envs::open(&config.env, &config.env_values()?)?;
        Trainer::in_world(config, env, None)
    }

    /// The same in an environment that is open already; `kept` is a reference policy that is at hand, so that it need not be
    /// read where the configuration says.
    pub(super) fn in_world(config: &Config, env: &'static Env, kept: Option<Reference>) -> Result<Trainer> {
        agents::check(config, env)?;
        let choice = gpu::choose_to_train(&config.device, env)?;
        let mut executor = gpu::open(&choice)?;
        let device =
            Capabilities { hardware: choice.hardware, max_buffer_bytes: executor.max_buffer_bytes() };
        let mut notes = Vec::new();
        let reference = match kept {
            None => reference::read(config, env, &mut *executor, &mut notes)?,
            kept => kept,
        };
        let plan = agents::plan_relative(config, env, device, reference.as_ref())?;
        // A user's file may be valid and still break when it runs; the built-in ones are tested.
        let mut warnings = match (env.user, choice.address.as_str()) {
            (false, _) => Vec::new(),
            // Only the text itself says which loop used up its iterations.
            (true, "cpu") => envs::check::brief(&mut CpuExecutor::interpreting(), env, config.seed as u32)?,
            (true, _) => envs::check::brief(&mut *executor, env, config.seed as u32)?,
        };
        warnings.extend(notes);
        if config.megakernel {
            check_merged(config, &plan)?;
            executor = gpu::open_merging(&choice, env)?;
        }
        let mut trainer = Trainer::with_executor(config, env, plan, choice, executor)?;
        trainer.warnings.splice(0..0, warnings);
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
        let mut warnings: Vec<String> = config.without_updates().into_iter().collect();
        warnings.extend(plan.members.iter().find_map(|member| soft_trap::warning(member, env)));
        executor.allocate(&plan.buffers)?;
        for (buffer, words) in &plan.init {
            executor.write(*buffer, words)?;
        }
        let reset = executor.prepare(&plan.reset)?;
        let mut phases = Vec::new();
        for phase in &plan.phases {
            phases.push((phase, executor.prepare(&phase.recording)?));
        }
        let acting = phases.iter().filter(|(phase, _)| phase.env_steps > 0);
        let programs = Programs {
            warm_up: Block {
                programs: acting.clone().map(|(_, program)| (*program, 1)).collect(),
                env_steps: acting.map(|(phase, _)| u64::from(phase.env_steps)).sum(),
            },
            iteration: Block {
                programs: phases.iter().map(|(phase, program)| (*program, phase.repeats)).collect(),
                env_steps: plan.env_steps(),
            },
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
            course: Course::new(config, &plan.initial_records()),
            clock: None,
            submitted: None,
            uploaded: executor.uploaded_bytes(),
            plan,
            choice,
            executor,
            programs,
            warnings,
            failure: None,
            profile: None,
        })
    }

    /// Ends the run and gives back what it ran on, for another use.
    pub fn into_executor(self) -> Box<dyn Executor> {
        self.executor
    }

    /// Gives the only agent of a run its weights, group by group `[nets, params]`, as another run left them.
    pub fn set_weights(&mut self, weights: &[Vec<f32>]) -> Result<()> {
        self.plan.set_weights(weights, &mut *self.executor)
    }

    /// Has the time of every dispatch taken in the first iterations with updates.
    pub fn profile(&mut self) {
        self.profile = Some(Profile::new(&self.plan));
    }

    /// What was timed so far, if that was asked for.
    pub fn profiled(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// Writes the profile into a run's directory once it is whole, or at the end.
    pub(super) fn write_profile(&mut self, dir: &RunDir) -> Result<()> {
        let finished = self.course.finished();
        match self.profile.as_mut().filter(|profile| profile.is_due(finished)) {
            Some(profile) => profile.write(dir),
            None => Ok(()),
        }
    }

    /// Where the run stands.
    pub fn course(&self) -> &Course {
        &self.course
    }

    /// Goes on from where a run of the same settings stood, over the memory that the executor holds.
    pub fn resume(&mut self, course: Course) {
        self.course = course;
        self.clock = None;
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The settings of each agent.
    pub fn members(&self) -> &[Config] {
        &self.plan.members
    }

    /// The policy that the run is relative to, if that is not the uniform one.
    pub fn reference(&self) -> Option<&Reference> {
        self.plan.reference.as_ref()
    }

    /// The environment.
    pub fn env(&self) -> &'static Env {
        self.env
    }

    /// The device in use and why.
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Bytes of all of its memory on the device.
    pub fn memory_bytes(&self) -> u64 {
        self.plan.buffers.total_bytes()
    }

    /// Waits until the device has nothing to do.
    pub fn idle(&mut self) -> Result<()> {
        self.executor.wait()
    }

    /// Dispatches and memory, for people; with the least time of each where the device's limits are known.
    pub fn explain(&self, floor_s: Option<&dyn Fn(&Work) -> f64>) -> String {
        let (updates, steps) = self.config.update_ratio();
        let q = &self.plan.groups[0].net;
        format!(
            "device {}: {} ({})\npath: {} ({})\n{}{}: {} transitions per agent\n\
             updates: {updates} per {steps} environment step{} ({:.4} per step)\n{}",
            self.choice.address,
            self.choice.adapter,
            self.choice.reason,
            q.path,
            q.path_reason(self.config.path, self.choice.hardware),
            match self.config.megakernel {
                true => format!(
                    "megakernel: the {} dispatches of an iteration are one, and iterations in a row too; a workgroup \
                     takes an agent through them\n",
                    self.plan.dispatches()
                ),
                false => String::new(),
            },
            self.plan.experience.0,
            self.plan.experience.1,
            if steps == 1 { "" } else { "s" },
            updates as f64 / steps as f64,
            self.plan.explain(floor_s)
        )
    }

    /// Bytes sent to the device so far.
    pub fn uploaded_bytes(&self) -> u64 {
        self.executor.uploaded_bytes()
    }

    /// The current weights of all networks of the best agent, targets included, and its temperature. After
    /// [`Error::Diverged`], the last finite ones.
    pub fn weights(&mut self) -> Result<Vec<NamedTensor>> {
        let weights = self.plan.weights_of(self.course.best, &mut *self.executor)?;
        let log_alphas = self.plan.log_alphas_of(self.course.best, &mut *self.executor)?;
        Ok(self.tensors(&weights, log_alphas))
    }

    /// The weights as they are now, with what they belong to.
    pub fn last_weights(&mut self) -> Result<Weights> {
        let agent = self.course.best;
        Ok(Weights {
            agent,
            config: self.plan.members[agent].clone(),
            env_steps: self.course.env_steps,
            greedy_mean: None,
            tensors: self.weights()?,
        })
    }

    /// Bytes of the weights of one agent.
    pub fn weights_bytes(&self) -> u64 {
        self.plan.groups.iter().map(|group| 4 * group.words() as u64).sum()
    }

    /// The tensors of one agent by name.
    pub(super) fn tensors(&self, weights: &[Vec<f32>], log_alphas: Vec<f32>) -> Vec<NamedTensor> {
        let mut tensors = Vec::new();
        for (group, weights) in self.plan.groups.iter().zip(weights) {
            for tensor in group.tensors() {
                let values = weights[tensor.offset..][..tensor.len()].to_vec();
                tensors.push(NamedTensor { name: tensor.name, shape: tensor.shape, values });
            }
        }
        tensors.push(NamedTensor {
            name: LOG_ALPHA.into(),
            shape: vec![log_alphas.len()],
            values: log_alphas,
        });
        tensors
    }

    /// Pictures, `width` wide, of one greedy episode with the current weights; none if the environment has no `draw`.
    pub fn record_episode(&mut self, width: u16) -> Result<Pictures> {
        let weights = self.plan.weights_of(self.course.best, &mut *self.executor)?;
        let mut executor = drawing::executor_for(self.env, &self.choice)?;
        let log_alphas = self.plan.log_alphas_of(self.course.best, &mut *self.executor)?;
        let reference = self.plan.reference.as_ref();
        let policy = Policy::Greedy(Trained { weights: &weights, log_alphas: &log_alphas, reference });
        let config = &self.plan.members[self.course.best];
        let episode =
            playback::play(config, self.env, policy, config.seed, playback::LONGEST, &mut *executor)?;
        drawing::pictures(self.env, &episode, width, &mut *executor)
    }

    /// The state of the first training environment of an agent at this moment, as an episode of one state to be drawn. Waits
    /// for the device.
    pub fn lane_now(&mut self, agent: usize) -> Result<Episode> {
        self.plan.check_agent(agent)?;
        let shard = self.plan.shard_of(agent);
        let (state, params) = (shard.stage.state().id, shard.stage.env_params().id);
        let first = (agent - shard.first as usize) * shard.stage.num_lanes as usize;
        let mut of_lane = |buffer: BufferId, words: u32| -> Result<Vec<u32>> {
            let (words, all) = (words as usize, self.executor.read(buffer)?);
            Ok(all[first * words..][..words].to_vec())
        };
        let states = of_lane(state, self.env.state_words)?;
        Ok(Episode {
            states,
            params: of_lane(params, self.env.param_words())?,
            returns: vec![0.0],
            ended: false,
        })
    }

    /// Lets the time until the next step not count as time of the run.
    pub fn hold_clock(&mut self) {
        self.lap();
        (self.clock, self.submitted) = (None, None);
    }

    /// Hyperparameters and learner state of the best agent, for tests and tools.
    pub fn agent(&mut self) -> Result<Agent> {
        let shard = self.plan.shard_of(self.course.best);
        let (id, index) = (shard.records.id, self.course.best - shard.first as usize);
        Ok(read_as::<Agent>(&mut *self.executor, id)?[index])
    }

    /// Raw words of a buffer by name, for tests and tools.
    pub fn read_buffer(&mut self, name: &str) -> Result<Vec<u32>> {
        let index = self.plan.buffers.decls.iter().position(|decl| decl.name == name).ok_or_else(|| {
            Error::unknown("buffer", name, self.plan.buffers.decls.iter().map(|decl| decl.name.as_str()))
        })?;
        self.executor.read(BufferId(index as u32))
    }
}
