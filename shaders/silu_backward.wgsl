// Gradient of SiLU: dz = dy s (1 + z (1 - s)) with s = sigmoid(z).
//
// z [agents, slots, count] is the input of the forward pass, count = batch * width; dy, dz [agents, grad_slots, count].
// Grid: one invocation per element, x = count / 64, y = slot, z = agent. Determinism: no sums.

struct Params {
    count: u32,
    slots: u32,
    grad_slots: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> z: array<f32>;
@group(0) @binding(3) var<storage, read_write> dz: array<f32>;

// import: math

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x >= p.count) {
        return;
    }
    let at = (id.z * p.grad_slots + id.y) * p.count + id.x;
    let x = z[(id.z * p.slots + id.y) * p.count + id.x];
    let e = exp_f32(-abs(x));
    // s and 1 - s without a difference of nearly equal numbers.
    let near = 1.0 / (1.0 + e);
    let far = e / (1.0 + e);
    let s = select(near, far, x < 0.0);
    let rest = select(far, near, x < 0.0);
    dz[at] = dy[at] * (s * (1.0 + x * rest));
}
