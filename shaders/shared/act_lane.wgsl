// What follows the choice of an action: one step of a lane, statistics, the transition into the ring, and the reset
// where the episode ended.
//
// The importing kernel binds p (num_lanes, stream, capacity), agents, env_params, state, lanes, obs and replay, and
// imports the environment.

// import: math
// import: agent
// import: lane_step
// import: transition_end
// import: transition

// The transition from `obs` to what is seen now, at word `at` of the ring. Tells whether all that is seen is finite.
fn store_transition(at: u32, lane: u32, action: array<u32, ACTION_WORDS>, reward: f32, ended: u32) -> bool {
    let t = TransitionLayout(OBS_SIZE, STORED_OBS_BITS, ACTION_WORDS);
    var word = 0u;
    var next_word = 0u;
    var finite = true;
    for (var i = 0u; i < OBS_SIZE; i++) {
        word |= packed_element(obs[lane * OBS_SIZE + i], i, t.obs_bits);
        let x = seen_at(i);
        next_word |= packed_element(x, i, t.obs_bits);
        finite = finite && is_finite_f32(x);
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

fn act_lane(agent: u32, index: u32, action: array<u32, ACTION_WORDS>) {
    let lane = agent * p.num_lanes + index;
    let seed = agents[agent].seed;
    var l = lanes[lane];
    env = env_params[lane];
    var s = state[lane];
    let done = lane_step(seed, p.stream, index, action, &s, &l);
    see(s);
    var finite = true;
    if (p.capacity > 0u) {
        // Lanes share the ring: step t of lane i goes to row (t mod (capacity / num_lanes)) * num_lanes + i.
        let row = agent * p.capacity + (l.step % (p.capacity / p.num_lanes)) * p.num_lanes + index;
        let words = transition_words(TransitionLayout(OBS_SIZE, STORED_OBS_BITS, ACTION_WORDS));
        finite = store_transition(row * words, lane, action, done.reward * agents[agent].reward_scale, done.ended);
    }
    if (lane_next(seed, p.stream, index, done.ended, &s, &l)) {
        see(s);
    }
    state[lane] = s;
    count_loops_anew();
    for (var i = 0u; i < OBS_SIZE; i++) {
        let x = seen_at(i);
        obs[lane * OBS_SIZE + i] = x;
        finite = finite && is_finite_f32(x);
    }
    if (l.fault == 0u && !finite) {
        l.fault = FAULT_OBS | l.step;
    }
    lanes[lane] = l;
}
