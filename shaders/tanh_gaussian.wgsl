// Actions drawn from the policy network for one of its evaluations, written into the critics' input, and their
// log-probabilities: Haarnoja et al., arXiv 1801.01290, appendix C.
//
//   u = mean + sigma noise,  a = scale tanh(u) + bias
//   ln pi(a|s) = sum over dimensions of -noise^2 / 2 - ln sigma - ln(2 pi) / 2 - ln(scale (1 - tanh^2 u) + floor)
// policy [agents, slots, batch, 2 dims], slot `slot` is read: means, then what ln sigma follows from. spaces [agents, 4,
// dims]: scale and bias of actions, then what stored ones are divided by and less (see critic_inputs). noise [agents,
// draws, batch, dims], row `draw` is read where `given` is 1 and written where it is 0. inputs [agents, input_slots,
// batch, width], of which columns width - dims and on of input `input` are written; log_probs [agents, draws, batch].
// Grid: one invocation per row, x = batch / 64, z = agent.
// Determinism: noise depends on the agent's seed, the stream, its updates, `draw` and the row alone; sums in order.

struct Params {
    batch: u32,
    dims: u32,
    slots: u32,
    slot: u32,
    draws: u32,
    draw: u32,
    given: u32,
    stream: u32,
    input_slots: u32,
    input: u32,
    width: u32,
    log_std_min: f32,
    log_std_max: f32,
    squashed: u32,
    floor: f32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> policy: array<f32>;
@group(0) @binding(3) var<storage, read> spaces: array<f32>;
@group(0) @binding(4) var<storage, read_write> noise: array<f32>;
@group(0) @binding(5) var<storage, read_write> inputs: array<f32>;
@group(0) @binding(6) var<storage, read_write> log_probs: array<f32>;

// import: math
// import: rng_word
// import: rng
// import: agent
// import: normal
// import: tanh_gaussian

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.batch) {
        return;
    }
    let range = LogStd(p.log_std_min, p.log_std_max, p.squashed);
    let row_at = ((agent * p.slots + p.slot) * p.batch + id.x) * 2u * p.dims;
    let row = (agent * p.draws + p.draw) * p.batch + id.x;
    let to = ((agent * p.input_slots + p.input) * p.batch + id.x) * p.width + p.width - p.dims;
    let space = agent * 4u * p.dims;
    var rng = Rng(agents[agent].seed, p.stream + STREAM_POLICY + p.draw, agents[agent].updates, id.x, 0u);
    var log_prob = 0.0;
    for (var i = 0u; i < p.dims; i++) {
        if (p.given == 0u) {
            noise[row * p.dims + i] = rng_normal(&rng);
        }
        let e = noise[row * p.dims + i];
        let log_std = log_std_of(policy[row_at + p.dims + i], range);
        let u = policy[row_at + i] + exp_f32(log_std) * e;
        let scale = spaces[space + i];
        inputs[to + i] = tanh_f32(u) * scale + spaces[space + p.dims + i];
        log_prob -= (0.5 * e * e + log_std) + log_slope(u, scale, p.floor);
    }
    log_probs[row] = log_prob - f32(p.dims) * HALF_LN_TAU;
}
