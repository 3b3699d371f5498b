// One environment step of every environment: choose an action from Q, step, keep statistics, store the transition, and
// reset where the episode ended (Gymnasium's SAME_STEP autoreset).
//
//   policy 0: pi(a) = (1 - epsilon) softmax(Q / alpha) + epsilon / |A|;  policy 1: argmax Q instead of the softmax;
//   policy 2: the softmax at the temperature of this very state, at which its entropy is target_entropy.
// During the first uniform_steps steps of a lane, and with probability epsilon, the action is uniform. With several heads
// each has its own policy over its own values.
// The stored next observation is the true final one. `ended` is 0 where the episode goes on, 1 where it terminated, 2 where the
// time limit cut it: both ends stop an n-step window, and only termination stops the bootstrap.
// q [agents, num_lanes, ACTION_OUTPUTS]; env_params, state, lanes [agents, num_lanes]; obs [agents, num_lanes, OBS_SIZE];
// replay [agents, capacity, 2 OBS_SIZE + heads + 2]: obs, next_obs, actions, reward, ended; capacity 0 stores nothing.
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
@group(0) @binding(7) var<storage, read_write> replay: array<f32>;

// import: math
// import: rng_word
// import: rng
// import: agent
// import: policy
// import: env

// `source` is the first column of a head.
fn q_value(source: u32, row: u32, action: u32) -> f32 {
    return q[row * ACTION_OUTPUTS + source + action];
}

fn choose(agent: u32, lane: u32, rng: ptr<function, Rng>) -> array<u32, ACTION_WORDS> {
    let env_steps = lanes[lane].step * p.num_lanes;
    var epsilon = 0.0;
    if (p.explore == 1u) {
        let h = agents[agent];
        epsilon = schedule(h.epsilon, h.epsilon_final, h.epsilon_decay_steps, f32(env_steps));
    }
    let coin = rng_uniform(rng);
    if (lanes[lane].step < p.uniform_steps || coin < epsilon) {
        return random_action(rng);
    }
    var alpha = agents[agent].alpha;
    var sizes = HEAD_SIZES;
    var chosen: array<u32, ACTION_WORDS>;
    var column = 0u;
    for (var head = 0u; head < ACTION_WORDS; head++) {
        let u = rng_uniform(rng);
        let actions = sizes[head];
        if (p.policy == 1u) {
            chosen[head] = argmax_of(column, lane, actions);
        } else {
            if (p.policy == 2u) {
                alpha = temperature_of(column, lane, actions, agents[agent].target_entropy);
            }
            chosen[head] = sample_of(column, lane, actions, alpha, softmax_of(column, lane, actions, alpha), u);
        }
        column += actions;
    }
    return chosen;
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
    var action_rng = Rng(seed, p.stream + STREAM_ACTION, l.step, id.x, 0u);
    var action = choose(agent, lane, &action_rng);

    env = env_params[lane];
    var s = state[lane];
    var step_rng = Rng(seed, p.stream + STREAM_STEP, l.step, id.x, 0u);
    let outcome = take_step(&s, action, &step_rng);
    see(s);

    l.episode_step += 1u;
    l.episode_return += outcome.reward;
    let truncated = l.episode_step >= MAX_EPISODE_STEPS;
    if (p.capacity > 0u) {
        // Lanes share the ring: step t of lane i goes to row (t mod (capacity / num_lanes)) * num_lanes + i.
        let row = agent * p.capacity + (l.step % (p.capacity / p.num_lanes)) * p.num_lanes + id.x;
        let at = row * (2u * OBS_SIZE + ACTION_WORDS + 2u);
        for (var i = 0u; i < OBS_SIZE; i++) {
            replay[at + i] = obs[lane * OBS_SIZE + i];
            replay[at + OBS_SIZE + i] = seen_at(i);
        }
        for (var head = 0u; head < ACTION_WORDS; head++) {
            replay[at + 2u * OBS_SIZE + head] = f32(action[head]);
        }
        replay[at + 2u * OBS_SIZE + ACTION_WORDS] = outcome.reward * agents[agent].reward_scale;
        replay[at + 2u * OBS_SIZE + ACTION_WORDS + 1u] = select(select(0.0, 2.0, truncated), 1.0, outcome.terminated);
    }
    if (outcome.terminated || truncated) {
        if (l.episodes == 0u) {
            l.first_return = l.episode_return;
        }
        l.episodes += 1u;
        l.window_episodes += 1u;
        l.window_return += l.episode_return;
        l.window_length += f32(l.episode_step);
        l.episode_step = 0u;
        l.episode_return = 0.0;
        var reset_rng = Rng(seed, p.stream + STREAM_RESET, l.step, id.x, 0u);
        s = reset(&reset_rng);
        see(s);
    }
    l.step += 1u;
    lanes[lane] = l;
    state[lane] = s;
    for (var i = 0u; i < OBS_SIZE; i++) {
        obs[lane * OBS_SIZE + i] = seen_at(i);
    }
}
