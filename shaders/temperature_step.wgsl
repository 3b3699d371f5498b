// One step of the temperature alpha, after the end of an update.
//
// mode 0 fixed; 1 learned: d/d(log_alpha) = H - target_entropy; 2 learned_exp: alpha (H - target_entropy); both times
// share, by Adam, so alpha falls when the entropy is above its target; 3 schedule: log_alpha interpolates linearly over
// environment steps.
// Several heads share alpha: H - target_entropy is summed over heads with their weights.
// Adam's betas and eps are those of the networks' optimiser, and so is the place of eps. An agent that diverged keeps all of it.
// lanes [agents, num_lanes]; agents, optimizers [agents].
// Grid: one invocation per agent (z). Determinism: nothing is summed.

struct Params {
    heads: u32,
    // weight of every head but the first, whose weight is 1
    later_head_weight: f32,
    // factor of the objective
    share: f32,
    num_lanes: u32,
    mode: u32,
    // of Adam, 0: PyTorch's place of eps, 1: TensorFlow 1's
    eps_inside: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read_write> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> optimizers: array<Optimizer>;
@group(0) @binding(3) var<storage, read> lanes: array<Lane>;

// import: math
// import: agent
// import: optimizer

@compute @workgroup_size(1)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (agents[agent].nonfinite != 0u) {
        return;
    }
    var a = agents[agent];
    let o = optimizers[agent];
    if (p.mode == 1u || p.mode == 2u) {
        let weights = 1.0 + f32(p.heads - 1u) * p.later_head_weight;
        let excess = (a.entropy - weights * a.target_entropy) * select(1.0, a.alpha, p.mode == 2u);
        let g = p.share * excess;
        let t = f32(a.updates);
        a.alpha_m += o.one_minus_beta1 * (g - a.alpha_m);
        a.alpha_v = (a.alpha_v - o.one_minus_beta2 * a.alpha_v) + o.one_minus_beta2 * g * g;
        let correction1 = -expm1_f32(t * o.ln_beta1);
        let correction2 = -expm1_f32(t * o.ln_beta2);
        let root2 = sqrt(correction2);
        if (p.eps_inside == 1u) {
            let rate = a.alpha_learning_rate * root2 / correction1;
            a.log_alpha -= rate * a.alpha_m / (sqrt(a.alpha_v) + o.adam_eps);
        } else {
            let step = a.alpha_m / (sqrt(a.alpha_v) / root2 + o.adam_eps);
            a.log_alpha -= a.alpha_learning_rate / correction1 * step;
        }
    } else if (p.mode == 3u) {
        let env_steps = f32(lanes[agent * p.num_lanes].step) * f32(p.num_lanes);
        a.log_alpha = schedule(a.log_alpha_initial, a.log_alpha_final, a.alpha_decay_steps, env_steps);
    }
    a.log_alpha = clamp(a.log_alpha, a.log_alpha_min, a.log_alpha_max);
    a.alpha = exp_f32(a.log_alpha);
    agents[agent] = a;
}
