// What the games of MinAtar share: ten by ten cells, six actions, and actions that stick. src/shared/minatar.rs is
// the twin.
//
// The importing environment has a parameter `sticky_action_prob`.

// import: grid

const SIDE = 10u;

// Actions, of which every game has all: 0 n does nothing, then l, u, r, d and f, which fires.
const LEFT = 1u;
const UP = 2u;
const RIGHT = 3u;
const DOWN = 4u;
const FIRE = 5u;

// The action that is played: with `sticky_action_prob` the one before it once more. The first draw of every step.
fn played(last_action: u32, action: u32, rng: ptr<function, Rng>) -> u32 {
    return select(action, last_action, rng_uniform(rng) < env.sticky_action_prob);
}

// The number of a flag in an observation.
fn flag(lit: bool) -> f32 {
    return select(0.0, 1.0, lit);
}
