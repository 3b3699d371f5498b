//! The observations behind the transitions of a rollout. Twin of `shaders/rollout_states.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};
use crate::shared::transition::TransitionLayout;

gpu_struct! {
    /// Sizes.
    pub struct Params {
        /// Transitions per agent.
        pub capacity: u32,
        /// Length of an observation.
        pub obs_size: u32,
        /// Bits of an element in the ring: 32, 8 or 1.
        pub obs_bits: u32,
        /// Actions per transition.
        pub heads: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `s'` of every transition.
    rollout_states, params Params, workgroup 64,
    bindings { read replay: u32, write next_obs: f32 }
    sizes |p, _| {
        let rows = product(&[p.agents, p.capacity]);
        vec![rows * layout(p).words() as u64, rows * u64::from(p.obs_size)]
    };
    grid |p| [groups(u64::from(p.capacity), 64), 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.obs_size);
    twin twin
}

fn layout(p: &Params) -> TransitionLayout {
    TransitionLayout { obs_size: p.obs_size, obs_bits: p.obs_bits, action_words: p.heads }
}

fn twin(p: &Params, replay: &[u32], next_obs: &mut [f32]) {
    let t = layout(p);
    let rows = (p.agents * p.capacity) as usize;
    let transitions = replay.chunks_exact(t.words()).take(rows);
    for (transition, next_obs) in transitions.zip(next_obs.chunks_exact_mut(p.obs_size as usize)) {
        t.load_obs(&transition[t.next_obs_at()..], next_obs);
    }
}
