// A Gaussian squashed by tanh, dimension by dimension (Haarnoja et al., arXiv 1801.01290, appendix C):
//
//   u = mean + sigma noise,  a = scale tanh(u) + bias,  ln p(a) = ln N(u) - ln |da/du|,  da/du = scale (1 - tanh^2 u)
//
// src/shared/tanh_gaussian.rs is the twin.

// import: math

const LN_2 = 0.69314718056;
const HALF_LN_TAU = 0.91893853320;

// Where ln sigma may lie, and whether a network's output is squashed into it or clamped.
struct LogStd {
    low: f32,
    high: f32,
    squashed: u32,
}

fn log_std_of(raw: f32, range: LogStd) -> f32 {
    if (range.squashed == 1u) {
        return range.low + 0.5 * (range.high - range.low) * (tanh_f32(raw) + 1.0);
    }
    return clamp(raw, range.low, range.high);
}

// The slope of log_std_of.
fn log_std_slope(raw: f32, range: LogStd) -> f32 {
    if (range.squashed == 1u) {
        return 0.5 * (range.high - range.low) * one_minus_tanh2(raw);
    }
    return select(0.0, 1.0, raw >= range.low && raw <= range.high);
}

// 1 - tanh^2 u = 1 / cosh^2 u without the cancellation of the left side.
fn one_minus_tanh2(u: f32) -> f32 {
    let e = exp_f32(-2.0 * abs(u));
    let sum = 1.0 + e;
    return 4.0 * e / (sum * sum);
}

// ln(scale (1 - tanh^2 u) + floor).
fn log_slope(u: f32, scale: f32, floor: f32) -> f32 {
    if (floor > 0.0) {
        return log_f32(scale * one_minus_tanh2(u) + floor);
    }
    let e = exp_f32(-2.0 * abs(u));
    return log_f32(scale) + 2.0 * (LN_2 - (abs(u) + log_f32(1.0 + e)));
}

// The slope of log_slope along u.
fn log_slope_slope(u: f32, scale: f32, floor: f32) -> f32 {
    let slope = -2.0 * tanh_f32(u);
    if (floor > 0.0) {
        let width = scale * one_minus_tanh2(u);
        return slope * (width / (width + floor));
    }
    return slope;
}
