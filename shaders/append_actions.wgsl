// Inputs of a type 1 network q(s, a): every observation once per action, with the action one-hot behind it.
//
//   y(row, a) = (x(row), e_a)
// x [agents, x_slots, batch, obs_size]; slot_x holds, 4 bits per slot, which of the x_slots inputs slot s reads.
// y [agents, slots, batch, actions, obs_size + actions].
// Grid: one invocation per row and action, x = batch * actions / 64, y = slot, z = agent. Determinism: no sums.

struct Params {
    batch: u32,
    obs_size: u32,
    actions: u32,
    slots: u32,
    x_slots: u32,
    slot_x: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x >= p.batch * p.actions) {
        return;
    }
    let row = id.x / p.actions;
    let action = id.x % p.actions;
    let input = (p.slot_x >> (4u * id.y)) & 15u;
    let from_at = ((id.z * p.x_slots + input) * p.batch + row) * p.obs_size;
    let to_at = ((id.z * p.slots + id.y) * p.batch * p.actions + id.x) * (p.obs_size + p.actions);
    for (var i = 0u; i < p.obs_size; i++) {
        y[to_at + i] = x[from_at + i];
    }
    for (var a = 0u; a < p.actions; a++) {
        y[to_at + p.obs_size + a] = select(0.0, 1.0, a == action);
    }
}
