// Layer normalisation of each row, then the activation: y = act(gamma (x - mean) / sqrt(var + eps) + beta).
//
// mean and var (biased) over the row, as in PyTorch. x, y [agents, slots, batch, width]; weights [agents, nets,
// net_params] with gamma [width] at weight_offset and beta [width] behind it; moments [agents, slots, batch, 2]: mean,
// 1 / sqrt(var + eps).
// Slot s runs net `slot_net[s]` (4 bits each).
// Grid: one invocation per row, x = batch / 64, y = slot, z = agent. Determinism: sums over the row in ascending order.

struct Params {
    batch: u32,
    width: u32,
    nets: u32,
    net_params: u32,
    weight_offset: u32,
    slots: u32,
    slot_net: u32,
    // 0 identity, 1 relu, 2 tanh
    activation: u32,
    eps: f32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> moments: array<f32>;

// import: math

fn activate(value: f32) -> f32 {
    if (p.activation == 1u) {
        return max(value, 0.0);
    }
    if (p.activation == 2u) {
        return tanh_f32(value);
    }
    return value;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let slot = id.y;
    let agent = id.z;
    if (id.x >= p.batch) {
        return;
    }
    let row = (agent * p.slots + slot) * p.batch + id.x;
    let at = row * p.width;
    var sum = 0.0;
    for (var k = 0u; k < p.width; k++) {
        sum += x[at + k];
    }
    let mean = sum / f32(p.width);
    var squares = 0.0;
    for (var k = 0u; k < p.width; k++) {
        let centred = x[at + k] - mean;
        squares += centred * centred;
    }
    let inverse = 1.0 / sqrt(squares / f32(p.width) + p.eps);
    moments[2u * row] = mean;
    moments[2u * row + 1u] = inverse;
    let net = (p.slot_net >> (4u * slot)) & 15u;
    let gamma = (agent * p.nets + net) * p.net_params + p.weight_offset;
    let beta = gamma + p.width;
    for (var k = 0u; k < p.width; k++) {
        y[at + k] = activate((x[at + k] - mean) * inverse * weights[gamma + k] + weights[beta + k]);
    }
}
