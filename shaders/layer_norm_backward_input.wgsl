// Gradient of layer normalisation for its input:
//
//   dx = 1/sqrt(var + eps) (g - mean(g) - xhat mean(g xhat)),  g = dy gamma,  xhat = (x - mean) / sqrt(var + eps)
// dy [agents, grad_slots, batch, width] is the gradient before the activation; x [agents, slots, batch, width], moments
// [agents, slots, batch, 2] from the forward pass; weights [agents, nets, net_params], gamma at weight_offset;
// dx [agents, grad_slots, batch, width]. Slot s belongs to net s.
// Grid: one invocation per row, x = batch / 64, y = slot, z = agent. Determinism: sums over the row in ascending order.

struct Params {
    batch: u32,
    width: u32,
    nets: u32,
    net_params: u32,
    weight_offset: u32,
    slots: u32,
    grad_slots: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> moments: array<f32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let slot = id.y;
    let agent = id.z;
    if (id.x >= p.batch) {
        return;
    }
    let row = (agent * p.slots + slot) * p.batch + id.x;
    let x_at = row * p.width;
    let dy_at = ((agent * p.grad_slots + slot) * p.batch + id.x) * p.width;
    let gamma = (agent * p.nets + slot) * p.net_params + p.weight_offset;
    let mean = moments[2u * row];
    let inverse = moments[2u * row + 1u];
    var sum = 0.0;
    var weighted = 0.0;
    for (var k = 0u; k < p.width; k++) {
        let g = dy[dy_at + k] * weights[gamma + k];
        sum += g;
        weighted += g * ((x[x_at + k] - mean) * inverse);
    }
    let mean_g = sum / f32(p.width);
    let mean_weighted = weighted / f32(p.width);
    for (var k = 0u; k < p.width; k++) {
        let g = dy[dy_at + k] * weights[gamma + k];
        let normal = (x[x_at + k] - mean) * inverse;
        dx[dy_at + k] = inverse * (g - mean_g - normal * mean_weighted);
    }
}
