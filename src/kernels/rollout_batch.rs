//! A minibatch of a rollout. Twin of `shaders/rollout_batch.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};
use crate::shared::agent::Agent;
use crate::shared::lambda_return::LambdaReturn;
use crate::shared::permutation::{most_repeats, permuted};
use crate::shared::rng::{Rng, STREAM_REPLAY};
use crate::shared::transition::TransitionLayout;

gpu_struct! {
    /// Sizes and the stream.
    pub struct Params {
        /// Rows of a minibatch.
        pub batch: u32,
        /// Length of an observation.
        pub obs_size: u32,
        /// Bits of an element in the ring: 32, 8 or 1.
        pub obs_bits: u32,
        /// Actions per transition.
        pub heads: u32,
        /// Transitions per agent, a multiple of `batch`.
        pub capacity: u32,
        /// Observations per row in memory, of which the first is written.
        pub inputs: u32,
        /// 1: the rows are not permuted, `actions` holds them on entry.
        pub given: u32,
        /// Base of the random streams.
        pub stream: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// Gathers a minibatch with its targets.
    rollout_batch, params Params, workgroup 64,
    bindings {
        read agents: Agent, read replay: u32, read returns: LambdaReturn,
        write batch_obs: f32, write actions: u32, write targets: f32, write entropies: f32,
    }
    sizes |p, _| {
        let kept = product(&[p.agents, p.capacity]);
        let rows = product(&[p.agents, p.batch, p.heads]);
        vec![
            u64::from(p.agents), kept * layout(p).words() as u64, kept * u64::from(p.heads),
            product(&[p.agents, p.inputs, p.batch, p.obs_size]), rows, rows, rows,
        ]
    };
    grid |p| [groups(u64::from(p.batch), 64), 1, u64::from(p.agents)];
    loops |p, _| most_repeats(p.capacity) + u64::from(p.obs_size) + u64::from(p.heads);
    twin twin
}

fn layout(p: &Params) -> TransitionLayout {
    TransitionLayout { obs_size: p.obs_size, obs_bits: p.obs_bits, action_words: p.heads }
}

fn twin(
    p: &Params,
    agents: &[Agent],
    replay: &[u32],
    returns: &[LambdaReturn],
    batch_obs: &mut [f32],
    actions: &mut [u32],
    targets: &mut [f32],
    entropies: &mut [f32],
) {
    let [batch, obs_size, heads, capacity, inputs] =
        [p.batch, p.obs_size, p.heads, p.capacity, p.inputs].map(|d| d as usize);
    let t = layout(p);
    for (agent, h) in agents.iter().enumerate().take(p.agents as usize) {
        let parts = (p.capacity / p.batch).max(1);
        let key = Rng::new(h.seed, p.stream + STREAM_REPLAY, h.updates / parts, 0).u32();
        for b in 0..batch {
            let row = agent * batch + b;
            let place = if p.given == 1 {
                actions[row * heads].min(p.capacity - 1)
            } else {
                permuted(h.updates % parts * p.batch + b as u32, p.capacity, key)
            };
            let from_row = agent * capacity + place as usize;
            let transition = &replay[from_row * t.words()..][..t.words()];
            let obs_to = (agent * inputs * batch + b) * obs_size;
            t.load_obs(transition, &mut batch_obs[obs_to..][..obs_size]);
            let results = &returns[from_row * heads..][..heads];
            actions[row * heads..][..heads].copy_from_slice(&transition[t.action_at()..][..heads]);
            for (head, result) in results.iter().enumerate() {
                targets[row * heads + head] = result.value;
                entropies[row * heads + head] = result.entropy;
            }
        }
    }
}
