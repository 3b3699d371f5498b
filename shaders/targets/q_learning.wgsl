// y = R + gamma^m (1 - d) max_a Q'(s', a) (Mnih et al., Nature 518, 2015). Ties go to the first action; there is no
// entropy.

fn target_of(row: Row) -> Target {
    return bootstrapped(row, q_value(TARGET_1, row.index, argmax_of(TARGET_1, row.index, row.actions)), 0.0);
}
