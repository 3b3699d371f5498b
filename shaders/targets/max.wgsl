// V(s') = min_i max_a Q'_i(s', a) + alpha H(pi), pi = softmax(Q_1(s', .) / alpha) of the online net (SQN authors'
// maxsqn.py).

fn target_of(row: Row) -> Target {
    let pi = softmax_of(ONLINE, row.index, row.actions, row.alpha);
    let max_1 = q_value(TARGET_1, row.index, argmax_of(TARGET_1, row.index, row.actions));
    let max_2 = q_value(TARGET_2, row.index, argmax_of(TARGET_2, row.index, row.actions));
    let bonus = select(0.0, row.alpha, row.entropy);
    return bootstrapped(row, joined(row.mean, max_1, max_2) + bonus * pi.entropy, pi.entropy);
}
