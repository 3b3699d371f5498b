// Records of the exact solver of a table of transitions. src/shared/tabular.rs is the twin.

// ln 0, and the value of an action that must not be taken.
const NEVER = -1e30;

// An action value relative to the reference policy: softmax(relative / alpha) is proportional to pi_bar exp(q / alpha).
// An action that the reference never takes has no share at any temperature.
fn relative(q: f32, log_reference: f32, alpha: f32) -> f32 {
    return select(q + alpha * log_reference, NEVER, log_reference <= NEVER);
}

// One outcome of an action: P(next, reward, terminated | s, a) = probability.
struct Transition {
    probability: f32,
    next: u32,
    reward: f32,
    // 1 where the episode ends, and V(next) does not count
    terminated: f32,
}

// One solution: its settings, and how far it has come.
struct Solver {
    gamma: f32,
    alpha: f32,
    // a sweep that changes no Q by more than this share of max(1, max |Q|) is the last
    tolerance: f32,
    // with alpha = 0, actions within this share of max(1, |max Q|) of the best one are equally good
    tie: f32,
    // sweeps done
    sweeps: u32,
    // number of the last sweep once it is over, else 0
    converged: u32,
}

// What one sweep did to Q.
struct Sweep {
    // largest |change|
    residual: f32,
    // largest fall, 0 if nothing fell
    drop: f32,
    // largest |Q| after it
    largest: f32,
}
