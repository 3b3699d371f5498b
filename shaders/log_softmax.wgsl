// Softmax policy of each row of action values: log-probabilities, entropy, soft value, probabilities and greedy action.
//
//   log pi(a) = (q(a) - max q) / alpha - ln S,  S = sum_a exp((q(a) - max q) / alpha)
//   H = ln S - sum_a e_a z_a / S,               V = max q + alpha ln S = alpha logsumexp(q / alpha)
//   pi(a) = exp((q(a) - max q) / alpha) / S,    greedy = first a with the largest q(a)
// q [rows, actions], alphas [rows], log_probs [rows, actions], entropies [rows], values [rows],
// probs [rows, actions], greedy [rows].
// Grid: one invocation per row. Determinism: sums over actions in ascending order.

struct Params {
    rows: u32,
    actions: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> alphas: array<f32>;
@group(0) @binding(3) var<storage, read_write> log_probs: array<f32>;
@group(0) @binding(4) var<storage, read_write> entropies: array<f32>;
@group(0) @binding(5) var<storage, read_write> values: array<f32>;
@group(0) @binding(6) var<storage, read_write> probs: array<f32>;
@group(0) @binding(7) var<storage, read_write> greedy: array<u32>;

// import: math
// import: policy

fn q_value(source: u32, row: u32, action: u32) -> f32 {
    return q[row * p.actions + action];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let row = id.x;
    if (row >= p.rows) {
        return;
    }
    let alpha = alphas[row];
    let softmax = softmax_of(0u, row, p.actions, alpha);
    for (var a = 0u; a < p.actions; a++) {
        log_probs[row * p.actions + a] = log_probability(softmax, q_value(0u, row, a), alpha);
        probs[row * p.actions + a] = probability(softmax, q_value(0u, row, a), alpha);
    }
    entropies[row] = softmax.entropy;
    values[row] = softmax.top + alpha * softmax.log_sum;
    greedy[row] = argmax_of(0u, row, p.actions);
}
