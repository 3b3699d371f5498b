// Opens an optimiser's step: global gradient norm over a group's online nets, the clip factor, the step's number,
// Adam's bias corrections, and the check for NaN and infinity.
//
//   norm = sqrt(sum g^2), scale = min(1, max_grad_norm / (norm + 1e-6)), or 1 when max_grad_norm is 0
//   steps += 1, correction_i = 1 - beta_i^steps
//   RAdam's rectification (Liu et al., arXiv 1908.03265), t = steps: 0 while rho_t <= 5, then
//   sqrt((rho_t - 4)(rho_t - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho_t)); that of Adam is 1
//   rho_inf = 2 / (1 - beta2) - 1, rho_t = rho_inf - 2 t beta2^t / (1 - beta2^t)
// optax's form clips by max_grad_norm / norm where the norm is larger.
// grads [agents, count]; optimizers, agents [agents]. A non-finite norm sets the agent's `nonfinite` to the number of
// the running update, and Adam then leaves all its weights as they are.
// Grid: one workgroup of 64 per agent (z). Determinism: 256 sums, four to an invocation, of elements t, t + 256, ... in
// order, then a fixed tree.

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

// rho_t loses its digits where t is small beside rho_inf; with x = -ln beta2 and z = t x its series has them:
//   rho_t = t - t z / 6 + t z^3 / 360 - t z^5 / 15120 + t z^7 / 604800 - ... + x / 6 - x^3 / 360 + ...
fn rectification_of(o: Optimizer, t: f32) -> f32 {
    if (o.form == ADAM) {
        return 1.0;
    }
    let rho_inf = 2.0 / o.one_minus_beta2 - 1.0;
    let z = -t * o.ln_beta2;
    var rho = rho_inf - 2.0 * t * (1.0 - o.correction2) / o.correction2;
    if (z < 1.0) {
        let z2 = z * z;
        let x = -o.ln_beta2;
        let of_t = z * (0.16666667 - z2 * (0.0027777778 - z2 * (6.613757e-5 - z2 * 1.6534392e-6)));
        rho = t - t * of_t + x * (0.16666667 - x * x * 0.0027777778);
    }
    if (rho <= 5.0) {
        return 0.0;
    }
    return sqrt((rho - 4.0) / (rho_inf - 4.0) * ((rho - 2.0) / (rho_inf - 2.0)) * (rho_inf / rho));
}

var<workgroup> partial: array<f32, 256>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let agent = group.z;
    var sums = vec4f();
    let count = p.count;
    for (var i = local; i < count; i += 256u) {
        let elements = vec4u(i, i + 64u, i + 128u, i + 192u);
        let at = agent * count + min(elements, vec4u(count - 1u));
        let read = vec4f(grads[at.x], grads[at.y], grads[at.z], grads[at.w]);
        let g = select(vec4f(), read, elements < vec4u(count));
        sums += g * g;
    }
    partial[local] = sums.x;
    partial[local + 64u] = sums.y;
    partial[local + 128u] = sums.z;
    partial[local + 192u] = sums.w;
    for (var half = 128u; half > 0u; half /= 2u) {
        workgroupBarrier();
        for (var i = local; i < half; i += 64u) {
            partial[i] += partial[i + half];
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
        if (o.form == RADAM_OPTAX) {
            o.grad_scale = select(1.0, o.max_grad_norm / norm, norm > o.max_grad_norm);
        }
    }
    o.steps += 1u;
    let t = f32(o.steps);
    o.correction1 = -expm1_f32(t * o.ln_beta1);
    o.correction2 = -expm1_f32(t * o.ln_beta2);
    o.rectification = rectification_of(o, t);
    optimizers[agent] = o;
    if (!is_finite_f32(total) && agents[agent].nonfinite == 0u) {
        agents[agent].nonfinite = agents[agent].updates + 1u;
    }
}
