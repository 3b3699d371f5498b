// Closes an update: mean entropy and loss, the temperature step, and the update counter.
//
// mode 0 fixed; 1 learned: d/d(log_alpha) = H - target_entropy; 2 learned_exp: alpha (H - target_entropy); both by Adam, so
// alpha falls when the entropy is above its target; 3 schedule: log_alpha interpolates linearly over environment steps.
// entropies, targets [agents, batch]; td, losses [agents, grad_slots, batch]; lanes [agents, num_lanes]; learner [agents].
// Grid: one workgroup of 64 per agent (z). Determinism: thread t sums rows t, t + 64, ... in order, then a fixed tree.

struct Params {
    batch: u32,
    grad_slots: u32,
    num_lanes: u32,
    mode: u32,
    agents: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> hyper: array<Hyper>;
@group(0) @binding(2) var<storage, read> lanes: array<Lane>;
@group(0) @binding(3) var<storage, read> entropies: array<f32>;
@group(0) @binding(4) var<storage, read> targets: array<f32>;
@group(0) @binding(5) var<storage, read> td: array<f32>;
@group(0) @binding(6) var<storage, read> losses: array<f32>;
@group(0) @binding(7) var<storage, read_write> learner: array<Learner>;

// import: math
// import: agent

// entropy, loss, value of the taken action
var<workgroup> partial: array<vec3f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let agent = group.z;
    var sum = vec3f();
    for (var b = local; b < p.batch; b += 64u) {
        let row = agent * p.batch + b;
        sum.x += entropies[row];
        for (var net = 0u; net < p.grad_slots; net++) {
            sum.y += losses[(agent * p.grad_slots + net) * p.batch + b];
        }
        sum.z += td[agent * p.grad_slots * p.batch + b] + targets[row];
    }
    partial[local] = sum;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (local < half) {
            partial[local] += partial[local + half];
        }
    }
    if (local != 0u || learner[agent].nonfinite != 0u) {
        return;
    }
    let h = hyper[agent];
    var l = learner[agent];
    let mean = partial[0] / f32(p.batch);
    if (!is_finite_f32(mean.y)) {
        l.nonfinite = l.updates + 1u;
        learner[agent] = l;
        return;
    }
    l.entropy = mean.x;
    l.window_updates += 1u;
    l.entropy_sum += mean.x;
    l.loss_sum += mean.y;
    l.q_sum += mean.z;
    l.grad_norm_sum += l.grad_norm;
    l.updates += 1u;
    if (p.mode == 1u || p.mode == 2u) {
        let g = (mean.x - h.target_entropy) * select(1.0, l.alpha, p.mode == 2u);
        let t = f32(l.updates);
        l.alpha_m += h.one_minus_beta1 * (g - l.alpha_m);
        l.alpha_v = (l.alpha_v - h.one_minus_beta2 * l.alpha_v) + h.one_minus_beta2 * g * g;
        let correction1 = -expm1_f32(t * h.ln_beta1);
        let correction2 = -expm1_f32(t * h.ln_beta2);
        let step = l.alpha_m / (sqrt(l.alpha_v) / sqrt(correction2) + h.adam_eps);
        l.log_alpha -= h.alpha_learning_rate / correction1 * step;
    } else if (p.mode == 3u) {
        let env_steps = f32(lanes[agent * p.num_lanes].step) * f32(p.num_lanes);
        l.log_alpha = schedule(h.log_alpha_initial, h.log_alpha_final, h.alpha_decay_steps, env_steps);
    }
    l.log_alpha = clamp(l.log_alpha, h.log_alpha_min, h.log_alpha_max);
    l.alpha = exp_f32(l.log_alpha);
    learner[agent] = l;
}
