// The target of Q-learning: y = rewards + discounts * Q'(s', a*).
//
//   a* = argmax_a Q'(s', a) (Mnih et al., Nature 518, 2015), or argmax_a Q(s', a) of the online net (double Q-learning, van Hasselt
//   et al., arXiv 1509.06461): `selector` is the slot that chooses, `evaluator` the one that values the choice.
// q [agents, slots, batch, q_stride], actions columns from q_offset on; rewards, discounts [agents, batch], see replay_sample;
// targets, values [agents, batch, heads], of which column `head` is written. Ties go to the first action.
// Grid: one invocation per row, x = batch / 64, z = agent. Determinism: no sums.

struct Params {
    batch: u32,
    actions: u32,
    slots: u32,
    selector: u32,
    evaluator: u32,
    q_stride: u32,
    q_offset: u32,
    heads: u32,
    head: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> rewards: array<f32>;
@group(0) @binding(3) var<storage, read> discounts: array<f32>;
@group(0) @binding(4) var<storage, read_write> targets: array<f32>;
@group(0) @binding(5) var<storage, read_write> values: array<f32>;

// import: math
// import: policy

// row counts over agents and batch; the slot axis lies between them.
fn q_value(slot: u32, row: u32, action: u32) -> f32 {
    let agent = row / p.batch;
    return q[((agent * p.slots + slot) * p.batch + row % p.batch) * p.q_stride + p.q_offset + action];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.batch) {
        return;
    }
    let row = agent * p.batch + id.x;
    let value = q_value(p.evaluator, row, argmax_of(p.selector, row, p.actions));
    let out = row * p.heads + p.head;
    targets[out] = rewards[row] + discounts[row] * value;
    values[out] = value;
}
