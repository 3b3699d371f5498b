// The gradient of a policy's loss for its outputs, through the drawn action (reparameterisation: Haarnoja et al., arXiv
// 1801.01290, eq. 13):
//
//   J = mean_b w (alpha ln pi(a|s) - Q(s, a)),  g = dJ/du = scale (1 - tanh^2 u) dJ/da - w alpha / batch dL/du
//   dJ/dmean = g,  dJ/d(ln sigma) = g sigma noise - w alpha / batch,  L = ln(scale (1 - tanh^2 u) + floor)
// dJ/da, the gradient of the values, is the sum of the action columns of `dinputs` over `critics` networks.
// policy [agents, slots, batch, 2 dims], slot `slot` is read; spaces [agents, 4, dims], see tanh_gaussian; noise [agents,
// draws, batch, dims], row `draw`; dinputs [agents, critics, batch, width], actions in the last dims columns; importance
// [agents, batch]; dz [agents, batch, 2 dims].
// Grid: one invocation per row and dimension, x = batch dims / 64, z = agent. Determinism: critics in ascending order.

struct Params {
    batch: u32,
    dims: u32,
    slots: u32,
    slot: u32,
    draws: u32,
    draw: u32,
    critics: u32,
    width: u32,
    log_std_min: f32,
    log_std_max: f32,
    squashed: u32,
    floor: f32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> policy: array<f32>;
@group(0) @binding(3) var<storage, read> spaces: array<f32>;
@group(0) @binding(4) var<storage, read> noise: array<f32>;
@group(0) @binding(5) var<storage, read> dinputs: array<f32>;
@group(0) @binding(6) var<storage, read> importance: array<f32>;
@group(0) @binding(7) var<storage, read_write> dz: array<f32>;

// import: math
// import: agent
// import: tanh_gaussian

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.batch * p.dims) {
        return;
    }
    let b = id.x / p.dims;
    let i = id.x % p.dims;
    let range = LogStd(p.log_std_min, p.log_std_max, p.squashed);
    let row_at = ((agent * p.slots + p.slot) * p.batch + b) * 2u * p.dims;
    let e = noise[((agent * p.draws + p.draw) * p.batch + b) * p.dims + i];
    let raw = policy[row_at + p.dims + i];
    let sigma = exp_f32(log_std_of(raw, range));
    let u = policy[row_at + i] + sigma * e;
    let scale = spaces[agent * 4u * p.dims + i];
    var slope = 0.0;
    for (var net = 0u; net < p.critics; net++) {
        slope += dinputs[((agent * p.critics + net) * p.batch + b) * p.width + p.width - p.dims + i];
    }
    let row = agent * p.batch + b;
    let entropy = agents[agent].alpha * importance[row] / f32(p.batch);
    let g = scale * one_minus_tanh2(u) * slope - entropy * log_slope_slope(u, scale, p.floor);
    let out = row * 2u * p.dims;
    dz[out + i] = g;
    dz[out + p.dims + i] = (g * sigma * e - entropy) * log_std_slope(raw, range);
}
