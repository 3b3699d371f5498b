// Soft value of states from the values of sampled actions, by importance sampling, and the regression targets that
// follow from it. Haarnoja et al. 2017, equation 10:
//
//   V(s') = alpha ln mean_k exp(Q(s', a_k) / alpha) / q(a_k)
//   y     = r + gamma (1 - d) V(s')
// q(a_k) is the density that the actions were drawn from; log_weights hold -ln q(a_k), which for uniform actions in
// [-1, 1]^dims is dims ln 2. It makes V the integral over actions, not their mean. Of two Q networks the smaller value
// counts; target_1 = target_2 is one network.
// q [agents, slots, batch, particles]; log_weights [agents, batch, particles]; rewards, discounts, values, targets
// [agents, batch].
// Grid: one invocation per state, x = batch / 64, z = agent. Determinism: the sum over particles in ascending order.

struct Params {
    batch: u32,
    particles: u32,
    slots: u32,
    target_1: u32,
    target_2: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> log_weights: array<f32>;
@group(0) @binding(4) var<storage, read> rewards: array<f32>;
@group(0) @binding(5) var<storage, read> discounts: array<f32>;
@group(0) @binding(6) var<storage, read_write> values: array<f32>;
@group(0) @binding(7) var<storage, read_write> targets: array<f32>;

// import: math
// import: agent

// Q + alpha ln w of one particle.
fn weighted(agent: u32, b: u32, k: u32, alpha: f32) -> f32 {
    let q_1 = q[((agent * p.slots + p.target_1) * p.batch + b) * p.particles + k];
    let q_2 = q[((agent * p.slots + p.target_2) * p.batch + b) * p.particles + k];
    return min(q_1, q_2) + alpha * log_weights[(agent * p.batch + b) * p.particles + k];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    let b = id.x;
    if (b >= p.batch) {
        return;
    }
    let alpha = agents[agent].alpha;
    var top = weighted(agent, b, 0u, alpha);
    for (var k = 1u; k < p.particles; k++) {
        top = max(top, weighted(agent, b, k, alpha));
    }
    // The maximum is taken out before the division: what it leaves of large values keeps its digits.
    var sum = 0.0;
    for (var k = 0u; k < p.particles; k++) {
        sum += exp_f32((weighted(agent, b, k, alpha) - top) / alpha);
    }
    let row = agent * p.batch + b;
    let value = top + alpha * (log_f32(sum) - log_f32(f32(p.particles)));
    values[row] = value;
    targets[row] = rewards[row] + discounts[row] * value;
}
