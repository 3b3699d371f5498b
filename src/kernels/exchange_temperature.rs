//! The temperature of a head in the place of the agent's. Twin of `shaders/exchange_temperature.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{product, tree_sum};
use crate::shared::agent::Agent;
use crate::shared::head_temperature::HeadTemperature;

gpu_struct! {
    /// Sizes, and which head.
    pub struct Params {
        /// Rows.
        pub batch: u32,
        /// Heads.
        pub heads: u32,
        /// The head; 0 has the record's own temperature.
        pub head: u32,
        /// 1: the record's entropy becomes that of the head.
        pub measure: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// Exchanges the temperatures of the agent's record and of a head.
    exchange_temperature, params Params, workgroup 64,
    bindings { write agents: Agent, write temperatures: HeadTemperature, read entropies: f32 }
    sizes |p, _| {
        // A head that there is not asks for more, and is refused.
        let later = p.heads.saturating_sub(1).max(p.head).max(1);
        vec![u64::from(p.agents), product(&[p.agents, later]), product(&[p.agents, p.batch, p.heads])]
    };
    grid |p| [1, 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.batch.div_ceil(64)) + 6;
    twin twin
}

fn twin(p: &Params, agents: &mut [Agent], temperatures: &mut [HeadTemperature], entropies: &[f32]) {
    let [batch, heads, head] = [p.batch, p.heads, p.head].map(|d| d as usize);
    for (agent, a) in agents.iter_mut().enumerate().take(p.agents as usize) {
        if head > 0 {
            let slot = &mut temperatures[agent * (heads - 1) + head - 1];
            let HeadTemperature { log_alpha, alpha, alpha_m, alpha_v, target_entropy } = slot;
            std::mem::swap(log_alpha, &mut a.log_alpha);
            std::mem::swap(alpha, &mut a.alpha);
            std::mem::swap(alpha_m, &mut a.alpha_m);
            std::mem::swap(alpha_v, &mut a.alpha_v);
            std::mem::swap(target_entropy, &mut a.target_entropy);
        }
        if p.measure == 1 {
            let mut partial = [0.0; 64];
            for b in 0..batch {
                partial[b % 64] += entropies[(agent * batch + b) * heads + head];
            }
            a.entropy = tree_sum(&mut partial) / p.batch as f32;
        }
    }
}
