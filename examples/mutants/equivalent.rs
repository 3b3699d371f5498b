//! Survivors that are understood: mutants that no test can tell from the original.

/// One line of a file whose listed mutants survive.
pub struct Known {
    /// Kernel or shared file.
    pub target: &'static str,
    /// The line as it is.
    pub original: &'static str,
    /// Which of several lines with this text, from 1; 0 for all.
    pub nth: usize,
    /// The lines of the mutants; empty for every mutant of the line.
    pub mutated: &'static [&'static str],
    /// Why nothing observable changes.
    pub reason: &'static str,
}

const EDGE: &str = "rows, columns and inputs beyond the edge feed results that store() drops; the clamp only keeps reads in the buffer, \
     as wgpu's bounds checks do here";
const GUARD: &str = "store() leaves out rows beyond the edge too; the early return only saves work and reads beyond the buffer";
const SOURCE: &str = "this kernel has one table of action values, and its q_value ignores the source";
const RESET_IS_ZERO: &str = "STREAM_RESET is 0";
const UNUSED_WORD: &str = "only the first word of the last round is used";
const LAST_ACTION: &str = "the loop then meets the last action too, which is what is returned after it";

/// Mutants with the behaviour of the original.
const EQUIVALENT: &[Known] = &[
    known(
        "lane_step",
        "var rng = Rng(seed, stream + STREAM_RESET, step, index, 0u);",
        0,
        &["var rng = Rng(seed, stream - STREAM_RESET, step, index, 0u);"],
        RESET_IS_ZERO,
    ),
    known(
        "silu",
        "y[at] = x * (select(1.0, e, x < 0.0) / (1.0 + e));",
        0,
        &["y[at] = x * (select(1.0, e, x <= 0.0) / (1.0 + e));"],
        "at 0, e is 1",
    ),
    known(
        "conv2d",
        "return select(0u, ((y - p.pad_y) * p.width + x - p.pad_x) * p.channels, is_inside(y, x));",
        0,
        &["return select(1u, ((y - p.pad_y) * p.width + x - p.pad_x) * p.channels, is_inside(y, x));"],
        "what is read in the padding is not used",
    ),
    known(
        "priority_insert",
        "for (var node = ready_first + local; node <= ready_last; node += 256u) {",
        0,
        &["for (var node = ready_first + local; node <= ready_last; node += 255u) {"],
        "a few nodes are summed twice, to the same sums",
    ),
    known("dense_forward", "if (row >= p.batch) {", 2, &["if (false) {", "if (row > p.batch) {"], GUARD),
    known(
        "dense_forward",
        "let last_row = p.batch - 1u;",
        0,
        &["let last_row = p.batch - 0u;", "let last_row = p.batch + 1u;"],
        EDGE,
    ),
    known(
        "dense_forward",
        "let last_column = p.out_dim - 1u;",
        0,
        &["let last_column = p.out_dim - 0u;", "let last_column = p.out_dim + 1u;"],
        EDGE,
    ),
    known(
        "log_softmax",
        "let softmax = softmax_of(0u, row, p.actions, alpha);",
        0,
        &["let softmax = softmax_of(1u, row, p.actions, alpha);"],
        SOURCE,
    ),
    known(
        "log_softmax",
        "log_probs[row * p.actions + a] = log_probability(softmax, q_value(0u, row, a), alpha);",
        0,
        &["log_probs[row * p.actions + a] = log_probability(softmax, q_value(1u, row, a), alpha);"],
        SOURCE,
    ),
    known(
        "log_softmax",
        "probs[row * p.actions + a] = probability(softmax, q_value(0u, row, a), alpha);",
        0,
        &["probs[row * p.actions + a] = probability(softmax, q_value(1u, row, a), alpha);"],
        SOURCE,
    ),
    known(
        "log_softmax",
        "greedy[row] = argmax_of(0u, row, p.actions);",
        0,
        &["greedy[row] = argmax_of(1u, row, p.actions);"],
        SOURCE,
    ),
    known(
        "td_error",
        "} else if (p.loss >= 2u) {",
        0,
        &["} else if (p.loss >= 1u) {"],
        "loss 1 has taken the branch before",
    ),
    known(
        "td_error",
        "if (abs(e) <= delta) {",
        0,
        &["if (abs(e) < delta) {"],
        "at |e| = delta both sides are delta^2 / 2 with slope e",
    ),
    known(
        "td_error",
        "slope = select(-delta, delta, e > 0.0);",
        0,
        &["slope = select(-delta, delta, e >= 0.0);"],
        "here |e| > delta > 0",
    ),
    known(
        "dueling_backward",
        "for (var a = 0u; a < p.actions; a++) {",
        2,
        &["for (var a = 0u; a <= p.actions; a++) {"],
        "the element written too many is dV, which the next line overwrites",
    ),
    known("dense_backward_weights", "if (k > p.in_dim) {", 2, &["if (false) {"], GUARD),
    known(
        "dense_backward_weights",
        "let last_input = p.in_dim - 1u;",
        0,
        &["let last_input = p.in_dim - 0u;", "let last_input = p.in_dim + 1u;"],
        "the input read beyond the edge is replaced by the bias's 1 or dropped by store()",
    ),
    known(
        "dense_backward_weights",
        "let last_column = p.out_dim - 1u;",
        0,
        &["let last_column = p.out_dim - 0u;", "let last_column = p.out_dim + 1u;"],
        EDGE,
    ),
    known(
        "dense_backward_input",
        "if (row >= p.batch) {",
        2,
        &["if (false) {", "if (row > p.batch) {"],
        GUARD,
    ),
    known(
        "dense_backward_input",
        "let last_row = p.batch - 1u;",
        0,
        &["let last_row = p.batch - 0u;", "let last_row = p.batch + 1u;"],
        EDGE,
    ),
    known(
        "dense_backward_input",
        "let last_input = p.in_dim - 1u;",
        0,
        &["let last_input = p.in_dim - 0u;", "let last_input = p.in_dim + 1u;"],
        EDGE,
    ),
    known(
        "adam",
        "if (p.l2 == 0u && h.weight_decay > 0.0) {",
        0,
        &["if (p.l2 == 0u && h.weight_decay >= 0.0) {"],
        "a decay of 0 subtracts 0",
    ),
    known(
        "math",
        "let e = expm1_f32(clamp(2.0 * x, -40.0, 40.0));",
        0,
        &[
            "let e = expm1_f32(clamp(2.0 * x, -20.0, 40.0));",
            "let e = expm1_f32(clamp(2.0 * x, -40.0, 20.0));",
        ],
        "beyond 2 x = 20 the quotient rounds to 1 or -1 either way",
    ),
    known(
        "math",
        "let octant = (u32(magnitude * 1.27323954) + 1u) & 0xfffffffeu;",
        0,
        &["let octant = (u32(magnitude * 1.27323954) + 1u) & 0xff7ffffeu;"],
        "arguments below 8192 have octants below 2^14; bit 23 is never set",
    ),
    known(
        "math",
        "return vec2f(select(s, -s, x < 0.0), c);",
        0,
        &["return vec2f(select(s, -s, x <= 0.0), c);"],
        "differs in the sign of sin 0 alone, and both zeros count as equal",
    ),
    known(
        "priority_insert",
        "if (node < new_first || node > new_last) {",
        0,
        &[
            "if (node <= new_first || node > new_last) {",
            "if (node < new_first || node >= new_last) {",
            "if (true) {",
        ],
        "computes a sum twice, from the same children",
    ),
    known("fused_forward", "if (column < out_dim) {", 0, &["if (column <= out_dim) {", "if (true) {"], GUARD),
    known("dense_backward_weights_tiled", "if (k > p.in_dim) {", 0, &["if (false) {"], GUARD),
    known(
        "fused_backward",
        "/* constant */ for (var i = 0u; i < 4u; i++) {",
        1,
        &["/* constant */ for (var i = 0u; i <= 4u; i++) {"],
        "bounds checks turn the fifth index into the fourth, which gets its own value once more",
    ),
    known("tabular_value", "var value = 0.0;", 0, &["var value = 1.0;", ""], "every branch below assigns it"),
    known(
        "soft_q",
        "return select(magnitude, -magnitude, x < 0.0);",
        0,
        &["return select(magnitude, -magnitude, x <= 0.0);"],
        "differs in the sign of 0 alone, and both zeros count as equal",
    ),
    known(
        "munchausen",
        "let bonus = row.agent.munchausen_scale * min(max(surprise, row.agent.munchausen_clip), 0.0);",
        0,
        &["let bonus = row.agent.munchausen_scale * min(max(surprise, row.agent.munchausen_clip), 1.0);"],
        "a log probability is never above 0",
    ),
    known("rng", "const STREAMS = 8u;", 0, &[], "the host multiplies by its own copy; no shader uses it"),
    known("rng", "v.y += v.z * v.x;", 2, &[], UNUSED_WORD),
    known("rng", "v.z += v.x * v.y;", 2, &[], UNUSED_WORD),
    known("rng", "v.w += v.y * v.z;", 2, &[], UNUSED_WORD),
    known(
        "policy",
        "return min((q - top) / alpha, 0.0);",
        0,
        &["return min((q - top) / alpha, 1.0);"],
        "q is never above top and alpha never below 0; the clamp is against a division that rounds up",
    ),
    known(
        "policy",
        "for (var a = 1u; a < actions; a++) {",
        0,
        &["for (var a = 0u; a < actions; a++) {"],
        "compares the first action with itself",
    ),
    known("policy", "result.sum = 0.0;", 0, &[""], "WGSL starts variables at 0"),
    known(
        "policy",
        "for (var a = 0u; a + 1u < actions; a++) {",
        0,
        &[
            "for (var a = 0u; a + 1u <= actions; a++) {",
            "for (var a = 0u; a * 1u < actions; a++) {",
            "for (var a = 0u; a + 0u < actions; a++) {",
        ],
        LAST_ACTION,
    ),
];

const fn known(
    target: &'static str,
    original: &'static str,
    nth: usize,
    mutated: &'static [&'static str],
    reason: &'static str,
) -> Known {
    Known { target, original, nth, mutated, reason }
}

/// Why nothing can tell the mutant `mutated` of the `nth` line with the text `original`, if that is known.
pub fn reason(target: &str, original: &str, nth: usize, mutated: &str) -> Option<&'static str> {
    EQUIVALENT
        .iter()
        .find(|known| {
            known.target == target
                && known.original == original
                && (known.nth == 0 || known.nth == nth)
                && (known.mutated.is_empty() || known.mutated.contains(&mutated))
        })
        .map(|known| known.reason)
}
