// Choosing an action from the values of one row, head by head.
//
//   policy 0: pi(a) = (1 - epsilon) softmax(Q / alpha) + epsilon / |A|;  policy 1: argmax Q instead of the softmax;
//   policy 2: the softmax at the temperature of this very state, at which its entropy is target_entropy;
//   policy 3: softmax(Q), for the outputs of a policy network.
// With several heads each has its own policy over its own values. Draws: the coin of epsilon, then one number per head.
//
// The importing kernel defines q_value (see policy) and imports the environment.

// import: policy

struct Chooser {
    policy: u32,
    // every action uniformly random
    at_random: bool,
    epsilon: f32,
    alpha: f32,
    target_entropy: f32,
}

fn choose(how: Chooser, row: u32, rng: ptr<function, Rng>) -> array<u32, ACTION_WORDS> {
    let coin = rng_uniform(rng);
    if (how.at_random || coin < how.epsilon) {
        return random_action(rng);
    }
    var alpha = select(how.alpha, 1.0, how.policy == 3u);
    var sizes = HEAD_SIZES;
    var chosen: array<u32, ACTION_WORDS>;
    var column = 0u;
    for (var head = 0u; head < ACTION_WORDS; head++) {
        let u = rng_uniform(rng);
        let actions = sizes[head];
        if (how.policy == 1u) {
            chosen[head] = argmax_of(column, row, actions);
        } else {
            if (how.policy == 2u) {
                alpha = temperature_of(column, row, actions, how.target_entropy);
            }
            chosen[head] = sample_of(column, row, actions, alpha, softmax_of(column, row, actions, alpha), u);
        }
        column += actions;
    }
    return chosen;
}
