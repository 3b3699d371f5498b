// V(s') = min_i sum_a pi(a) Q'_i(s', a) + alpha H(pi), pi = softmax(Q_1(s', .) / alpha) of the online net (SQN paper,
// eq. 20-21).

fn target_of(row: Row) -> Target {
    let pi = softmax_of(ONLINE, row.index, row.actions, row.alpha);
    var expected_1 = 0.0;
    var expected_2 = 0.0;
    for (var a = 0u; a < row.actions; a++) {
        let share = probability(pi, q_value(ONLINE, row.index, a), row.alpha);
        expected_1 += share * q_value(TARGET_1, row.index, a);
        expected_2 += share * q_value(TARGET_2, row.index, a);
    }
    let bonus = select(0.0, row.alpha, row.entropy);
    return bootstrapped(row, joined(row.mean, expected_1, expected_2) + bonus * pi.entropy, pi.entropy);
}
