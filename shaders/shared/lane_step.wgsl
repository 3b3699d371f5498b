// One environment lane from step to step: the step with its count and its end, and the reset of an episode that has
// ended (Gymnasium's SAME_STEP autoreset). Between the two the state is the true final one.
//
// The loops of the file count from 0 in every reset and every step, with the observation behind it.
//
// Determinism: random numbers depend on the seed, the stream, the lane and its step count alone.
// The importing kernel imports the environment.

// import: math
// import: agent
// import: rng
// import: transition_end

struct LaneStep {
    reward: f32,
    // how the transition ended, as it is stored
    ended: u32,
}

// An initial state. Step 0xffffffff is that of the first episode: the resets of later ones use the lane's step count.
fn lane_start(seed: u32, stream: u32, index: u32, step: u32) -> State {
    var rng = Rng(seed, stream + STREAM_RESET, step, index, 0u);
    count_loops_anew();
    return reset(&rng);
}

// Takes a step. A step that both terminates and meets the time limit counts as terminated.
fn lane_step(
    seed: u32,
    stream: u32,
    index: u32,
    action: array<u32, ACTION_WORDS>,
    state: ptr<function, State>,
    lane: ptr<function, Lane>,
) -> LaneStep {
    var rng = Rng(seed, stream + STREAM_STEP, (*lane).step, index, 0u);
    count_loops_anew();
    let outcome = take_step(state, action, &rng);
    if ((*lane).fault == 0u && !is_finite_f32(outcome.reward)) {
        (*lane).fault = (*lane).step + 1u;
    }
    (*lane).episode_step += 1u;
    (*lane).episode_return += outcome.reward;
    let truncated = (*lane).episode_step >= MAX_EPISODE_STEPS;
    return LaneStep(outcome.reward, select(select(GOES_ON, TRUNCATED, truncated), TERMINATED, outcome.terminated));
}

// Ends the step: where the episode ended, its statistics and the start of the next one. Tells whether it did.
fn lane_next(
    seed: u32,
    stream: u32,
    index: u32,
    ended: u32,
    state: ptr<function, State>,
    lane: ptr<function, Lane>,
) -> bool {
    if (ended != GOES_ON) {
        if ((*lane).episodes == 0u) {
            (*lane).first_return = (*lane).episode_return;
        }
        (*lane).episodes += 1u;
        (*lane).window_episodes += 1u;
        (*lane).window_return += (*lane).episode_return;
        (*lane).window_length += f32((*lane).episode_step);
        (*lane).episode_step = 0u;
        (*lane).episode_return = 0.0;
        *state = lane_start(seed, stream, index, (*lane).step);
    }
    (*lane).step += 1u;
    return ended != GOES_ON;
}
