//! Plays single episodes to look at them. An agent acts through the very recordings of its training, with exploration
//! switched off, and a random policy through those of a rollout, so that what is seen is what the engine does.
//!
//! ```
//! use softq::agents;
//! use softq::config::Config;
//! use softq::engine::cpu::CpuExecutor;
//! use softq::train::playback::{Episode, LONGEST, Policy, Trained, alone, play};
//!
//! let (config, env) = (Config::default(), softq::envs::find("cartpole")?);
//! let mut executor = CpuExecutor::new();
//! let random: Episode = play(&config, env, Policy::Random, 1, LONGEST, &mut executor)?;
//! assert!(random.ended && random.episode_return() == random.steps() as f64, "1 per step");
//!
//! // Weights that make both actions worth the same: the first one is taken, and the cart runs away.
//! let plan = agents::plan(&alone(&config), env)?;
//! let weights: Vec<Vec<f32>> = plan.groups.iter().map(|group| vec![0.01; group.words()]).collect();
//! let trained = Trained { weights: &weights, log_alphas: &[0.0], reference: None };
//! let pushed = play(&config, env, Policy::Greedy(trained), 1, LONGEST, &mut executor)?;
//! assert!(pushed.ended && pushed.steps() < 20);
//! let cut = play(&config, env, Policy::Softmax(trained), 1, 4, &mut executor)?;
//! assert_eq!((cut.frames(), cut.ended), (5, false));
//! # Ok::<(), softq::Error>(())
//! ```

use crate::agents::reference::Reference;
use crate::agents::{self, Capabilities};
use crate::config::{Config, Exploration, Replay, Temperature};
use crate::engine::env::Env;
use crate::engine::executor::{Executor, read_as};
use crate::engine::recording::{Buffer, BufferId, Buffers, Recording};
use crate::error::Result;
use crate::kernels::{env_probe, env_reset, env_rollout};
use crate::shared::agent::{Agent, Lane};
use crate::shared::rng::{Rng, STREAM_ACTION, agent_seed};
use crate::train::fault::not_finite;

/// Steps played of an episode that has no time limit.
pub const LONGEST: u32 = 2_000;

/// A trained agent: what its actions follow from.
#[derive(Clone, Copy, Debug)]
pub struct Trained<'a> {
    /// Weights of all groups, `[nets, params]` each, as [`agents::Plan`] orders them.
    pub weights: &'a [Vec<f32>],
    /// `ln alpha`, one for each head that has its own.
    pub log_alphas: &'a [f32],
    /// The policy that it is relative to, if that is not the uniform one.
    pub reference: Option<&'a Reference>,
}

/// Who chooses the actions.
#[derive(Clone, Copy, Debug)]
pub enum Policy<'a> {
    /// Uniformly random actions.
    Random,
    /// The action of the largest value.
    Greedy(Trained<'a>),
    /// Sampled from `softmax(Q / alpha)`, or from a policy network.
    Softmax(Trained<'a>),
}

/// One played episode.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// States `[frames, state_words]`: the initial one first, and the one it ended in last.
    pub states: Vec<u32>,
    /// Parameters of its lane.
    pub params: Vec<u32>,
    /// Return up to each state `[frames]`.
    pub returns: Vec<f64>,
    /// Whether it ended, by termination or its time limit.
    pub ended: bool,
}

impl Episode {
    /// Number of states.
    pub fn frames(&self) -> usize {
        self.returns.len()
    }

    /// Steps taken.
    pub fn steps(&self) -> usize {
        self.frames().saturating_sub(1)
    }

    /// Return of the whole episode, or of what was played of it.
    pub fn episode_return(&self) -> f64 {
        self.returns.last().copied().unwrap_or(0.0)
    }
}

/// Plays one episode, or its first `longest` steps, with the random streams of `seed`. `config` is the agent's; a random
/// policy only needs the environment.
pub fn play(
    config: &Config,
    env: &'static Env,
    policy: Policy<'_>,
    seed: u64,
    longest: u32,
    executor: &mut dyn Executor,
) -> Result<Episode> {
    let player = match policy {
        Policy::Random => Player::random(env, seed)?,
        Policy::Greedy(trained) => Player::agent(config, env, seed, trained, true)?,
        Policy::Softmax(trained) => Player::agent(config, env, seed, trained, false)?,
    };
    executor.allocate(&player.buffers)?;
    for (buffer, words) in &player.init {
        executor.write(*buffer, words)?;
    }
    let reset = executor.prepare(&player.reset)?;
    let act = executor.prepare(&player.act)?;
    executor.submit(&[(reset, 1)], None)?;
    let mut episode = Episode {
        states: executor.read(player.state)?,
        params: executor.read(player.env_params)?,
        returns: vec![0.0],
        ended: false,
    };
    for step in 0..env.step_limit().min(longest) {
        executor.submit(&[(act, 1)], None)?;
        let lane: Vec<Lane> = read_as(executor, player.lanes)?;
        let Some(lane) = lane.first() else { break };
        if lane.fault != 0 {
            return Err(not_finite(&env.id, 0, lane.fault, "an episode"));
        }
        if lane.episodes == 0 {
            episode.states.extend(executor.read(player.state)?);
            episode.returns.push(f64::from(lane.episode_return));
            continue;
        }
        // The engine has started the next episode in the same step: the last step is taken once more, on its own.
        let action = player.last_action(env, step, executor)?;
        let before = episode.states.len() - env.state_words as usize;
        let last = step_alone(
            env,
            &episode.states[before..],
            &episode.params,
            &action,
            player.seed,
            step,
            executor,
        )?;
        episode.states.extend(last);
        episode.returns.push(f64::from(lane.first_return));
        episode.ended = true;
        break;
    }
    Ok(episode)
}

/// The recordings that play one environment, and where they leave things.
struct Player {
    buffers: Buffers,
    init: Vec<(BufferId, Vec<u32>)>,
    reset: Recording,
    act: Recording,
    state: BufferId,
    lanes: BufferId,
    env_params: BufferId,
    /// The one transition kept; a random policy's actions follow from the seed.
    replay: Option<BufferId>,
    seed: u32,
}

impl Player {
    /// The acting of a training with one environment and no exploration.
    fn agent(
        config: &Config,
        env: &'static Env,
        seed: u64,
        Trained { weights, log_alphas, reference }: Trained<'_>,
        greedy: bool,
    ) -> Result<Player> {
        // A temperature per state would not go with the argmax.
        let (exploration, temperature) = match greedy {
            true => (Exploration::Greedy, Temperature::Fixed),
            false => (Exploration::Boltzmann, config.temperature),
        };
        let config = Config {
            seed,
            exploration,
            temperature,
            epsilon: 0.0,
            epsilon_final: 0.0,
            learning_starts: 0,
            alpha_per_head: config.alpha_per_head && !greedy,
            ..alone(config)
        };
        let mut plan = agents::plan_relative(&config, env, Capabilities::default(), reference)?;
        plan.set_log_alphas(log_alphas);
        for (buffer, words) in &mut plan.init {
            for (group, weights) in plan.shards[0].groups.iter().zip(weights) {
                if *buffer == group.weights.id {
                    *words = bytemuck::cast_slice(weights).to_vec();
                }
            }
        }
        let stage = &plan.shards[0].stage;
        Ok(Player {
            state: stage.state().id,
            lanes: stage.lanes().id,
            env_params: stage.env_params().id,
            replay: Some(plan.shards[0].replay.id),
            act: plan.act(),
            seed: agent_seed(seed, 0),
            buffers: plan.buffers,
            init: plan.init,
            reset: plan.reset,
        })
    }

    /// A rollout of one environment, step by step.
    fn random(env: &'static Env, seed: u64) -> Result<Player> {
        let seed = agent_seed(seed, 0);
        let mut buffers = Buffers::default();
        let agents: Buffer<Agent> = buffers.add("agents", 1, "");
        let env_params: Buffer<u32> = buffers.add("env_params", u64::from(env.param_words()), "");
        let state: Buffer<u32> = buffers.add("state", u64::from(env.state_words), "");
        let lanes: Buffer<Lane> = buffers.add("lanes", 1, "");
        let obs: Buffer<f32> = buffers.add("obs", u64::from(env.obs_size), "");
        let mut reset = Recording::default();
        let params = env_reset::Params { num_lanes: 1, stream: 0, agents: 1 };
        env_reset::record(&mut reset, env, params, agents, env_params, state, lanes, obs)?;
        let mut act = Recording::default();
        let params = env_rollout::Params { num_lanes: 1, steps: 1, seed, stream: 0 };
        env_rollout::record(&mut act, env, params, env_params, state, lanes)?;
        let agent = [Agent { seed, ..Agent::default() }];
        Ok(Player {
            init: vec![
                (agents.id, bytemuck::cast_slice(&agent).to_vec()),
                (env_params.id, env.lane_params(seed, 1)),
            ],
            state: state.id,
            lanes: lanes.id,
            env_params: env_params.id,
            replay: None,
            buffers,
            reset,
            act,
            seed,
        })
    }

    /// The action of step `step`, which has just been taken.
    fn last_action(&self, env: &Env, step: u32, executor: &mut dyn Executor) -> Result<Vec<u32>> {
        let mut action = vec![0; env.actions.words()];
        match self.replay {
            None => env.actions.sample(&mut Rng::new(self.seed, STREAM_ACTION, step, 0), &mut action),
            Some(replay) => {
                let transition = executor.read(replay)?;
                action.copy_from_slice(&transition[env.transition().action_at()..][..env.actions.words()]);
            }
        }
        Ok(action)
    }
}

/// `config` for one environment, with as little memory as it allows.
pub fn alone(config: &Config) -> Config {
    let on_policy = agents::find(&config.algo).is_ok_and(|algorithm| algorithm.returns.is_some());
    Config {
        agents: 1,
        sweep: Vec::new(),
        num_envs: 1,
        eval_episodes: 1,
        batch_size: 1,
        // A rollout of one step has no use for a ring's size.
        buffer_size: if on_policy { config.buffer_size } else { 1 },
        train_frequency: 1,
        gradient_steps: 1,
        n_step: 1,
        n_step_entropy: false,
        replay: Replay::Uniform,
        ..config.clone()
    }
}

/// The state after one step without autoreset, with the random numbers that training streams have there.
fn step_alone(
    env: &'static Env,
    before: &[u32],
    params: &[u32],
    action: &[u32],
    seed: u32,
    step: u32,
    executor: &mut dyn Executor,
) -> Result<Vec<u32>> {
    let mut buffers = Buffers::default();
    let actions: Buffer<u32> = buffers.add("actions", action.len() as u64, "");
    let draws: Buffer<u32> = buffers.add("draws", 1, "");
    let env_params: Buffer<u32> = buffers.add("env_params", params.len() as u64, "");
    let state: Buffer<u32> = buffers.add("state", before.len() as u64, "");
    let obs: Buffer<f32> = buffers.add("obs", u64::from(env.obs_size), "");
    let rewards: Buffer<f32> = buffers.add("rewards", 1, "");
    let terminated: Buffer<f32> = buffers.add("terminated", 1, "");
    let mut recording = Recording::default();
    let probe = env_probe::Params { rows: 1, seed, step, draws: 0, reset: 0 };
    env_probe::record(
        &mut recording,
        env,
        probe,
        actions,
        draws,
        env_params,
        state,
        obs,
        rewards,
        terminated,
    )?;
    executor.allocate(&buffers)?;
    executor.write(actions.id, action)?;
    executor.write(env_params.id, params)?;
    executor.write(state.id, before)?;
    let program = executor.prepare(&recording)?;
    executor.submit(&[(program, 1)], None)?;
    executor.read(state.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cpu::CpuExecutor;
    use crate::envs;

    fn random(name: &str, seed: u64) -> Episode {
        let env = envs::find(name).expect("environment");
        play(&Config::default(), env, Policy::Random, seed, LONGEST, &mut CpuExecutor::new())
            .expect("episode")
    }

    #[test]
    fn an_episode_ends_in_the_state_that_ended_it() {
        let episode = random("cartpole", 3);
        assert!(episode.ended && episode.frames() > 5);
        let words = episode.states.len() / episode.frames();
        let state = |frame: usize| &episode.states[frame * words..][..words];
        let fallen = |frame: usize| {
            let [x, theta] = [0, 2].map(|i| f32::from_bits(state(frame)[i]));
            x.abs() > 2.4 || theta.abs() > 0.209_439_51
        };
        assert!(!(0..episode.steps()).any(fallen), "only the last state ends it");
        assert!(fallen(episode.steps()));
        assert_eq!(episode.episode_return(), episode.steps() as f64);
    }

    #[test]
    fn every_environment_can_be_played_and_seeds_differ() {
        for env in envs::registry() {
            let (first, again, other) = (random(&env.id, 1), random(&env.id, 1), random(&env.id, 2));
            assert_eq!(first, again, "{}", env.id);
            assert_ne!(first, other, "{}", env.id);
            assert_eq!(first.states.len(), first.frames() * env.state_words as usize, "{}", env.id);
        }
    }

    #[test]
    fn an_agent_ends_in_the_state_that_its_transition_shows() {
        let env = envs::find("cartpole").expect("environment");
        let config = Config::default();
        let plan = agents::plan(&alone(&config), env).expect("plan");
        let weights: Vec<Vec<f32>> = plan.groups.iter().map(|group| vec![0.01; group.words()]).collect();
        let trained = Trained { weights: &weights, log_alphas: &[0.0], reference: None };
        for policy in [Policy::Greedy(trained), Policy::Softmax(trained)] {
            let episode = play(&config, env, policy, 5, LONGEST, &mut CpuExecutor::new()).expect("episode");
            let last = &episode.states[episode.states.len() - 4..];
            let theta = f32::from_bits(last[2]);
            assert!(episode.ended && theta.abs() > 0.209_439_51, "{policy:?}: {theta}");
        }
        let policy = Policy::Greedy(trained);
        let cut = play(&config, env, policy, 5, 4, &mut CpuExecutor::new()).expect("episode");
        assert_eq!((cut.frames(), cut.ended), (5, false));
    }
}
