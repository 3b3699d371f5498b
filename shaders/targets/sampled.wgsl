// V(s') = min_i Q'_i(s', a~) - alpha ln pi(a~), one a~ ~ pi = softmax(Q'_1(s', .) / alpha) (SQN authors' sqn.py). The
// entropy is -ln pi(a~).
//
// With per_state, alpha is that of the state: where the entropy of softmax(Q'_1 / alpha) is target_entropy
// (authors' gsqn).
// With given, a~ is not drawn but row.action, to replay a recorded update.

fn target_of(row: Row) -> Target {
    var own = row;
    if (row.per_state) {
        own.alpha = temperature_of(TARGET_1, row.index, row.actions, row.agent.target_entropy);
    }
    let pi = softmax_of(TARGET_1, row.index, row.actions, own.alpha);
    var rng = row.rng;
    var action = sample_of(TARGET_1, row.index, row.actions, own.alpha, pi, rng_uniform(&rng));
    if (row.given) {
        action = row.action;
    }
    let entropy = -log_probability(pi, q_value(TARGET_1, row.index, action), own.alpha);
    let bonus = select(0.0, own.alpha, row.entropy);
    return bootstrapped(own, q_value(TARGET, row.index, action) + bonus * entropy, entropy);
}
