// SiLU, also called swish: y = z sigmoid(z) (Elfwing, Uchibe, Doya, arXiv 1702.03118).
//
// A kernel of its own, since its derivative needs z, which y does not tell: silu falls, then rises.
// z, y [agents, slots, count], with count = batch * width.
// Grid: one invocation per element, x = count / 64, y = slot, z = agent. Determinism: no sums.

struct Params {
    count: u32,
    slots: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> z: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// import: math

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x >= p.count) {
        return;
    }
    let at = (id.z * p.slots + id.y) * p.count + id.x;
    let x = z[at];
    // The exponent is never positive: nothing overflows.
    let e = exp_f32(-abs(x));
    y[at] = x * (select(1.0, e, x < 0.0) / (1.0 + e));
}
