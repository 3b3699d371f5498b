// One environment step of every environment: choose an action from Q, step, keep statistics, store the transition, and
// reset where the episode ended (Gymnasium's SAME_STEP autoreset).
//
// Actions follow from Q by `choose`; during the first uniform_steps steps of a lane they are uniform.
// The stored next observation is the true final one.
// q [agents, num_lanes, ACTION_OUTPUTS]; env_params, state, lanes [agents, num_lanes]; obs [agents, num_lanes,
// OBS_SIZE]; replay [agents, capacity] transitions in the layout of `transition`; capacity 0 stores nothing.
// Grid: one invocation per environment, x = num_lanes / 64, z = agent.
// Determinism: random numbers depend on the agent's seed, the stream, the lane and its step count alone.

struct Params {
    num_lanes: u32,
    stream: u32,
    policy: u32,
    // 1: epsilon follows the schedule, 0: epsilon is 0
    explore: u32,
    uniform_steps: u32,
    capacity: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> env_params: array<EnvParams>;
@group(0) @binding(4) var<storage, read_write> state: array<State>;
@group(0) @binding(5) var<storage, read_write> lanes: array<Lane>;
@group(0) @binding(6) var<storage, read_write> obs: array<f32>;
@group(0) @binding(7) var<storage, read_write> replay: array<u32>;

// import: math
// import: rng_word
// import: rng
// import: agent
// import: choose
// import: lane_step
// import: transition_end
// import: transition
// import: env

// `source` is the first column of a head.
fn q_value(source: u32, row: u32, action: u32) -> f32 {
    return q[row * ACTION_OUTPUTS + source + action];
}

// The action of a lane after `step` steps.
fn chosen_action(agent: u32, index: u32, step: u32) -> array<u32, ACTION_WORDS> {
    let h = agents[agent];
    var epsilon = 0.0;
    if (p.explore == 1u) {
        epsilon = schedule(h.epsilon, h.epsilon_final, h.epsilon_decay_steps, f32(step * p.num_lanes));
    }
    var rng = Rng(h.seed, p.stream + STREAM_ACTION, step, index, 0u);
    let how = Chooser(p.policy, step < p.uniform_steps, epsilon, h.alpha, h.target_entropy);
    return choose(how, agent * p.num_lanes + index, &rng);
}

// The transition from `obs` to what is seen now, at word `at` of the ring. Tells whether all that is seen is finite.
fn store_transition(at: u32, lane: u32, action: array<u32, ACTION_WORDS>, reward: f32, ended: u32) -> bool {
    let t = TransitionLayout(OBS_SIZE, STORED_OBS_BITS, ACTION_WORDS);
    var word = 0u;
    var next_word = 0u;
    var finite = true;
    for (var i = 0u; i < OBS_SIZE; i++) {
        word |= packed_element(obs[lane * OBS_SIZE + i], i, t.obs_bits);
        next_word |= packed_element(seen_at(i), i, t.obs_bits);
        finite = finite && is_finite_f32(seen_at(i));
        if ((i + 1u) * t.obs_bits % 32u == 0u || i + 1u == OBS_SIZE) {
            let to = at + i * t.obs_bits / 32u;
            replay[to] = word;
            replay[to + next_obs_at(t)] = next_word;
            word = 0u;
            next_word = 0u;
        }
    }
    var words = action;
    for (var i = 0u; i < ACTION_WORDS; i++) {
        replay[at + action_at(t) + i] = words[i];
    }
    replay[at + reward_at(t)] = bitcast<u32>(reward);
    replay[at + ended_at(t)] = ended;
    return finite;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.num_lanes) {
        return;
    }
    let lane = agent * p.num_lanes + id.x;
    let seed = agents[agent].seed;
    var l = lanes[lane];
    let action = chosen_action(agent, id.x, l.step);

    env = env_params[lane];
    var s = state[lane];
    let done = lane_step(seed, p.stream, id.x, action, &s, &l);
    see(s);
    var finite = true;
    if (p.capacity > 0u) {
        // Lanes share the ring: step t of lane i goes to row (t mod (capacity / num_lanes)) * num_lanes + i.
        let row = agent * p.capacity + (l.step % (p.capacity / p.num_lanes)) * p.num_lanes + id.x;
        let words = transition_words(TransitionLayout(OBS_SIZE, STORED_OBS_BITS, ACTION_WORDS));
        finite = store_transition(row * words, lane, action, done.reward * agents[agent].reward_scale, done.ended);
    }
    if (lane_next(seed, p.stream, id.x, done.ended, &s, &l)) {
        see(s);
    }
    state[lane] = s;
    for (var i = 0u; i < OBS_SIZE; i++) {
        obs[lane * OBS_SIZE + i] = seen_at(i);
        finite = finite && is_finite_f32(seen_at(i));
    }
    if (l.fault == 0u && !finite) {
        l.fault = FAULT_OBS | l.step;
    }
    lanes[lane] = l;
}
