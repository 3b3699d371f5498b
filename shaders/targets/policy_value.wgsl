// V(s') = sum_a pi(a) (m(a) - alpha ln pi(a)), m = min_i Q'_i(s', .), pi = softmax of the policy network's outputs
// (discrete SAC: Christodoulou, arXiv 1910.07207, eq. 10).

fn target_of(row: Row) -> Target {
    let pi = softmax_of(ONLINE, row.index, row.actions, 1.0);
    var expected = 0.0;
    for (var a = 0u; a < row.actions; a++) {
        expected += probability(pi, q_value(ONLINE, row.index, a), 1.0) * q_value(TARGET, row.index, a);
    }
    let bonus = select(0.0, row.alpha, row.entropy);
    return bootstrapped(row, expected + bonus * pi.entropy, pi.entropy);
}
