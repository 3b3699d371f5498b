// y = R + m clip(alpha ln pi(a|s), l0, 0) + gamma (1 - d) V(s'), V = alpha logsumexp(Q'(s', .) / alpha),
// pi = softmax(Q' / alpha) of the target net (Vieillard, Pietquin, Geist, arXiv 2007.14430, eq. 6).
//
// m = munchausen_scale, l0 = munchausen_clip; m = 0 is soft DQN. The authors write V as sum_a pi (Q' - alpha ln pi),
// which is equal.

fn target_of(row: Row) -> Target {
    let here = softmax_of(CURRENT, row.index, row.actions, row.alpha);
    let surprise = row.alpha * log_probability(here, q_value(CURRENT, row.index, row.action), row.alpha);
    let bonus = row.agent.munchausen_scale * min(max(surprise, row.agent.munchausen_clip), 0.0);
    let next = softmax_of(TARGET_1, row.index, row.actions, row.alpha);
    var rewarded = row;
    rewarded.reward = row.reward + bonus;
    return bootstrapped(rewarded, next.top + row.alpha * next.log_sum, next.entropy);
}
