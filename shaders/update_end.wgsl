// The end of an update: means of the batch into the statistics, the update counter, and the test that the loss is
// finite.
//
// The entropy of a row is summed over heads with their weights; the window's sum takes its mean per head.
// entropies, targets [agents, batch, heads]; errors [agents, grad_slots, batch, heads]; agents, optimizers [agents].
// Grid: one workgroup of 64 per agent (z). Determinism: thread t sums rows t, t + 64, ... in order, then a fixed tree.

struct Params {
    batch: u32,
    grad_slots: u32,
    heads: u32,
    // weight of every head but the first, whose weight is 1
    later_head_weight: f32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read_write> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> optimizers: array<Optimizer>;
@group(0) @binding(3) var<storage, read> entropies: array<f32>;
@group(0) @binding(4) var<storage, read> targets: array<f32>;
@group(0) @binding(5) var<storage, read> errors: array<TdError>;

// import: math
// import: agent
// import: optimizer

// entropy, loss, value of the taken action
var<workgroup> partial: array<vec3f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let agent = group.z;
    var sum = vec3f();
    for (var b = local; b < p.batch; b += 64u) {
        let row = agent * p.batch + b;
        for (var head = 0u; head < p.heads; head++) {
            let weight = select(p.later_head_weight, 1.0, head == 0u);
            sum.x += weight * entropies[row * p.heads + head];
            for (var net = 0u; net < p.grad_slots; net++) {
                let net_row = (agent * p.grad_slots + net) * p.batch + b;
                sum.y += weight * errors[net_row * p.heads + head].loss;
            }
        }
        sum.z += errors[(agent * p.grad_slots * p.batch + b) * p.heads].error + targets[row * p.heads];
    }
    partial[local] = sum;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (local < half) {
            partial[local] += partial[local + half];
        }
    }
    if (local != 0u || agents[agent].nonfinite != 0u) {
        return;
    }
    var a = agents[agent];
    let mean = partial[0] / f32(p.batch);
    if (!is_finite_f32(mean.y)) {
        a.nonfinite = a.updates + 1u;
        agents[agent] = a;
        return;
    }
    a.entropy = mean.x;
    a.window_updates += 1u;
    a.entropy_sum += a.entropy / (1.0 + f32(p.heads - 1u) * p.later_head_weight);
    a.loss_sum += mean.y;
    a.q_sum += mean.z;
    a.grad_norm_sum += optimizers[agent].grad_norm;
    a.updates += 1u;
    agents[agent] = a;
}
