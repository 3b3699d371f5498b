// What a target rule sees of one row of a batch, and what it gives back. src/shared/target.rs is the twin.
//
// A rule is a file of shaders/targets with `fn target_of(row: Row) -> Target`; it asks for action values by their
// source, q_value(source, row.index, action), and knows no buffer. The importing kernel defines q_value.

// Q'_1(s')
const TARGET_1 = 0u;
// Q'_2(s'), or Q'_1(s') where the twin is off
const TARGET_2 = 1u;
// both, joined by their minimum or mean
const TARGET = 2u;
// Q_1(s') of the online net, or the outputs of the policy network at s' for the rules of one
const ONLINE = 3u;
// Q'_1(s)
const CURRENT = 4u;

struct Row {
    // for q_value
    index: u32,
    actions: u32,
    // hyperparameters
    agent: Agent,
    // temperature
    alpha: f32,
    // the n-step sum R, and gamma^m (1 - terminated), see replay_sample
    reward: f32,
    discount: f32,
    // the action taken in s; for a rule that samples one and is told so, the sample
    action: u32,
    given: bool,
    // for rules that sample
    rng: Rng,
    // alpha H is part of the value
    entropy: bool,
    // alpha ln|A| is taken off: entropy relative to the uniform policy
    kl: bool,
    // the twins' mean in the place of their minimum
    mean: bool,
    // each state has the temperature at which its entropy is the agent's target_entropy
    per_state: bool,
    // the network learns sign(x) ln(1 + |x|) of its values
    signed_log: bool,
}

struct Target {
    y: f32,
    // H of the policy at s', or what the rule has of it
    entropy: f32,
}

// import: joined

// V(s') in the form that is asked for.
fn relative_to_uniform(row: Row, value: f32) -> f32 {
    if (row.kl) {
        return value - row.alpha * log_f32(f32(row.actions));
    }
    return value;
}

// y = R + gamma^m (1 - d) V(s')
fn bootstrapped(row: Row, value: f32, entropy: f32) -> Target {
    return Target(row.reward + row.discount * relative_to_uniform(row, value), entropy);
}
