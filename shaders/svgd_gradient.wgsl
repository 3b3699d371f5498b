// Stein variational gradient of the updated particles: the direction in which they move towards the density, and away
// from each other. Liu and Wang 2016, as soft Q-learning has it (Haarnoja et al. 2017, equation 13):
//
//   g_i = scale / fixed sum_j (kappa(x_j, y_i) score(x_j) + d kappa(x_j, y_i) / d x_j)
// The first term climbs, the second keeps apart. The fixed particles do not move: their gradient is 0. Where `squashed`
// is 1 it goes on through a = tanh u: times 1 - a^2.
// actions, gradients [agents, batch, fixed + updated, dims]; scores [agents, batch, fixed, dims]; kappas [agents,
// batch, fixed, updated]; slopes [agents, batch, fixed, updated, dims].
// Grid: one invocation per particle, x = batch * (fixed + updated) / 64, z = agent. Determinism: both sums over fixed
// particles in ascending order.

struct Params {
    batch: u32,
    fixed: u32,
    updated: u32,
    dims: u32,
    // 1 for the direction of ascent
    scale: f32,
    squashed: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> actions: array<f32>;
@group(0) @binding(2) var<storage, read> scores: array<f32>;
@group(0) @binding(3) var<storage, read> kappas: array<f32>;
@group(0) @binding(4) var<storage, read> slopes: array<f32>;
@group(0) @binding(5) var<storage, read_write> gradients: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    let particles = p.fixed + p.updated;
    if (id.x >= p.batch * particles) {
        return;
    }
    let row = agent * p.batch + id.x / particles;
    let particle = id.x % particles;
    let out = (row * particles + particle) * p.dims;
    for (var d = 0u; d < p.dims; d++) {
        var climb = 0.0;
        var apart = 0.0;
        if (particle >= p.fixed) {
            for (var j = 0u; j < p.fixed; j++) {
                let pair = (row * p.fixed + j) * p.updated + particle - p.fixed;
                climb += kappas[pair] * scores[(row * p.fixed + j) * p.dims + d];
                apart += slopes[pair * p.dims + d];
            }
        }
        var gradient = p.scale * ((climb + apart) / f32(p.fixed));
        if (p.squashed == 1u) {
            let a = actions[out + d];
            gradient *= (1.0 - a) * (1.0 + a);
        }
        gradients[out + d] = gradient;
    }
}
