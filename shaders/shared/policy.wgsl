// The softmax family over one row of action values, written so that no term overflows or loses digits:
//   the maximum is subtracted before dividing by alpha, and no logarithm of a probability is ever taken.
//
// The importing kernel defines `fn q_value(source: u32, row: u32, action: u32) -> f32`.

// Halvings of ln 1e-4 .. ln 1e4: to 1.1e-6.
const BISECTIONS = 24u;

// pi(a) = exp((q(a) - top) / alpha) / sum
struct Softmax {
    top: f32,
    sum: f32,
    log_sum: f32,
    entropy: f32,
}

fn scaled(q: f32, top: f32, alpha: f32) -> f32 {
    return min((q - top) / alpha, 0.0);
}

fn argmax_of(source: u32, row: u32, actions: u32) -> u32 {
    var best = 0u;
    var top = q_value(source, row, 0u);
    for (var a = 1u; a < actions; a++) {
        let q = q_value(source, row, a);
        if (q > top) {
            top = q;
            best = a;
        }
    }
    return best;
}

fn softmax_of(source: u32, row: u32, actions: u32, alpha: f32) -> Softmax {
    var result: Softmax;
    result.top = q_value(source, row, argmax_of(source, row, actions));
    var weighted = 0.0;
    result.sum = 0.0;
    for (var a = 0u; a < actions; a++) {
        let z = scaled(q_value(source, row, a), result.top, alpha);
        let e = exp_f32(z);
        result.sum += e;
        weighted += e * z;
    }
    result.log_sum = log_f32(result.sum);
    result.entropy = result.log_sum - weighted / result.sum;
    return result;
}

fn probability(softmax: Softmax, q: f32, alpha: f32) -> f32 {
    return exp_f32(scaled(q, softmax.top, alpha)) / softmax.sum;
}

fn log_probability(softmax: Softmax, q: f32, alpha: f32) -> f32 {
    return scaled(q, softmax.top, alpha) - softmax.log_sum;
}

// The temperature at which the softmax of a row has the entropy `wanted`, from 1e-4 to 1e4, by bisection of its
// logarithm: entropy rises with the temperature.
fn temperature_of(source: u32, row: u32, actions: u32, wanted: f32) -> f32 {
    var low = -9.2103404;
    var high = 9.2103404;
    for (var i = 0u; i < BISECTIONS; i++) {
        let middle = 0.5 * (low + high);
        if (softmax_of(source, row, actions, exp_f32(middle)).entropy < wanted) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return exp_f32(0.5 * (low + high));
}

// One action by inversion of the cumulative distribution; `u` uniform in (0, 1).
fn sample_of(source: u32, row: u32, actions: u32, alpha: f32, softmax: Softmax, u: f32) -> u32 {
    var cumulative = 0.0;
    for (var a = 0u; a + 1u < actions; a++) {
        cumulative += probability(softmax, q_value(source, row, a), alpha);
        if (u < cumulative) {
            return a;
        }
    }
    // Rounding may leave the sum below 1; the remainder belongs to the last action.
    return actions - 1u;
}
