// Lambda returns of a rollout of T steps (Peng's Q(lambda) of greedy values: Gallici et al., arXiv 2407.04811;
// softened): one pass per environment, from its last step to its first.
//
//   V(s) = max_a Q(s, a) with hard = 1, else alpha logsumexp(Q(s, .) / alpha), less alpha ln|A| with kl = 1,
//          or without entropy the expectation of Q under the policy
//   R[T-1] = r + gamma (1 - d) V(s')
//   R[t]   = r + gamma (1 - d) (lambda (R[t+1] + between alpha H(s')) + (1 - lambda) V(s'))
// s' is the true next observation: where the time limit cut the episode, R[t] = r + gamma V(s'), and d = 1 where it
// ended. With between = 1, R[t+1] stands for the soft value of s' as V does where actions are drawn from
// softmax(Q / alpha); then the fixed point is that of lambda = 0.
// replay [agents, steps num_lanes] transitions in the layout of `transition`, as act_step left them; q [agents, steps
// num_lanes, q_stride] action values of every transition's s', actions columns from q_offset on; returns [agents, steps
// num_lanes, heads], of which column `head` is written: one dispatch per head.
// Grid: one invocation per environment, x = num_lanes / 64, z = agent. Determinism: sums in order of time.

struct Params {
    steps: u32,
    num_lanes: u32,
    obs_size: u32,
    obs_bits: u32,
    actions: u32,
    q_stride: u32,
    q_offset: u32,
    heads: u32,
    head: u32,
    // 1: V is the largest action value
    hard: u32,
    // 1: alpha H is part of V
    entropy: u32,
    // 1: and of the returns that V is mixed with
    between: u32,
    // 1: alpha ln|A| is taken off
    kl: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> lanes: array<Lane>;
@group(0) @binding(3) var<storage, read> replay: array<u32>;
@group(0) @binding(4) var<storage, read> q: array<f32>;
@group(0) @binding(5) var<storage, read_write> returns: array<LambdaReturn>;

// import: math
// import: agent
// import: policy
// import: transition_end
// import: transition
// import: lambda_return

fn q_value(source: u32, row: u32, action: u32) -> f32 {
    return q[row * p.q_stride + source + action];
}

// V of a row, H of its policy, and what H adds to a return.
struct Value {
    value: f32,
    entropy: f32,
    bonus: f32,
}

fn value_of(row: u32, alpha: f32) -> Value {
    if (p.hard == 1u) {
        return Value(q_value(p.q_offset, row, argmax_of(p.q_offset, row, p.actions)), 0.0, 0.0);
    }
    let pi = softmax_of(p.q_offset, row, p.actions, alpha);
    if (p.entropy == 0u) {
        // What the policy gains over its best action is at most 0.
        var gain = 0.0;
        for (var a = 0u; a < p.actions; a++) {
            let value = q_value(p.q_offset, row, a);
            gain += probability(pi, value, alpha) * (value - pi.top);
        }
        return Value(pi.top + gain, pi.entropy, 0.0);
    }
    let baseline = select(0.0, alpha * log_f32(f32(p.actions)), p.kl == 1u);
    let bonus = select(0.0, alpha * pi.entropy - baseline, p.between == 1u);
    return Value(pi.top + alpha * pi.log_sum - baseline, pi.entropy, bonus);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.num_lanes) {
        return;
    }
    let h = agents[agent];
    let t = TransitionLayout(p.obs_size, p.obs_bits, p.heads);
    // Lanes advance together; their oldest step lies where the next one will be written.
    let oldest = lanes[agent * p.num_lanes].step % p.steps;
    var later = 0.0;
    for (var back = 0u; back < p.steps; back++) {
        let place = (oldest + p.steps - 1u - back) % p.steps;
        let row = (agent * p.steps + place) * p.num_lanes + id.x;
        let next = value_of(row, h.alpha);
        let at = row * transition_words(t);
        let ended = replay[at + ended_at(t)];
        var ahead = next.value;
        if (back > 0u && ended == GOES_ON) {
            ahead += h.q_lambda * (later + next.bonus - next.value);
        }
        var reward = bitcast<f32>(replay[at + reward_at(t)]);
        if (ended != TERMINATED) {
            reward += h.gamma * ahead;
        }
        returns[row * p.heads + p.head] = LambdaReturn(reward, next.entropy);
        later = reward;
    }
}
