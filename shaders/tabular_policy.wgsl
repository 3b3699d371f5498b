// Policy improvement: the policy closest to the action values.
//
//   alpha > 0: pi(a|s) = exp((Q(s, a) - max Q(s, .)) / alpha) / S, H(pi) = ln S - sum_a e_a z_a / S
//   alpha = 0: pi is uniform over the actions within `tie` of the best one, H(pi) = ln(their number)
//   reference = 1 takes Q + alpha ln pi_bar for Q: pi(a|s) is proportional to pi_bar(a|s) exp(Q(s, a) / alpha); with
//   alpha = 0, actions that pi_bar never takes are left out
// solvers [agents]; q, policy, log_reference [agents, states, actions]; entropies [agents, states]. Solutions that have
// converged stay as they are. log_reference holds ln pi_bar, -1e30 for 0; it is not read with reference = 0.
// Grid: one invocation per state, x = states / 64, z = agent. Determinism: sums over actions in ascending order.

struct Params {
    states: u32,
    actions: u32,
    reference: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> solvers: array<Solver>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> log_reference: array<f32>;
@group(0) @binding(4) var<storage, read_write> policy: array<f32>;
@group(0) @binding(5) var<storage, read_write> entropies: array<f32>;

// import: math
// import: policy
// import: tabular

fn q_value(source: u32, row: u32, action: u32) -> f32 {
    let at = row * p.actions + action;
    if (p.reference == 0u) {
        return q[at];
    }
    return relative(q[at], log_reference[at], solvers[source].alpha);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.states || solvers[agent].converged != 0u) {
        return;
    }
    let row = agent * p.states + id.x;
    let alpha = solvers[agent].alpha;
    if (alpha > 0.0) {
        let softmax = softmax_of(agent, row, p.actions, alpha);
        for (var a = 0u; a < p.actions; a++) {
            policy[row * p.actions + a] = probability(softmax, q_value(agent, row, a), alpha);
        }
        entropies[row] = softmax.entropy;
        return;
    }
    let top = q_value(agent, row, argmax_of(agent, row, p.actions));
    let least = top - solvers[agent].tie * max(1.0, abs(top));
    var best = 0.0;
    for (var a = 0u; a < p.actions; a++) {
        best += select(0.0, 1.0, q_value(agent, row, a) >= least);
    }
    for (var a = 0u; a < p.actions; a++) {
        policy[row * p.actions + a] = select(0.0, 1.0 / best, q_value(agent, row, a) >= least);
    }
    entropies[row] = log_f32(best);
}
