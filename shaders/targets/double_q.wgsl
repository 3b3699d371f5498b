// y = R + gamma^m (1 - d) Q'(s', argmax_a Q(s', a)): the online net chooses, the target net values (van Hasselt et al.,
// arXiv 1509.06461). Ties go to the first action; there is no entropy.

fn target_of(row: Row) -> Target {
    return bootstrapped(row, q_value(TARGET_1, row.index, argmax_of(ONLINE, row.index, row.actions)), 0.0);
}
