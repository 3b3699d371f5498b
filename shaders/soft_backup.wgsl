// Soft value of the state where the window ended and the regression target: y = rewards + discounts * V(s').
//
// V(s') by `backup` (m = min_i Q'_i elementwise, Q'_i target nets, Q_1 online net, all at s'):
//   0 clipped_lse    alpha logsumexp(m / alpha), pi = softmax(m / alpha)                 (DI-engine SQN)
//   1 online_policy  min_i sum_a pi(a) Q'_i(a) + alpha H(pi), pi = softmax(Q_1 / alpha)  (paper, eq. 20-21)
//   2 sampled        min_i Q'_i(a~) - alpha ln pi(a~), a~ ~ pi = softmax(Q'_1 / alpha)   (authors' sqn.py)
//   3 max            min_i max_a Q'_i(a) + alpha H(pi), pi = softmax(Q_1 / alpha)        (authors' maxsqn.py)
// target_2 is the slot of Q'_2; the slot of Q'_1 in its place switches the minimum off. With mean = 1 the twins' mean takes the place
// of their minimum. With entropy = 0 the value is that of the policy alone, without alpha H. With per_state = 1, `sampled` takes alpha
// from the state: where the entropy of softmax(Q'_1 / alpha) is target_entropy (authors' gsqn).
// With given_actions = 1, a~ is not drawn: `values` holds it on entry (to replay a recorded update).
// With kl = 1, alpha ln|A| is subtracted: entropy relative to the uniform policy.
// q [agents, slots, batch, q_stride], actions columns from q_offset on, with slots (Q_1(s), Q_2(s), Q'_1(s'), Q'_2(s'), Q_1(s') if used);
// rewards, discounts [agents, batch]: the n-step sum R and gamma^m (1 - terminated), see replay_sample; targets, entropies, values [agents, batch, heads], of which column `head` is written:
// a multi-discrete network is one dispatch per head. entropies holds H(pi), or -ln pi(a~) for `sampled`.
// Grid: one invocation per row, x = batch / 64, z = agent. Determinism: sums over actions in ascending order.

struct Params {
    batch: u32,
    actions: u32,
    slots: u32,
    backup: u32,
    kl: u32,
    given_actions: u32,
    target_2: u32,
    mean: u32,
    entropy: u32,
    per_state: u32,
    q_stride: u32,
    q_offset: u32,
    heads: u32,
    head: u32,
    stream: u32,
    agents: u32,
}

@group(0) @binding(0) var<storage, read> p: Params;
@group(0) @binding(1) var<storage, read> agents: array<Agent>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> rewards: array<f32>;
@group(0) @binding(4) var<storage, read> discounts: array<f32>;
@group(0) @binding(5) var<storage, read_write> targets: array<f32>;
@group(0) @binding(6) var<storage, read_write> entropies: array<f32>;
@group(0) @binding(7) var<storage, read_write> values: array<f32>;

// import: math
// import: rng_word
// import: rng
// import: agent
// import: policy

const TARGET_1 = 2u;
const ONLINE_1 = 4u;
const TARGET_JOINED = 16u;

fn slot_value(slot: u32, row: u32, action: u32) -> f32 {
    // row counts over agents and batch; the slot axis lies between them.
    let agent = row / p.batch;
    return q[((agent * p.slots + slot) * p.batch + row % p.batch) * p.q_stride + p.q_offset + action];
}

fn joined(first: f32, second: f32) -> f32 {
    return select(min(first, second), 0.5 * (first + second), p.mean == 1u);
}

fn q_value(source: u32, row: u32, action: u32) -> f32 {
    if (source == TARGET_JOINED) {
        return joined(slot_value(TARGET_1, row, action), slot_value(p.target_2, row, action));
    }
    return slot_value(source, row, action);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let agent = id.z;
    if (id.x >= p.batch) {
        return;
    }
    let row = agent * p.batch + id.x;
    let out = row * p.heads + p.head;
    var alpha = agents[agent].alpha;
    if (p.per_state == 1u) {
        alpha = temperature_of(TARGET_1, row, p.actions, agents[agent].target_entropy);
    }
    let bonus = select(0.0, alpha, p.entropy == 1u);
    var value = 0.0;
    var entropy = 0.0;
    if (p.backup == 0u) {
        let pi = softmax_of(TARGET_JOINED, row, p.actions, alpha);
        value = pi.top + alpha * pi.log_sum;
        entropy = pi.entropy;
        if (p.entropy == 0u) {
            // The same without alpha H: what the policy gains over its best action is at most 0.
            var gain = 0.0;
            for (var a = 0u; a < p.actions; a++) {
                let q = q_value(TARGET_JOINED, row, a);
                gain += probability(pi, q, alpha) * (q - pi.top);
            }
            value = pi.top + gain;
        }
    } else if (p.backup == 1u) {
        let pi = softmax_of(ONLINE_1, row, p.actions, alpha);
        var expected_1 = 0.0;
        var expected_2 = 0.0;
        for (var a = 0u; a < p.actions; a++) {
            let share = probability(pi, q_value(ONLINE_1, row, a), alpha);
            expected_1 += share * q_value(TARGET_1, row, a);
            expected_2 += share * q_value(p.target_2, row, a);
        }
        value = joined(expected_1, expected_2) + bonus * pi.entropy;
        entropy = pi.entropy;
    } else if (p.backup == 2u) {
        let pi = softmax_of(TARGET_1, row, p.actions, alpha);
        var rng = Rng(agents[agent].seed, p.stream + STREAM_BACKUP, agents[agent].updates, p.head * p.batch + id.x, 0u);
        var action = sample_of(TARGET_1, row, p.actions, alpha, pi, rng_uniform(&rng));
        if (p.given_actions == 1u) {
            action = min(u32(values[out]), p.actions - 1u);
        }
        entropy = -log_probability(pi, q_value(TARGET_1, row, action), alpha);
        value = q_value(TARGET_JOINED, row, action) + bonus * entropy;
    } else {
        let pi = softmax_of(ONLINE_1, row, p.actions, alpha);
        let max_1 = q_value(TARGET_1, row, argmax_of(TARGET_1, row, p.actions));
        let max_2 = q_value(p.target_2, row, argmax_of(p.target_2, row, p.actions));
        value = joined(max_1, max_2) + bonus * pi.entropy;
        entropy = pi.entropy;
    }
    if (p.kl == 1u) {
        value -= alpha * log_f32(f32(p.actions));
    }
    targets[out] = rewards[row] + discounts[row] * value;
    entropies[out] = entropy;
    values[out] = value;
}
