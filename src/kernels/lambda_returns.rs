//! Lambda returns of a rollout. Twin of `shaders/lambda_returns.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{extent, groups, product, rows_end};
use crate::shared::agent::{Agent, Lane};
use crate::shared::lambda_return::LambdaReturn;
use crate::shared::math::log_f32;
use crate::shared::policy::{argmax_of, softmax_of};
use crate::shared::transition::{GOES_ON, TERMINATED, TransitionLayout};

gpu_struct! {
    /// Sizes, and which value the returns are made of; see the shader's header.
    pub struct Params {
        /// Steps of a rollout.
        pub steps: u32,
        /// Environments per agent.
        pub num_lanes: u32,
        /// Length of an observation.
        pub obs_size: u32,
        /// Bits of an element in the ring: 32, 8 or 1.
        pub obs_bits: u32,
        /// Actions.
        pub actions: u32,
        /// Columns of `q`.
        pub q_stride: u32,
        /// First column of this head.
        pub q_offset: u32,
        /// Heads.
        pub heads: u32,
        /// This head.
        pub head: u32,
        /// 1: the value is the largest action value.
        pub hard: u32,
        /// 1: `alpha H` is part of the value.
        pub entropy: u32,
        /// 1: and of the returns that it is mixed with.
        pub between: u32,
        /// 1 subtracts `alpha ln|A|`.
        pub kl: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// `R[t]` and `H(pi(s'))` of every transition.
    lambda_returns, params Params, workgroup 64,
    bindings {
        read agents: Agent, read lanes: Lane, read replay: u32, read q: f32,
        write returns: LambdaReturn,
    }
    sizes |p, _| {
        let agents = u64::from(p.agents);
        let lanes = product(&[p.agents, p.num_lanes]);
        let rows = lanes * u64::from(p.steps);
        let per_agent = p.steps.saturating_mul(p.num_lanes);
        vec![
            agents, lanes, rows * layout(p).words() as u64,
            extent(p.agents, 1, product(&[per_agent, p.q_stride]), 0, rows_end(per_agent, p.q_stride, p.q_offset, p.actions)),
            rows * u64::from(p.heads),
        ]
    };
    grid |p| [groups(u64::from(p.num_lanes), 64), 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.steps) * (1 + 3 * u64::from(p.actions));
    twin twin
}

fn layout(p: &Params) -> TransitionLayout {
    TransitionLayout { obs_size: p.obs_size, obs_bits: p.obs_bits, action_words: p.heads }
}

/// `V` of a row, `H` of its policy, and what `H` adds to a return.
fn value_of(p: &Params, q: &[f32], alpha: f32) -> [f32; 3] {
    let actions = q.len();
    let value = |a: usize| q[a];
    if p.hard == 1 {
        return [q[argmax_of(value, actions)], 0.0, 0.0];
    }
    let pi = softmax_of(value, actions, alpha);
    if p.entropy == 0 {
        let mut gain = 0.0;
        for q in q {
            gain += pi.probability(*q, alpha) * (q - pi.top);
        }
        return [pi.top + gain, pi.entropy, 0.0];
    }
    let baseline = if p.kl == 1 { alpha * log_f32(p.actions as f32) } else { 0.0 };
    let bonus = if p.between == 1 { alpha * pi.entropy - baseline } else { 0.0 };
    [pi.top + alpha * pi.log_sum - baseline, pi.entropy, bonus]
}

fn twin(
    p: &Params,
    agents: &[Agent],
    lanes: &[Lane],
    replay: &[u32],
    q: &[f32],
    returns: &mut [LambdaReturn],
) {
    let [steps, num_lanes, q_stride, heads] = [p.steps, p.num_lanes, p.q_stride, p.heads].map(|d| d as usize);
    let t = layout(p);
    for (agent, h) in agents.iter().enumerate().take(p.agents as usize) {
        let oldest = lanes[agent * num_lanes].step as usize % steps;
        for lane in 0..num_lanes {
            let mut later = 0.0;
            for back in 0..steps {
                let place = (oldest + steps - 1 - back) % steps;
                let row = (agent * steps + place) * num_lanes + lane;
                let columns = &q[row * q_stride + p.q_offset as usize..][..p.actions as usize];
                let [value, entropy, bonus] = value_of(p, columns, h.alpha);
                let transition = &replay[row * t.words()..][..t.words()];
                let ended = transition[t.ended_at()];
                let mut ahead = value;
                if back > 0 && ended == GOES_ON {
                    ahead += h.q_lambda * (later + bonus - value);
                }
                let mut reward = t.reward(transition);
                if ended != TERMINATED {
                    reward += h.gamma * ahead;
                }
                returns[row * heads + p.head as usize] = LambdaReturn { value: reward, entropy };
                later = reward;
            }
        }
    }
}
