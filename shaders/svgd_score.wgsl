// Log density of squashed actions under the policy exp(Q / alpha), up to a constant, and its gradient: what Stein
// variational gradient descent asks of the fixed particles. Haarnoja et al. 2017, as their code has it:
//
//   log p(a)      = Q(s, a) / alpha + sum_d ln(1 - a_d^2 + eps)
//   score_d(a)    = dQ/da_d / alpha - 2 a_d / (1 - a_d^2 + eps)
// The sum is the log determinant of a = tanh(u): the density is that of u. 1 - a^2 is formed as (1 - a)(1 + a), which
// keeps its digits near the bounds.
// actions [agents, batch, fixed + updated, dims]; q [agents, batch, fixed]; dq [agents, batch, fixed, dq_stride], the
// gradient from column dq_offset on; scores [agents, batch, fixed, dims]; log_densities [agents, batch, fixed].
// Grid: one invocation per fixed particle, x = batch * fixed / 64, z = agent. Determinism: the sum over dimensions in
// ascending order.

struct Params {
    batch: u32,
    fixed: u32,
    updated: u32,
    dims: u32,
    dq_stride: u32,
    dq_offset: u32,
    eps: f32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> actions: array<f32>;
@group(0) @binding(3) var<storage, read> q: array<f32>;
@group(0) @binding(4) var<storage, read> dq: array<f32>;
@group(0) @binding(5) var<storage, read_write> scores: array<f32>;
@group(0) @binding(6) var<storage, read_write> log_densities: array<f32>;

// import: math
// import: agent
// import: particles

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.batch * p.fixed) {
        return;
    }
    let particle = agent * p.batch * p.fixed + id.x;
    let alpha = agents[agent].alpha;
    let at = fixed_at(particle / p.fixed, particle % p.fixed);
    var volume = 0.0;
    for (var d = 0u; d < p.dims; d++) {
        let a = actions[at + d];
        let rest = (1.0 - a) * (1.0 + a) + p.eps;
        volume += log_f32(rest);
        scores[particle * p.dims + d] = dq[particle * p.dq_stride + p.dq_offset + d] / alpha - 2.0 * a / rest;
    }
    log_densities[particle] = q[particle] / alpha + volume;
}
