// The observations behind the transitions of a rollout, for the values that its returns are made of.
//
// replay [agents, capacity] transitions in the layout of `transition`; next_obs [agents, capacity, obs_size]: the true
// next observation of each, the final one where an episode ended.
// Grid: one invocation per transition, x = capacity / 64, z = agent. Determinism: no sums.

struct Params {
    capacity: u32,
    obs_size: u32,
    obs_bits: u32,
    heads: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> replay: array<u32>;
@group(0) @binding(2) var<storage, read_write> next_obs: array<f32>;

// import: transition_end
// import: transition

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x >= p.capacity) {
        return;
    }
    let row = id.z * p.capacity + id.x;
    let t = TransitionLayout(p.obs_size, p.obs_bits, p.heads);
    let at = row * transition_words(t) + next_obs_at(t);
    for (var i = 0u; i < p.obs_size; i++) {
        next_obs[row * p.obs_size + i] = stored_element(t, at, i);
    }
}
