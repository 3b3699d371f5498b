// What critics of a state and an action see: s with the stored action, s' and s with room for drawn ones.
//
//   inputs[0] = (s, (a - offset) / divisor),  inputs[1] = (s', .),  inputs[2] = (s, .)
// The last two leave the action's columns alone: tanh_gaussian writes them.
// obs [agents, obs_slots, batch, obs_size]: s, then s'. actions [agents, batch, dims], the bits of floats. spaces
// [agents, 4, dims]: scale and bias of drawn actions, then divisor and offset of stored ones. inputs [agents, 3, batch,
// obs_size + dims].
// Grid: one invocation per element, x = batch (obs_size + dims) / 64, y = input, z = agent. Determinism: no sums.

struct Params {
    batch: u32,
    obs_size: u32,
    dims: u32,
    obs_slots: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> obs: array<f32>;
@group(0) @binding(2) var<storage, read> actions: array<u32>;
@group(0) @binding(3) var<storage, read> spaces: array<f32>;
@group(0) @binding(4) var<storage, read_write> inputs: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    let width = p.obs_size + p.dims;
    if (id.x >= p.batch * width) {
        return;
    }
    let b = id.x / width;
    let column = id.x % width;
    let to = (agent * 3u + id.y) * p.batch * width + id.x;
    if (column < p.obs_size) {
        let state = select(0u, 1u, id.y == 1u);
        inputs[to] = obs[((agent * p.obs_slots + state) * p.batch + b) * p.obs_size + column];
    } else if (id.y == 0u) {
        let i = column - p.obs_size;
        let space = (agent * 4u + 2u) * p.dims + i;
        let action = bitcast<f32>(actions[(agent * p.batch + b) * p.dims + i]);
        inputs[to] = (action - spaces[space + p.dims]) / spaces[space];
    }
}
