// Gradient of layer normalisation for its scale and shift: dgamma = sum over the batch of dy xhat, dbeta = sum of dy.
//
// dy [agents, grad_slots, batch, width] is the gradient before the activation; x [agents, slots, batch, width], moments
// [agents, slots, batch, 2] from the forward pass; grads [agents, grad_slots, net_params] with dgamma [width] at
// weight_offset and dbeta [width] behind it. Slot s belongs to net s.
// Grid: one invocation per column, x = width / 64, y = slot, z = agent.
// Determinism: sums over the batch in ascending order by one invocation.

struct Params {
    batch: u32,
    width: u32,
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
@group(0) @binding(4) var<storage, read_write> grads: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let column = id.x;
    let slot = id.y;
    let agent = id.z;
    if (column >= p.width) {
        return;
    }
    var row = (agent * p.slots + slot) * p.batch;
    var dy_at = (agent * p.grad_slots + slot) * p.batch * p.width + column;
    var scale = 0.0;
    var shift = 0.0;
    for (var b = 0u; b < p.batch; b++) {
        let normal = (x[row * p.width + column] - moments[2u * row]) * moments[2u * row + 1u];
        scale += dy[dy_at] * normal;
        shift += dy[dy_at];
        row += 1u;
        dy_at += p.width;
    }
    let gamma = (agent * p.grad_slots + slot) * p.net_params + p.weight_offset + column;
    grads[gamma] = scale;
    grads[gamma + p.width] = shift;
}
