// Opens an optimiser's step: global gradient norm over a group's online nets, the clip factor, the step's number,
// Adam's bias corrections, and the check for NaN and infinity.
//
//   norm = sqrt(sum g^2), scale = min(1, max_grad_norm / (norm + 1e-6)), or 1 when max_grad_norm is 0
//   steps += 1, correction_i = 1 - beta_i^steps
// grads [agents, count]; optimizers, agents [agents]. A non-finite norm sets the agent's `nonfinite` to the number of
// the running update, and Adam then leaves all its weights as they are.
// Grid: one workgroup of 256 per agent (z). Determinism: thread t sums elements t, t + 256, ... in order, then a fixed
// tree.

struct Params {
    count: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read_write> agents: array<Agent>;
@group(0) @binding(2) var<storage, read_write> optimizers: array<Optimizer>;
@group(0) @binding(3) var<storage, read> grads: array<f32>;

// import: math
// import: agent
// import: optimizer

var<workgroup> partial: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let agent = group.z;
    var sum = 0.0;
    for (var i = local; i < p.count; i += 256u) {
        let g = grads[agent * p.count + i];
        sum += g * g;
    }
    partial[local] = sum;
    for (var half = 128u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (local < half) {
            partial[local] += partial[local + half];
        }
    }
    if (local != 0u) {
        return;
    }
    let total = partial[0];
    let norm = sqrt(total);
    var o = optimizers[agent];
    o.grad_norm = norm;
    o.grad_scale = 1.0;
    if (o.max_grad_norm > 0.0) {
        o.grad_scale = min(1.0, o.max_grad_norm / (norm + 1e-6));
    }
    o.steps += 1u;
    let t = f32(o.steps);
    o.correction1 = -expm1_f32(t * o.ln_beta1);
    o.correction2 = -expm1_f32(t * o.ln_beta2);
    optimizers[agent] = o;
    if (!is_finite_f32(total) && agents[agent].nonfinite == 0u) {
        agents[agent].nonfinite = agents[agent].updates + 1u;
    }
}
