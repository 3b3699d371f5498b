// TD error of both online nets, the loss, and its gradient for the action values.
//
//   e_i = Q_i(s, a) - y,  mse e^2, half_mse e^2 / 2, huber e^2 / 2 if |e| <= delta else delta (|e| - delta / 2),
//   smooth_l1 huber / delta, with delta = huber_delta
//   dq_i(a) = head_weight * w * loss'(e_i) / batch, and 0 for every other action, w = importance between least_weight
//   and largest_weight
// q [agents, slots, batch, q_stride], actions columns from q_offset on; its first grad_slots slots are the online nets
// at s.
// actions, targets [agents, batch, heads], importance [agents, batch]; dq [agents, grad_slots, batch, q_stride]; errors
// [agents, grad_slots, batch, heads]: e_i and the loss, w applied. One dispatch per head.
// Grid: one invocation per row, x = batch / 64, y = net, z = agent. Determinism: no sums.

struct Params {
    batch: u32,
    actions: u32,
    slots: u32,
    grad_slots: u32,
    q_stride: u32,
    q_offset: u32,
    heads: u32,
    head: u32,
    // weight of this head's gradient
    head_weight: f32,
    least_weight: f32,
    largest_weight: f32,
    // 0 mse, 1 half_mse, 2 huber, 3 smooth_l1
    loss: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> actions: array<u32>;
@group(0) @binding(4) var<storage, read> targets: array<f32>;
@group(0) @binding(5) var<storage, read> importance: array<f32>;
@group(0) @binding(6) var<storage, read_write> dq: array<f32>;
@group(0) @binding(7) var<storage, read_write> errors: array<TdError>;

// import: agent

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let net = id.y;
    let agent = id.z;
    if (id.x >= p.batch) {
        return;
    }
    let row = agent * p.batch + id.x;
    let q_at = ((agent * p.slots + net) * p.batch + id.x) * p.q_stride + p.q_offset;
    let net_row = (agent * p.grad_slots + net) * p.batch + id.x;
    let head_row = row * p.heads + p.head;
    // A wrong index must not read beyond the row.
    let action = min(actions[head_row], p.actions - 1u);
    let e = q[q_at + action] - targets[head_row];
    var loss = e * e;
    var slope = 2.0 * e;
    if (p.loss == 1u) {
        loss = 0.5 * e * e;
        slope = e;
    } else if (p.loss >= 2u) {
        let delta = agents[agent].huber_delta;
        if (abs(e) <= delta) {
            loss = 0.5 * e * e;
            slope = e;
        } else {
            loss = delta * (abs(e) - 0.5 * delta);
            slope = select(-delta, delta, e > 0.0);
        }
        if (p.loss == 3u) {
            loss /= delta;
            slope /= delta;
        }
    }
    let weight = clamp(importance[row], p.least_weight, p.largest_weight);
    let gradient = p.head_weight * weight * slope / f32(p.batch);
    for (var a = 0u; a < p.actions; a++) {
        dq[net_row * p.q_stride + p.q_offset + a] = select(0.0, gradient, a == action);
    }
    errors[net_row * p.heads + p.head] = TdError(e, weight * loss);
}
