// Layout of a transition where experience is kept, and its parts; src/shared/transition.rs is the twin.
//
// Words of one: obs, next_obs, action, reward, ended. A word of an action is an integer, or the bits of a float.
// Elements of an observation take obs_bits each, lowest first, and either observation starts a word of its own: with 32
// bits they are floats, with 8 the k of k / 255, with 1 the 0 or 1. What fits that statement is restored exactly.
//
// The importing kernel binds `replay: array<u32>`.

// import: transition_end

struct TransitionLayout {
    obs_size: u32,
    obs_bits: u32,
    action_words: u32,
}

fn obs_words(t: TransitionLayout) -> u32 {
    return (t.obs_size * t.obs_bits + 31u) / 32u;
}

fn next_obs_at(t: TransitionLayout) -> u32 {
    return obs_words(t);
}

fn action_at(t: TransitionLayout) -> u32 {
    return 2u * obs_words(t);
}

fn reward_at(t: TransitionLayout) -> u32 {
    return action_at(t) + t.action_words;
}

fn ended_at(t: TransitionLayout) -> u32 {
    return reward_at(t) + 1u;
}

fn transition_words(t: TransitionLayout) -> u32 {
    return ended_at(t) + 1u;
}

// An element in its place within its word.
fn packed_element(value: f32, index: u32, bits: u32) -> u32 {
    if (bits == 32u) {
        return bitcast<u32>(value);
    }
    let most = (1u << bits) - 1u;
    return min(u32(value * f32(most) + 0.5), most) << (index * bits % 32u);
}

// Element `index` of the observation that starts at word `at`.
fn stored_element(t: TransitionLayout, at: u32, index: u32) -> f32 {
    let word = replay[at + index * t.obs_bits / 32u];
    if (t.obs_bits == 32u) {
        return bitcast<f32>(word);
    }
    let most = (1u << t.obs_bits) - 1u;
    return f32((word >> (index * t.obs_bits % 32u)) & most) / f32(most);
}
