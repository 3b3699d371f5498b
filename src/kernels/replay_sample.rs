//! n-step windows from the ring, gathered into contiguous batches. Twin of `shaders/replay_sample.wgsl`.

use crate::engine::threads;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};
use crate::shared::agent::{Agent, Lane};
use crate::shared::rng::{Rng, STREAM_REPLAY};
use crate::shared::transition::{GOES_ON, TERMINATED, TransitionLayout};

gpu_struct! {
    /// Sizes and the stream.
    pub struct Params {
        /// Rows to draw.
        pub batch: u32,
        /// Length of an observation.
        pub obs_size: u32,
        /// Bits of an element in the ring: 32, 8 or 1.
        pub obs_bits: u32,
        /// Actions per transition.
        pub heads: u32,
        /// Transitions per agent in `replay`, a multiple of `num_lanes`.
        pub capacity: u32,
        /// Environments per agent.
        pub num_lanes: u32,
        /// Transitions in a window, at least 1.
        pub n_step: u32,
        /// Observations per row: 2, or `n_step + 1` for those between the ends too.
        pub inputs: u32,
        /// 1: the starts are not drawn, `actions` holds them on entry.
        pub given_starts: u32,
        /// Base of the random streams.
        pub stream: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// Draws a batch.
    replay_sample, params Params, workgroup 64,
    bindings {
        read agents: Agent, read lanes: Lane, read replay: u32,
        write batch_obs: f32, write actions: u32, write rewards: f32, write discounts: f32,
    }
    sizes |p, _| {
        let agents = u64::from(p.agents);
        let rows = product(&[p.agents, p.batch]);
        vec![
            agents, product(&[p.agents, p.num_lanes]),
            product(&[p.agents, p.capacity]) * layout(p).words() as u64,
            product(&[p.agents, p.inputs, p.batch, p.obs_size]), rows * u64::from(p.heads), rows,
            rows * u64::from(p.inputs - 1),
        ]
    };
    grid |p| [groups(u64::from(p.batch), 64), 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.n_step) + u64::from(p.inputs) * u64::from(p.obs_size + 1) + u64::from(p.heads);
    twin twin
}

fn layout(p: &Params) -> TransitionLayout {
    TransitionLayout { obs_size: p.obs_size, obs_bits: p.obs_bits, action_words: p.heads }
}

/// Rows below which another thread costs more than it brings.
const MIN_ROWS: usize = 32;

/// What some rows of one agent's batch are written to: from `first` on, a slice for every input and for every discount.
struct Rows<'a> {
    agent: usize,
    first: usize,
    obs: Vec<&'a mut [f32]>,
    actions: &'a mut [u32],
    rewards: &'a mut [f32],
    discounts: Vec<&'a mut [f32]>,
}

fn twin(
    p: &Params,
    agents: &[Agent],
    lanes: &[Lane],
    replay: &[u32],
    batch_obs: &mut [f32],
    actions: &mut [u32],
    rewards: &mut [f32],
    discounts: &mut [f32],
) {
    let [batch, obs_size, heads, inputs] = [p.batch, p.obs_size, p.heads, p.inputs].map(|d| d as usize);
    let parts = threads::available().div_ceil(p.agents.max(1) as usize);
    let rows = batch.div_ceil(parts).max(MIN_ROWS);
    let mut blocks = Vec::new();
    let outputs = actions.chunks_exact_mut(batch * heads).zip(rewards.chunks_exact_mut(batch));
    let mut obs = batch_obs.chunks_exact_mut(batch * obs_size);
    let mut discounts = discounts.chunks_exact_mut(batch);
    for (agent, (actions, rewards)) in outputs.take(p.agents as usize).enumerate() {
        let mut obs: Vec<_> = obs.by_ref().take(inputs).map(|obs| obs.chunks_mut(rows * obs_size)).collect();
        let mut discounts: Vec<_> =
            discounts.by_ref().take(inputs - 1).map(|discounts| discounts.chunks_mut(rows)).collect();
        let outputs = actions.chunks_mut(rows * heads).zip(rewards.chunks_mut(rows));
        for (block, (actions, rewards)) in outputs.enumerate() {
            let obs = obs.iter_mut().filter_map(Iterator::next).collect();
            let discounts = discounts.iter_mut().filter_map(Iterator::next).collect();
            blocks.push(Rows { agent, first: block * rows, obs, actions, rewards, discounts });
        }
    }
    threads::for_each(blocks, |rows| rows.fill(p, agents, lanes, replay));
}

impl Rows<'_> {
    fn fill(mut self, p: &Params, agents: &[Agent], lanes: &[Lane], replay: &[u32]) {
        let [obs_size, heads, inputs] = [p.obs_size, p.heads, p.inputs].map(|d| d as usize);
        let t = layout(p);
        let lane_rows = p.capacity / p.num_lanes;
        // The transition `steps` later in the same lane.
        let transition = |start: u32, steps: u32| {
            let index = ((start + steps * p.num_lanes) % p.capacity) as usize;
            &replay[(self.agent * p.capacity as usize + index) * t.words()..][..t.words()]
        };
        let agent = &agents[self.agent];
        let gamma = agent.gamma;
        let step = lanes[self.agent * p.num_lanes as usize].step;
        let filled = step.min(lane_rows).max(1);
        let head = step % lane_rows;
        if p.given_starts == 0 {
            let starts = filled - (p.n_step - 1).min(filled - 1);
            let oldest = if p.n_step > 1 && step >= lane_rows { head } else { 0 };
            for (b, actions) in (self.first as u32..).zip(self.actions.chunks_exact_mut(heads)) {
                let mut rng = Rng::new(agent.seed, p.stream + STREAM_REPLAY, agent.updates, b);
                let index = rng.u32() % (starts * p.num_lanes);
                actions[0] = (index + oldest * p.num_lanes) % p.capacity;
                // On its way into the cache while the next ones are drawn.
                std::hint::black_box(transition(actions[0], 0)[0]);
            }
        }
        for row in 0..self.rewards.len() {
            let actions = &mut self.actions[row * heads..][..heads];
            let start = actions[0].min(p.capacity - 1);
            let behind = (head + lane_rows - start / p.num_lanes) % lane_rows;
            let longest = p.n_step.min(filled).min(if behind == 0 { lane_rows } else { behind });

            let first = transition(start, 0);
            let mut last = first;
            let mut reward = t.reward(last);
            let mut discount = gamma;
            let mut taken = 1;
            while taken < longest && last[t.ended_at()] == GOES_ON {
                last = transition(start, taken);
                reward += discount * t.reward(last);
                discount *= gamma;
                taken += 1;
            }
            self.rewards[row] = reward;
            self.discounts[0][row] = discount * if last[t.ended_at()] == TERMINATED { 0.0 } else { 1.0 };

            let last_obs = &last[t.next_obs_at()..];
            let mut put = |input: usize, words: &[u32]| {
                t.load_obs(words, &mut self.obs[input][row * obs_size..][..obs_size]);
            };
            put(0, first);
            put(1, last_obs);
            let mut factor = gamma;
            for k in 1..inputs - 1 {
                let inside = (k as u32) < taken;
                put(k + 1, if inside { transition(start, k as u32) } else { last_obs });
                self.discounts[k][row] = if inside { factor } else { 0.0 };
                factor *= gamma;
            }
            actions.copy_from_slice(&first[t.action_at()..][..heads]);
        }
    }
}
