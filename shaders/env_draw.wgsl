// Pictures of environment states: each pixel is the mean of `draw` at samples x samples places inside it.
//
// env_params, state [frames]; pixels [frames, height, width]: sRGB as bytes, red lowest.
// Grid: one invocation per pixel, x = width * height / 64, y = frame. Determinism: each pixel by one invocation.

struct Params {
    frames: u32,
    width: u32,
    height: u32,
    samples: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> env_params: array<EnvParams>;
@group(0) @binding(2) var<storage, read> state: array<State>;
@group(0) @binding(3) var<storage, read_write> pixels: array<u32>;

// import: math
// import: rng_word
// import: rng
// import: draw
// import: env

// A little off the middle: on it, an edge with round numbers may pass exactly through a sample, and rounding would
// decide.
const CENTRE = 0.4983;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let frame = id.y;
    if (id.x >= p.width * p.height) {
        return;
    }
    env = env_params[frame];
    let s = state[frame];
    let x = f32(id.x % p.width);
    let y = f32(id.x / p.width);
    let side = f32(p.samples);
    var sum = vec3f(0.0, 0.0, 0.0);
    for (var sample = 0u; sample < p.samples * p.samples; sample++) {
        count_loops_anew();
        let u = (x + (f32(sample % p.samples) + CENTRE) / side) / f32(p.width);
        let v = (y + (f32(sample / p.samples) + CENTRE) / side) / f32(p.height);
        sum += clamp(draw(s, vec2f(u, v)), vec3f(0.0, 0.0, 0.0), vec3f(1.0, 1.0, 1.0));
    }
    let count = side * side;
    let red = u32(sum.x * 255.0 / count + 0.5);
    let green = u32(sum.y * 255.0 / count + 0.5);
    let blue = u32(sum.z * 255.0 / count + 0.5);
    pixels[frame * p.width * p.height + id.x] = red | (green << 8u) | (blue << 16u);
}
