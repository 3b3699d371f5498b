// Global gradient norm over both online nets, the clip factor, Adam's bias corrections, and the check for NaN and infinity.
//
//   norm = sqrt(sum g^2), scale = min(1, max_grad_norm / (norm + 1e-6)), or 1 when max_grad_norm is 0
//   correction_i = 1 - beta_i^t, t = updates + 1
// grads [agents, count]; agents [agents]: grad_norm, grad_scale, corrections, nonfinite. A non-finite norm sets `nonfinite` to the
// number of this update, and Adam then leaves the weights as they are.
// Grid: one workgroup of 256 per agent (z). Determinism: thread t sums elements t, t + 256, ... in order, then a fixed tree.

struct Params {
    count: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read_write> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> grads: array<f32>;

// import: math
// import: agent

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
    agents[agent].grad_norm = norm;
    let limit = agents[agent].max_grad_norm;
    var scale = 1.0;
    if (limit > 0.0) {
        scale = min(1.0, limit / (norm + 1e-6));
    }
    agents[agent].grad_scale = scale;
    let t = f32(agents[agent].updates + 1u);
    agents[agent].correction1 = -expm1_f32(t * agents[agent].ln_beta1);
    agents[agent].correction2 = -expm1_f32(t * agents[agent].ln_beta2);
    if (!is_finite_f32(total) && agents[agent].nonfinite == 0u) {
        agents[agent].nonfinite = agents[agent].updates + 1u;
    }
}
