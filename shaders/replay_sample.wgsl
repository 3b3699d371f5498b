// n-step windows from the ring, gathered into contiguous batches: uniform with replacement, or from given starts.
//
//   R = sum_{k<m} gamma^k r_{t+k},  discount = gamma^m (1 - terminated),  m <= n_step the steps really taken
// A window starts at transition t of a lane and goes on along that lane until n_step transitions are in it, or one of
// them ended its episode: by termination, which leaves nothing to bootstrap from, or by the time limit, where the value
// of the true final observation still counts. It never crosses the write head: the newest n_step - 1 transitions of a
// lane start no window, all others are equally likely. While the ring holds fewer than n_step steps of a lane, the
// oldest starts a shorter one.
// replay [agents, capacity] transitions in the layout of `transition`. batch_obs [agents, inputs, batch, obs_size]:
// s_t, then s_{t+m}, then with inputs = n_step + 1 the states between them, s_{t+1}, ..., s_{t+n_step-1}, and s_{t+m}
// from m on.
// actions [agents, batch, heads]; rewards [agents, batch]; discounts [agents, inputs - 1, batch]: the discount, then
// the factor gamma^k of s_{t+k}, 0 from m on. With given_starts = 1, starts are not drawn: `actions` holds their ring
// rows on entry, where the action of the first head goes.
// Grid: one invocation per row, x = batch / 64, z = agent.
// Determinism: depends on the agent's seed, its update count, its steps and the row alone; sums in order of time.

struct Params {
    batch: u32,
    obs_size: u32,
    obs_bits: u32,
    heads: u32,
    capacity: u32,
    num_lanes: u32,
    n_step: u32,
    inputs: u32,
    given_starts: u32,
    stream: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> lanes: array<Lane>;
@group(0) @binding(3) var<storage, read> replay: array<u32>;
@group(0) @binding(4) var<storage, read_write> batch_obs: array<f32>;
@group(0) @binding(5) var<storage, read_write> actions: array<u32>;
@group(0) @binding(6) var<storage, read_write> rewards: array<f32>;
@group(0) @binding(7) var<storage, read_write> discounts: array<f32>;

// import: rng_word
// import: rng
// import: agent
// import: transition_end
// import: transition

fn ring_layout() -> TransitionLayout {
    return TransitionLayout(p.obs_size, p.obs_bits, p.heads);
}

// First word of the transition `steps` later in the same lane.
fn transition(agent: u32, start: u32, steps: u32) -> u32 {
    let index = (start + steps * p.num_lanes) % p.capacity;
    return (agent * p.capacity + index) * transition_words(ring_layout());
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.batch) {
        return;
    }
    let row = agent * p.batch + id.x;
    // Lanes advance together, so lane 0 tells how full the ring is and where it is written next.
    let lane_rows = p.capacity / p.num_lanes;
    let step = lanes[agent * p.num_lanes].step;
    let filled = max(min(step, lane_rows), 1u);
    let head = step % lane_rows;
    var start = 0u;
    if (p.given_starts == 1u) {
        start = min(actions[row * p.heads], p.capacity - 1u);
    } else {
        let starts = filled - min(p.n_step - 1u, filled - 1u);
        var rng = Rng(agents[agent].seed, p.stream + STREAM_REPLAY, agents[agent].updates, id.x, 0u);
        let index = rng_u32(&rng) % (starts * p.num_lanes);
        // Of single steps, all rows of a full ring may start; of longer windows, those from the oldest on.
        let oldest = select(0u, head, p.n_step > 1u && step >= lane_rows);
        start = (index + oldest * p.num_lanes) % p.capacity;
    }
    // Steps from the start to the newest one; a full ring's oldest step lies at the head.
    let behind = (head + lane_rows - start / p.num_lanes) % lane_rows;
    let longest = min(min(p.n_step, filled), select(behind, lane_rows, behind == 0u));

    let t = ring_layout();
    let gamma = agents[agent].gamma;
    var last = transition(agent, start, 0u);
    var reward = bitcast<f32>(replay[last + reward_at(t)]);
    var discount = gamma;
    var taken = 1u;
    for (; taken < longest && replay[last + ended_at(t)] == GOES_ON; taken++) {
        last = transition(agent, start, taken);
        reward += discount * bitcast<f32>(replay[last + reward_at(t)]);
        discount *= gamma;
    }
    rewards[row] = reward;
    let discounts_to = agent * (p.inputs - 1u) * p.batch + id.x;
    discounts[discounts_to] = discount * select(1.0, 0.0, replay[last + ended_at(t)] == TERMINATED);

    let first = transition(agent, start, 0u);
    let last_obs = last + next_obs_at(t);
    let obs_to = (agent * p.inputs * p.batch + id.x) * p.obs_size;
    for (var i = 0u; i < p.obs_size; i++) {
        batch_obs[obs_to + i] = stored_element(t, first, i);
        batch_obs[obs_to + p.batch * p.obs_size + i] = stored_element(t, last_obs, i);
    }
    var factor = gamma;
    for (var k = 1u; k + 1u < p.inputs; k++) {
        // The observation before transition t + k, or beyond the window the one after its last.
        let inside = k < taken;
        let from_at = select(last_obs, transition(agent, start, k), inside);
        for (var i = 0u; i < p.obs_size; i++) {
            batch_obs[obs_to + (k + 1u) * p.batch * p.obs_size + i] = stored_element(t, from_at, i);
        }
        discounts[discounts_to + k * p.batch] = select(0.0, factor, inside);
        factor *= gamma;
    }
    for (var head = 0u; head < p.heads; head++) {
        actions[row * p.heads + head] = replay[first + action_at(t) + head];
    }
}
