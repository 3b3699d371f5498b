// Adam or RAdam on a group's online nets and, in the same pass, the averaging of their targets where they have some.
//
//   m += (1 - beta1)(g - m),  v = beta2 v + (1 - beta2) g^2,  t = steps; 1 - beta^t comes from grad_norm
//   w -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)     (PyTorch's order of operations)
//   w' += polyak (w - w') every target_update_interval steps; polyak = 1 copies
// RAdam (Liu et al., arXiv 1908.03265) multiplies that step by the rectification r of grad_norm, with eps added to
// sqrt(v) in PyTorch's form; while r = 0 it is w -= lr / (1 - beta1^t) * m.
// With weight_decay > 0, w is first multiplied by 1 - lr weight_decay (AdamW), or with l2 = 1, g gains weight_decay w
// (Adam).
// grads, m, v [agents, count]; weights [agents, 1 + targets, count]: online nets, then their targets.
// m and v of a weight without gradient decay for ever. A device may compute with subnormal numbers or take them for 0:
// they become 0 here, so that all devices agree, and those that compute with them do not do it slowly.
// Grid: an invocation updates 4 parameters, 64 apart; x = count / 256, z = agent. Determinism: no sums.

struct Params {
    count: u32,
    // 1: a target follows every online net; 0: none does
    targets: u32,
    // of Adam, 0: eps is added to the bias-corrected sqrt(v) (PyTorch); 1: to sqrt(v) itself (TensorFlow 1)
    eps_inside: u32,
    // 0: weight_decay is decoupled from the gradient; 1: it is added to it
    l2: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> optimizers: array<Optimizer>;
@group(0) @binding(3) var<storage, read> grads: array<f32>;
@group(0) @binding(4) var<storage, read_write> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> m: array<f32>;
@group(0) @binding(6) var<storage, read_write> v: array<f32>;

// import: agent
// import: optimizer

fn normal_or_zero(x: f32) -> f32 {
    return select(x, 0.0, abs(x) < 1.1754944e-38);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let agent = group.z;
    if (agents[agent].nonfinite != 0u) {
        return;
    }
    let h = optimizers[agent];
    let eps_inside = h.form == RADAM || (h.form == ADAM && p.eps_inside == 1u);
    let update_target = p.targets == 1u && h.steps % h.target_update_interval == 0u;
    for (var pass_index = 0u; pass_index < 4u; pass_index++) {
        let element = group.x * 256u + pass_index * 64u + local;
        if (element >= p.count) {
            return;
        }
        let i = agent * p.count + element;
        let online = agent * (1u + p.targets) * p.count + element;
        var w = weights[online];
        var g = grads[i] * h.grad_scale;
        if (p.l2 == 1u) {
            g += h.weight_decay * w;
        }
        let new_m = normal_or_zero(m[i] + h.one_minus_beta1 * (g - m[i]));
        let new_v = normal_or_zero((v[i] - h.one_minus_beta2 * v[i]) + h.one_minus_beta2 * g * g);
        m[i] = new_m;
        v[i] = new_v;
        if (p.l2 == 0u && h.weight_decay > 0.0) {
            w -= h.learning_rate * h.weight_decay * w;
        }
        if (h.form != ADAM && h.rectification == 0.0) {
            w -= h.learning_rate / h.correction1 * new_m;
        } else if (eps_inside) {
            let step = h.learning_rate * sqrt(h.correction2) / h.correction1 * new_m / (sqrt(new_v) + h.adam_eps);
            w -= select(step * h.rectification, step, h.form == ADAM);
        } else {
            let step = h.learning_rate / h.correction1 * (new_m / (sqrt(new_v) / sqrt(h.correction2) + h.adam_eps));
            w -= select(step * h.rectification, step, h.form == ADAM);
        }
        weights[online] = w;
        if (update_target) {
            // At polyak = 1 the sum below could miss w by a rounding; a hard update must copy exactly.
            let w_target = weights[online + p.count];
            weights[online + p.count] = select(w_target + h.polyak * (w - w_target), w, h.polyak >= 1.0);
        }
    }
}
