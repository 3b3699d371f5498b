// Squashed actions of a sampling network, and the fixed ones of them as critics see them, behind the state.
//
//   a = tanh u
// x [agents, x_slots, batch, obs_size + dims], of which the observation in slot x_slot is read; u, actions [agents,
// batch, fixed + updated, dims]; inputs [agents, batch, fixed, obs_size + dims].
// Grid: one invocation per particle, x = batch * (fixed + updated) / 64, z = agent. Determinism: no sums.

struct Params {
    batch: u32,
    fixed: u32,
    updated: u32,
    dims: u32,
    obs_size: u32,
    x_slots: u32,
    x_slot: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> u: array<f32>;
@group(0) @binding(3) var<storage, read_write> actions: array<f32>;
@group(0) @binding(4) var<storage, read_write> inputs: array<f32>;

// import: math

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    let particles = p.fixed + p.updated;
    if (id.x >= p.batch * particles) {
        return;
    }
    let b = id.x / particles;
    let particle = id.x % particles;
    let at = (agent * p.batch * particles + id.x) * p.dims;
    for (var d = 0u; d < p.dims; d++) {
        actions[at + d] = tanh_f32(u[at + d]);
    }
    if (particle < p.fixed) {
        let width = p.obs_size + p.dims;
        let source = ((agent * p.x_slots + p.x_slot) * p.batch + b) * width;
        let to = ((agent * p.batch + b) * p.fixed + particle) * width;
        for (var i = 0u; i < p.obs_size; i++) {
            inputs[to + i] = x[source + i];
        }
        for (var d = 0u; d < p.dims; d++) {
            inputs[to + p.obs_size + d] = tanh_f32(u[at + d]);
        }
    }
}
