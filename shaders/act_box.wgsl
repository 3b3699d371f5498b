// One environment step of every environment with real-valued actions: choose an action from the policy, step, keep
// statistics, store the transition, and reset where the episode ended (Gymnasium's SAME_STEP autoreset).
//
//   a = scale tanh(mean + sigma noise) + bias, clamped to the bounds of the box;  without noise where greedy is 1
// scale and bias map [-1, 1] onto the bounds. During the first uniform_steps steps of a lane, and epsilon of the time,
// actions are uniform in the box. All random numbers are the same for `hold` steps in a row: noise that lasts goes
// further. The stored next observation is the true final one.
// policy [agents, num_lanes, outputs]: means, then what ln sigma follows from, which may be absent where greedy is 1;
// env_params, state, lanes [agents, num_lanes]; obs [agents, num_lanes, OBS_SIZE]; replay [agents, capacity]
// transitions in the layout of `transition`; capacity 0 stores nothing.
// Grid: one invocation per environment, x = num_lanes / 64, z = agent.
// Determinism: random numbers depend on the agent's seed, the stream, the lane and its step count alone.

struct Params {
    num_lanes: u32,
    stream: u32,
    greedy: u32,
    // 1: epsilon follows the schedule, 0: epsilon is 0
    explore: u32,
    uniform_steps: u32,
    hold: u32,
    // columns of policy
    outputs: u32,
    capacity: u32,
    log_std_min: f32,
    log_std_max: f32,
    squashed: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> policy: array<f32>;
@group(0) @binding(3) var<storage, read> env_params: array<EnvParams>;
@group(0) @binding(4) var<storage, read_write> state: array<State>;
@group(0) @binding(5) var<storage, read_write> lanes: array<Lane>;
@group(0) @binding(6) var<storage, read_write> obs: array<f32>;
@group(0) @binding(7) var<storage, read_write> replay: array<u32>;

// import: math
// import: rng_word
// import: rng
// import: agent
// import: normal
// import: tanh_gaussian
// import: act_lane
// import: env

// The action of a lane after `step` steps.
fn chosen_action(agent: u32, index: u32, step: u32) -> array<u32, ACTION_WORDS> {
    let h = agents[agent];
    var epsilon = 0.0;
    if (p.explore == 1u) {
        epsilon = schedule(h.epsilon, h.epsilon_final, h.epsilon_decay_steps, f32(step * p.num_lanes));
    }
    var rng = Rng(h.seed, p.stream + STREAM_ACTION, step / max(p.hold, 1u), index, 0u);
    let coin = rng_uniform(&rng);
    if (step < p.uniform_steps || coin < epsilon) {
        return random_action(&rng);
    }
    let at = (agent * p.num_lanes + index) * p.outputs;
    // low, high, scale and bias of each dimension
    var ranges = ACTION_RANGES;
    var chosen: array<u32, ACTION_WORDS>;
    for (var i = 0u; i < ACTION_WORDS; i++) {
        var u = policy[at + i];
        if (p.greedy == 0u) {
            let log_std = log_std_of(
                policy[at + ACTION_WORDS + i],
                LogStd(p.log_std_min, p.log_std_max, p.squashed),
            );
            u += exp_f32(log_std) * rng_normal(&rng);
        }
        let range = ranges[i];
        chosen[i] = bitcast<u32>(clamp(tanh_f32(u) * range.z + range.w, range.x, range.y));
    }
    return chosen;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.num_lanes) {
        return;
    }
    act_lane(agent, id.x, chosen_action(agent, id.x, lanes[agent * p.num_lanes + id.x].step));
}
