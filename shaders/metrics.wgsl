// Statistics of one window for the host: episodes summed over environments, learning sums, then the window is cleared.
//
// lanes [agents, num_lanes]; agents [agents]; metrics [agents].
// Grid: one workgroup of 64 per agent (z). Determinism: thread t sums lanes t, t + 64, ... in order, then a fixed tree.

struct Metrics {
    env_steps: u32,
    episodes: u32,
    window_episodes: u32,
    window_return: f32,
    window_length: f32,
    updates: u32,
    nonfinite: u32,
    window_updates: u32,
    entropy_sum: f32,
    loss_sum: f32,
    q_sum: f32,
    grad_norm_sum: f32,
    alpha: f32,
    epsilon: f32,
    // Lane.fault of the first environment that has one, and which it is (without a fault, the last).
    fault: u32,
    fault_lane: u32,
}

struct Params {
    num_lanes: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read_write> agents: array<Agent>;
@group(0) @binding(2) var<storage, read_write> lanes: array<Lane>;
@group(0) @binding(3) var<storage, read_write> metrics: array<Metrics>;

// import: agent

var<workgroup> counts: array<vec2u, 64>;
var<workgroup> sums: array<vec2f, 64>;
var<workgroup> firsts: array<u32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let agent = group.z;
    var count = vec2u();
    var sum = vec2f();
    var first = p.num_lanes - 1u;
    for (var i = local; i < p.num_lanes; i += 64u) {
        let lane = agent * p.num_lanes + i;
        count += vec2u(lanes[lane].episodes, lanes[lane].window_episodes);
        sum += vec2f(lanes[lane].window_return, lanes[lane].window_length);
        lanes[lane].window_episodes = 0u;
        lanes[lane].window_return = 0.0;
        lanes[lane].window_length = 0.0;
        if (lanes[lane].fault != 0u) {
            first = min(first, i);
        }
    }
    counts[local] = count;
    sums[local] = sum;
    firsts[local] = first;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (local < half) {
            counts[local] += counts[local + half];
            sums[local] += sums[local + half];
            firsts[local] = min(firsts[local], firsts[local + half]);
        }
    }
    if (local != 0u) {
        return;
    }
    let a = agents[agent];
    let env_steps = lanes[agent * p.num_lanes].step * p.num_lanes;
    let epsilon = schedule(a.epsilon, a.epsilon_final, a.epsilon_decay_steps, f32(env_steps));
    metrics[agent] = Metrics(
        env_steps, counts[0].x, counts[0].y, sums[0].x, sums[0].y,
        a.updates, a.nonfinite, a.window_updates, a.entropy_sum, a.loss_sum, a.q_sum, a.grad_norm_sum,
        a.alpha, epsilon, lanes[agent * p.num_lanes + firsts[0]].fault, firsts[0],
    );
    agents[agent].window_updates = 0u;
    agents[agent].entropy_sum = 0.0;
    agents[agent].loss_sum = 0.0;
    agents[agent].q_sum = 0.0;
    agents[agent].grad_norm_sum = 0.0;
}
