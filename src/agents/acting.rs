//! Acting: observations through one network of a group into one environment step. Training and every evaluation use the
//! same recording with their own environments, random streams and policy.

use crate::agents::experience::Ring;
use crate::agents::head_temperatures::HeadTemperatures;
use crate::agents::plan::Episodes;
use crate::agents::reference::{Beside, Reference};
use crate::engine::env::{ActionSpace, Env};
use crate::engine::recording::{Buffer, BufferId, Buffers, Recording};
use crate::error::Result;
use crate::kernels::{act_box, act_step, env_reset, noisy_inputs};
use crate::nn::{Evaluations, Group, Inputs};
use crate::shared::agent::{Agent, Lane};
use crate::shared::layout::Layout;
use crate::shared::rng::{STREAM_NOISE, STREAMS};
use crate::shared::tanh_gaussian::LogStd;

/// Who acts: each has random streams of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Training environments.
    Train = 0,
    /// Periodic evaluation.
    Evaluate = 1,
    /// Second, independent evaluation once a periodic one reached the threshold.
    Confirm = 2,
    /// Final evaluation, greedy.
    FinalGreedy = 3,
    /// Final evaluation, sampled from the softmax.
    FinalSoftmax = 4,
}

/// Memory of a set of environments, shared by the evaluations.
#[derive(Clone)]
pub struct Stage {
    /// Environments per agent.
    pub num_lanes: u32,
    lanes: Buffer<Lane>,
    state: Buffer<u32>,
    env_params: Buffer<u32>,
    obs: Buffer<f32>,
    /// The acting network at `obs`, or at what is made of it.
    actor: Evaluations,
    /// Elements of noise behind the observation that a network sees which turns it into actions.
    noise: u32,
    /// The reference policy there.
    reference: Option<Beside>,
    /// The temperatures of the later heads, where each has its own.
    pub head_temperatures: Option<HeadTemperatures>,
    /// Where the deviation of real-valued actions lies.
    pub log_std: LogStd,
}

impl Stage {
    /// Declares the memory of `num_lanes` environments per agent, in which net `net` of `group` acts.
    pub fn new(
        buffers: &mut Buffers,
        prefix: &str,
        env: &Env,
        (group, net): (&Group, u32),
        num_lanes: u32,
        hint: &'static str,
    ) -> Stage {
        let rows = u64::from(group.agents) * u64::from(num_lanes);
        let obs = buffers.add(format!("{prefix}_obs"), rows * u64::from(env.obs_size), hint);
        let width = group.spec.net.tensors()[0].width();
        let noise = width - env.obs_size;
        let values = match noise {
            0 => obs,
            _ => buffers.add(format!("{prefix}_noisy"), rows * u64::from(width), hint),
        };
        Stage {
            num_lanes,
            lanes: buffers.add(format!("{prefix}_lanes"), rows, hint),
            state: {
                let words = rows * u64::from(env.state_words);
                buffers.add_of_env(format!("{prefix}_state"), words, Layout::EnvState, hint)
            },
            env_params: {
                let words = rows * u64::from(env.param_words());
                buffers.add_of_env(format!("{prefix}_params"), words, Layout::EnvParams, hint)
            },
            obs,
            reference: None,
            head_temperatures: None,
            log_std: LogStd { low: -5.0, high: 2.0, squashed: 1 },
            noise,
            actor: {
                let inputs = Inputs { values, count: 1, batch: num_lanes };
                Evaluations::new(buffers, &format!("{prefix}_"), group, inputs, &[(net, 0)], 0, hint)
            },
        }
    }

    /// Acts relative to `reference`, whose weights lie in `group`.
    pub fn relative_to(
        &mut self,
        buffers: &mut Buffers,
        prefix: &str,
        reference: (&Reference, &Group),
        hint: &'static str,
    ) {
        let inputs = Inputs { values: self.obs, count: 1, batch: self.num_lanes };
        self.reference = Some(Beside::new(buffers, &format!("{prefix}_"), reference, (inputs, 0), hint));
    }

    /// The environments' parameters, lane by lane, to be written before the first reset; `seeds` are those of the agents.
    pub fn lane_params(&self, env: &Env, seeds: &[u32]) -> (BufferId, Vec<u32>) {
        let lanes = u64::from(self.num_lanes);
        (self.env_params.id, seeds.iter().flat_map(|seed| env.lane_params(*seed, lanes)).collect())
    }

    /// Their states.
    pub fn state(&self) -> Buffer<u32> {
        self.state
    }

    /// Their parameters.
    pub fn env_params(&self) -> Buffer<u32> {
        self.env_params
    }

    /// Outputs of the acting network at the states that the last step began in, `[agents, lanes, outputs]`.
    pub fn outputs(&self) -> Buffer<f32> {
        self.actor.outputs()
    }

    /// The bookkeeping of these environments.
    pub fn lanes(&self) -> Buffer<Lane> {
        self.lanes
    }
}

/// How an action follows from the acting network's outputs: action values of a state, or a policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Choice {
    /// Drawn from `softmax(Q / alpha)`.
    Softmax = 0,
    /// The largest value; of real-valued actions the mean.
    Argmax = 1,
    /// Drawn from the softmax at the temperature of this very state.
    OwnTemperature = 2,
    /// Drawn from `softmax(z)` of a policy network's outputs, or from its Gaussian.
    Policy = 3,
}

/// How actions are chosen and where transitions go.
#[derive(Clone, Copy)]
pub struct Behaviour {
    /// Random streams.
    pub purpose: Purpose,
    /// How an action follows from the values.
    pub choice: Choice,
    /// Epsilon schedule and warm-up of this many steps per environment; `None` for neither.
    pub explore: Option<u32>,
    /// Steps for which the noise of real-valued actions stays.
    pub noise_hold: u32,
    /// Where transitions go.
    pub ring: Ring,
}

/// Records reset and step of a stage; `records` hold seeds, schedules and alpha `[agents]`.
pub fn record(
    env: &'static Env,
    records: Buffer<Agent>,
    stage: &Stage,
    behaviour: Behaviour,
) -> Result<Episodes> {
    let agents = stage.actor.group.agents;
    let num_lanes = stage.num_lanes;
    let stream = behaviour.purpose as u32 * STREAMS;

    let mut reset = Recording::default();
    let params = env_reset::Params { num_lanes, stream, agents };
    env_reset::record(
        &mut reset,
        env,
        params,
        records,
        stage.env_params,
        stage.state,
        stage.lanes,
        stage.obs,
    )?;

    let mut act = Recording::default();
    if stage.noise > 0 {
        let params = noisy_inputs::Params {
            rows: num_lanes,
            particles: 1,
            obs_size: env.obs_size,
            dims: stage.noise,
            x_slots: 1,
            x_slot: 0,
            x_stride: env.obs_size,
            uniform: 0,
            by_lane: 1,
            num_lanes,
            stream: stream + STREAM_NOISE,
            agents,
        };
        let inputs = stage.actor.activations.tensors[0];
        noisy_inputs::record(&mut act, params, records, stage.lanes, stage.obs, inputs)?;
    }
    stage.actor.forward(&mut act)?;
    if let Some(reference) = &stage.reference {
        reference.add(&mut act, records, &stage.actor, 0)?;
    }
    if let Some(temperatures) = &stage.head_temperatures {
        temperatures.scale(&mut act, records, &stage.actor)?;
    }
    step(&mut act, env, records, stage, behaviour)?;
    Ok(Episodes { reset, act })
}

/// Chooses an action by the outputs of the acting network, and takes it.
fn step(
    rec: &mut Recording,
    env: &'static Env,
    records: Buffer<Agent>,
    stage: &Stage,
    behaviour: Behaviour,
) -> Result<()> {
    let (num_lanes, agents) = (stage.num_lanes, stage.actor.group.agents);
    let stream = behaviour.purpose as u32 * STREAMS;
    let explore = u32::from(behaviour.explore.is_some());
    let uniform_steps = behaviour.explore.unwrap_or(0);
    let Ring { capacity, replay, .. } = behaviour.ring;
    let Stage { env_params, state, lanes, obs, log_std, .. } = *stage;
    let outputs = stage.actor.outputs();
    if let ActionSpace::Box { .. } = env.actions {
        let params = act_box::Params {
            num_lanes,
            stream,
            // A network that turns noise into actions has drawn already.
            greedy: u32::from(behaviour.choice == Choice::Argmax || stage.noise > 0),
            explore,
            uniform_steps,
            hold: behaviour.noise_hold,
            outputs: stage.actor.group.spec.net.outputs(),
            capacity,
            log_std_min: log_std.low,
            log_std_max: log_std.high,
            squashed: log_std.squashed,
            agents,
        };
        return act_box::record(rec, env, params, records, outputs, env_params, state, lanes, obs, replay);
    }
    let policy = behaviour.choice as u32;
    let params = act_step::Params { num_lanes, stream, policy, explore, uniform_steps, capacity, agents };
    act_step::record(rec, env, params, records, outputs, env_params, state, lanes, obs, replay)
}
