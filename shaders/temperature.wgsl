// Closes an update: mean entropy and loss, the temperature step, and the update counter.
//
// mode 0 fixed; 1 learned: d/d(log_alpha) = H - target_entropy; 2 learned_exp: alpha (H - target_entropy); both by Adam, so
// alpha falls when the entropy is above its target; 3 schedule: log_alpha interpolates linearly over environment steps.
// Adam's betas and eps are those of the networks' optimiser. Several heads share alpha: H - target_entropy is summed over heads with their weights.
// entropies, targets [agents, batch, heads]; errors [agents, grad_slots, batch, heads]; lanes [agents, num_lanes]; agents, optimizers [agents].
// Grid: one workgroup of 64 per agent (z). Determinism: thread t sums rows t, t + 64, ... in order, then a fixed tree.

struct Params {
    batch: u32,
    grad_slots: u32,
    heads: u32,
    // weight of every head but the first, whose weight is 1
    later_head_weight: f32,
    num_lanes: u32,
    mode: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read_write> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> optimizers: array<Optimizer>;
@group(0) @binding(3) var<storage, read> lanes: array<Lane>;
@group(0) @binding(4) var<storage, read> entropies: array<f32>;
@group(0) @binding(5) var<storage, read> targets: array<f32>;
@group(0) @binding(6) var<storage, read> errors: array<TdError>;

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
    let weights = 1.0 + f32(p.heads - 1u) * p.later_head_weight;
    a.entropy = mean.x / weights;
    a.window_updates += 1u;
    a.entropy_sum += a.entropy;
    a.loss_sum += mean.y;
    a.q_sum += mean.z;
    let o = optimizers[agent];
    a.grad_norm_sum += o.grad_norm;
    a.updates += 1u;
    if (p.mode == 1u || p.mode == 2u) {
        let g = (mean.x - weights * a.target_entropy) * select(1.0, a.alpha, p.mode == 2u);
        let t = f32(a.updates);
        a.alpha_m += o.one_minus_beta1 * (g - a.alpha_m);
        a.alpha_v = (a.alpha_v - o.one_minus_beta2 * a.alpha_v) + o.one_minus_beta2 * g * g;
        let correction1 = -expm1_f32(t * o.ln_beta1);
        let correction2 = -expm1_f32(t * o.ln_beta2);
        let step = a.alpha_m / (sqrt(a.alpha_v) / sqrt(correction2) + o.adam_eps);
        a.log_alpha -= a.alpha_learning_rate / correction1 * step;
    } else if (p.mode == 3u) {
        let env_steps = f32(lanes[agent * p.num_lanes].step) * f32(p.num_lanes);
        a.log_alpha = schedule(a.log_alpha_initial, a.log_alpha_final, a.alpha_decay_steps, env_steps);
    }
    a.log_alpha = clamp(a.log_alpha, a.log_alpha_min, a.log_alpha_max);
    a.alpha = exp_f32(a.log_alpha);
    agents[agent] = a;
}
