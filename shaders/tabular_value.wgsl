// State values from action values: the first half of a sweep of the exact solver.
//
//   given_policy = 0: V(s) = alpha logsumexp(Q(s, .) / alpha), or max Q(s, .) with alpha = 0  (soft Bellman backup)
//   given_policy = 1: V(s) = sum_a pi(a|s) Q(s, a) + alpha H(pi(.|s))                         (soft policy evaluation)
//   kl = 1 subtracts alpha ln|A|: entropy relative to the uniform policy
//   reference = 1 takes Q + alpha ln pi_bar for Q: V(s) = alpha ln sum_a pi_bar(a|s) exp(Q(s, a) / alpha), and
//   V(s) = sum_a pi(a|s) Q(s, a) - alpha KL(pi(.|s) || pi_bar(.|s))
// solvers [agents]; q, policy, log_reference [agents, states, actions]; entropies, values [agents, states]. Solutions
// that have converged stay as they are. log_reference holds ln pi_bar, -1e30 for 0; it is not read with reference = 0.
// Grid: one invocation per state, x = states / 64, z = agent. Determinism: sums over actions in ascending order.

struct Params {
    states: u32,
    actions: u32,
    given_policy: u32,
    kl: u32,
    reference: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> solvers: array<Solver>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> policy: array<f32>;
@group(0) @binding(4) var<storage, read> entropies: array<f32>;
@group(0) @binding(5) var<storage, read> log_reference: array<f32>;
@group(0) @binding(6) var<storage, read_write> values: array<f32>;

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
    var value = 0.0;
    if (p.given_policy == 1u) {
        // Differences to the best action are small where values are large.
        let top = q_value(agent, row, argmax_of(agent, row, p.actions));
        var below = 0.0;
        for (var a = 0u; a < p.actions; a++) {
            below += policy[row * p.actions + a] * (q_value(agent, row, a) - top);
        }
        value = (top + below) + alpha * entropies[row];
    } else if (alpha > 0.0) {
        let softmax = softmax_of(agent, row, p.actions, alpha);
        value = softmax.top + alpha * softmax.log_sum;
    } else {
        value = q_value(agent, row, argmax_of(agent, row, p.actions));
    }
    if (p.kl == 1u) {
        value -= alpha * log_f32(f32(p.actions));
    }
    values[row] = value;
}
