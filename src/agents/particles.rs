//! Actions of a sampling network in an update: memory, and the recordings that expand a batch into particles.
//!
//! Every state has K actions of the policy, F fixed and U updated ones, and M uniform ones for its soft value; each kind is a row
//! of its own in a pass of the networks.

use crate::agents::acting::Purpose;
use crate::agents::continuous::{At, Drawn};
use crate::engine::recording::{Buffer, BufferId, Buffers, Recording};
use crate::error::Result;
use crate::kernels::critic_inputs::INPUTS;
use crate::kernels::{
    noisy_inputs, soft_value, svgd_actions, svgd_bandwidth, svgd_gradient, svgd_kernel, svgd_score,
};
use crate::nn::{Evaluations, Group, Inputs};
use crate::shared::agent::{Agent, Lane};
use crate::shared::rng::{STREAM_POLICY, STREAMS};

use super::experience::Batch;

const BATCH: &str = "Lower --batch-size or the numbers of particles.";
/// Least bandwidth, and what is added to `1 - a^2`: the authors'.
const LEAST_BANDWIDTH: f32 = 1e-3;
const EPS: f32 = 1e-6;

/// How many particles a state has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Uniform actions of its soft value.
    pub values: u32,
    /// The policy's actions at which the density is asked.
    pub fixed: u32,
    /// Those that move.
    pub updated: u32,
}

/// Memory of the particles of an update.
pub struct Particles {
    /// Agents, and states of each.
    shape: (u32, u32),
    counts: Counts,
    obs_size: u32,
    dims: u32,
    /// `Q'(s', a_k)` of the uniform actions.
    values: Evaluations,
    /// What the sampling network sees `[agents, batch, K, obs + dims]`.
    noisy: Buffer<f32>,
    /// What the critic sees of the fixed particles `[agents, batch, F, obs + dims]`.
    asked: Buffer<f32>,
    log_weights: Buffer<f32>,
    soft_values: Buffer<f32>,
    actions: Buffer<f32>,
    scores: Buffer<f32>,
    log_densities: Buffer<f32>,
    medians: Buffer<f32>,
    bandwidths: Buffer<f32>,
    kappas: Buffer<f32>,
    slopes: Buffer<f32>,
}

impl Particles {
    /// Declares the memory for actions of `dims` dimensions behind observations of `obs_size` elements; the second net of `q` is
    /// the target.
    pub fn new(
        buffers: &mut Buffers,
        q: &Group,
        (agents, rows): (u32, u32),
        (obs_size, dims): (u32, u32),
        counts: Counts,
    ) -> Particles {
        let states = u64::from(agents) * u64::from(rows);
        let [uniform, fixed, all] = [counts.values, counts.fixed, counts.fixed + counts.updated]
            .map(|count| states * u64::from(count));
        let pairs = fixed * u64::from(counts.updated);
        let (width, dimensions) = (u64::from(obs_size) + u64::from(dims), u64::from(dims));
        let mut add = |name: &str, count: u64| -> Buffer<f32> { buffers.add(name, count, BATCH) };
        let uniform_inputs = add("value_inputs", uniform * width);
        let (noisy, asked) = (add("noisy_inputs", all * width), add("asked_inputs", fixed * width));
        let [log_weights, soft_values] = [add("log_weights", uniform), add("soft_values", states)];
        let [actions, scores] =
            [add("particle_actions", all * dimensions), add("scores", fixed * dimensions)];
        let log_densities = add("log_densities", fixed);
        let [medians, bandwidths] = ["medians", "bandwidths"].map(|name| add(name, states));
        let [kappas, slopes] = [add("kappas", pairs), add("slopes", pairs * dimensions)];
        let inputs = Inputs { values: uniform_inputs, count: 1, batch: rows * counts.values };
        Particles {
            shape: (agents, rows),
            counts,
            obs_size,
            dims,
            values: Evaluations::new(buffers, "value_", q, inputs, &[(1, 0)], 0, BATCH),
            noisy,
            asked,
            log_weights,
            soft_values,
            actions,
            scores,
            log_densities,
            medians,
            bandwidths,
            kappas,
            slopes,
        }
    }

    /// What a sampling network is evaluated on, for the memory of `Particles::noisy`.
    pub fn inputs_of_sampler(&self) -> Inputs {
        let (_, rows) = self.shape;
        Inputs { values: self.noisy, count: 1, batch: rows * (self.counts.fixed + self.counts.updated) }
    }

    /// What the critic is evaluated on at the fixed particles.
    pub fn inputs_of_asked(&self) -> Inputs {
        Inputs { values: self.asked, count: 1, batch: self.shape.1 * self.counts.fixed }
    }

    /// Contents before the first update: the weight of uniform actions, and the slope of a value for itself, which is what the
    /// critic's gradient for the action starts from.
    pub fn init(&self, critic: &Evaluations) -> Vec<(BufferId, Vec<u32>)> {
        let filled =
            |buffer: Buffer<f32>, value: f32| (buffer.id, vec![value.to_bits(); buffer.len as usize]);
        let weight = self.dims as f32 * std::f32::consts::LN_2;
        let mut init = vec![filled(self.log_weights, weight)];
        init.extend(critic.output_deltas().map(|deltas| filled(deltas, 1.0)));
        init
    }

    /// Records rows of the critics' input at `at`, each `particles` times, with noise of stream `STREAM_POLICY + kind` behind.
    fn expand(
        &self,
        rec: &mut Recording,
        records: Buffer<Agent>,
        (lanes, num_lanes): (Buffer<Lane>, u32),
        drawn: &Drawn,
        (at, particles, uniform): (At, u32, bool),
        inputs: Buffer<f32>,
    ) -> Result<()> {
        let (agents, rows) = self.shape;
        let params = noisy_inputs::Params {
            rows,
            particles,
            obs_size: self.obs_size,
            dims: self.dims,
            x_slots: INPUTS,
            x_slot: at.input(),
            x_stride: self.obs_size + self.dims,
            uniform: uniform.into(),
            by_lane: 0,
            num_lanes,
            stream: Purpose::Train as u32 * STREAMS + STREAM_POLICY + at.draw(),
            agents,
        };
        noisy_inputs::record(rec, params, records, lanes, drawn.inputs, inputs)
    }

    /// Records the soft value of `s'` and the targets of the critic.
    pub fn backup(
        &self,
        rec: &mut Recording,
        records: Buffer<Agent>,
        lanes: (Buffer<Lane>, u32),
        (drawn, batch): (&Drawn, &Batch),
        targets: Buffer<f32>,
    ) -> Result<()> {
        let (agents, rows) = self.shape;
        let inputs = self.values.activations.tensors[0];
        let wanted = (At::NextState, self.counts.values, true);
        self.expand(rec, records, lanes, drawn, wanted, inputs)?;
        self.values.forward(rec)?;
        let params = soft_value::Params {
            batch: rows,
            particles: self.counts.values,
            slots: 1,
            target_1: 0,
            target_2: 0,
            agents,
        };
        let (q, weights) = (self.values.outputs(), self.log_weights);
        let (rewards, discounts) = (batch.rewards, batch.discounts);
        soft_value::record(rec, params, records, q, weights, rewards, discounts, self.soft_values, targets)
    }

    /// Records the actions of the sampling network at `s`, and the gradient for its outputs: the direction of SVGD.
    pub fn ascend(
        &self,
        rec: &mut Recording,
        records: Buffer<Agent>,
        lanes: (Buffer<Lane>, u32),
        drawn: &Drawn,
        (sampler, critic): (&Evaluations, &Evaluations),
    ) -> Result<()> {
        let Some(gradients) = sampler.output_deltas() else { return Ok(()) };
        let (agents, batch) = self.shape;
        let Counts { fixed, updated, .. } = self.counts;
        let Particles { obs_size, dims, actions, scores, kappas, slopes, .. } = *self;
        self.expand(rec, records, lanes, drawn, (At::State, fixed + updated, false), self.noisy)?;
        sampler.forward(rec)?;
        let params = svgd_actions::Params {
            batch,
            fixed,
            updated,
            dims,
            obs_size,
            x_slots: INPUTS,
            x_slot: At::State.input(),
            agents,
        };
        svgd_actions::record(rec, params, drawn.inputs, sampler.outputs(), actions, self.asked)?;
        critic.forward(rec)?;
        let dq = critic.input_gradient(rec)?;
        let params = svgd_score::Params {
            batch,
            fixed,
            updated,
            dims,
            dq_stride: obs_size + dims,
            dq_offset: obs_size,
            eps: EPS,
            agents,
        };
        svgd_score::record(rec, params, records, actions, critic.outputs(), dq, scores, self.log_densities)?;
        let params = svgd_bandwidth::Params { batch, fixed, updated, dims, least: LEAST_BANDWIDTH, agents };
        svgd_bandwidth::record(rec, params, actions, self.medians, self.bandwidths)?;
        let params = svgd_kernel::Params { batch, fixed, updated, dims, agents };
        svgd_kernel::record(rec, params, actions, self.bandwidths, kappas, slopes)?;
        // The optimiser descends; a mean over states and updated particles.
        let scale = -1.0 / (batch * updated) as f32;
        let params = svgd_gradient::Params { batch, fixed, updated, dims, scale, squashed: 1, agents };
        svgd_gradient::record(rec, params, actions, scores, kappas, slopes, gradients)
    }
}
