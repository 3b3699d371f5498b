// y = f(R + gamma^m (1 - d) f^-1(V)), V = alpha logsumexp(Q'(s', .) / alpha) of one network (coax `SoftQLearning`).
//
// f(x) = x, or with signed_log f(x) = sign(x) ln(1 + |x|): the network learns transformed values.

fn target_of(row: Row) -> Target {
    let pi = softmax_of(TARGET_1, row.index, row.actions, row.alpha);
    let value = relative_to_uniform(row, pi.top + row.alpha * pi.log_sum);
    return Target(transformed(row.signed_log, row.reward + row.discount * restored(row.signed_log, value)), pi.entropy);
}

fn transformed(signed_log: bool, x: f32) -> f32 {
    if (!signed_log) {
        return x;
    }
    let magnitude = log_f32(1.0 + abs(x));
    return select(magnitude, -magnitude, x < 0.0);
}

fn restored(signed_log: bool, x: f32) -> f32 {
    if (!signed_log) {
        return x;
    }
    let magnitude = expm1_f32(abs(x));
    return select(magnitude, -magnitude, x < 0.0);
}
