// V(s') = alpha logsumexp(m / alpha), m = min_i Q'_i(s', .): policy and value both from the joined targets (DI-engine
// SQN).
//
// Without entropy in the target, V(s') = sum_a softmax(m / alpha)(a) m(a).

fn target_of(row: Row) -> Target {
    let pi = softmax_of(TARGET, row.index, row.actions, row.alpha);
    if (row.entropy) {
        return bootstrapped(row, pi.top + row.alpha * pi.log_sum, pi.entropy);
    }
    // What the policy gains over its best action is at most 0.
    var gain = 0.0;
    for (var a = 0u; a < row.actions; a++) {
        let q = q_value(TARGET, row.index, a);
        gain += probability(pi, q, row.alpha) * (q - pi.top);
    }
    return bootstrapped(row, pi.top + gain, pi.entropy);
}
