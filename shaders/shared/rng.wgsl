// Counter-based random numbers: draws 4 i to 4 i + 3 are the four words of pcg4d(lane, step, stream and i, seed).
// Nothing is stored, so a run can be resumed or replayed on another device. pcg4d: Jarzynski and Olano, "Hash Functions
// for GPU Rendering", JCGT 9(3), 2020.
// src/shared/rng.rs is the twin. The importing kernel also imports `rng_word` or `rng_given`, where the words come
// from.

const STREAM_RESET = 0u;
const STREAM_ACTION = 1u;
const STREAM_STEP = 2u;
const STREAM_REPLAY = 3u;
const STREAM_BACKUP = 4u;
// and 6: the draws of a policy for an update. 7 is the noise of a network that acts by it (tanh_gaussian takes the number).
// Streams of one purpose start at a multiple of 8, so that training and evaluations never share numbers.
const STREAM_POLICY = 5u;

struct Rng {
    seed: u32,
    stream: u32,
    step: u32,
    lane: u32,
    draw: u32,
}

fn pcg4d(input: vec4u) -> vec4u {
    var v = input * 1664525u + 1013904223u;
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    v ^= v >> vec4u(16u);
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    return v;
}

// Draw number `draw` at a position. Where compilers know the number, draws next to each other share one hash.
fn rng_word(rng: Rng, draw: u32) -> u32 {
    return pcg4d(vec4u(rng.lane, rng.step, (rng.stream << 16u) | (draw >> 2u), rng.seed))[draw & 3u];
}

// Uniform in (0, 1): the centres of 2^23 cells, exact in f32, never 0 or 1.
fn rng_uniform(rng: ptr<function, Rng>) -> f32 {
    return (f32(rng_u32(rng) >> 9u) + 0.5) * 1.1920928955078125e-7;
}

fn rng_range(rng: ptr<function, Rng>, low: f32, high: f32) -> f32 {
    return low + (high - low) * rng_uniform(rng);
}
