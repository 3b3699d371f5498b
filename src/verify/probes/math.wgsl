// Probe of shaders/shared/math.wgsl: every elementary function at each argument.
//
// x [count]; y [count, 6]: exp x, ln |x|, e^x - 1, tanh x, sin x, cos x.
// Grid: one invocation per argument, x = count / 64. Determinism: no sums.

struct Params {
    count: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// import: math

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let i = id.x;
    if (i >= p.count) {
        return;
    }
    let trig = sincos_f32(x[i]);
    y[6u * i] = exp_f32(x[i]);
    y[6u * i + 1u] = log_f32(abs(x[i]));
    y[6u * i + 2u] = expm1_f32(x[i]);
    y[6u * i + 3u] = tanh_f32(x[i]);
    y[6u * i + 4u] = trig.x;
    y[6u * i + 5u] = trig.y;
}
