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
// import: act_lane
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

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.num_lanes) {
        return;
    }
    act_lane(agent, id.x, chosen_action(agent, id.x, lanes[agent * p.num_lanes + id.x].step));
}
