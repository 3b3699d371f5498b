// Per-agent and per-environment records. src/shared/agent.rs declares the same structs.

// One agent: hyperparameters, constant during a run, then what learning changes besides the weights, then the sums of the
// current metrics window.
struct Agent {
    seed: u32,
    gamma: f32,
    huber_delta: f32,
    alpha_learning_rate: f32,
    target_entropy: f32,
    log_alpha_initial: f32,
    log_alpha_final: f32,
    log_alpha_min: f32,
    log_alpha_max: f32,
    alpha_decay_steps: f32,
    epsilon: f32,
    epsilon_final: f32,
    epsilon_decay_steps: f32,
    reward_scale: f32,
    // Prioritized replay: exponent and offset of |delta|, then the exponent of the importance weights and its schedule.
    priority_exponent: f32,
    priority_eps: f32,
    importance_exponent: f32,
    importance_exponent_final: f32,
    importance_steps: f32,
    munchausen_scale: f32,
    munchausen_clip: f32,

    updates: u32,
    // 0, or the number of the update that first met a NaN or an infinity. Weights are frozen from then on.
    nonfinite: u32,
    log_alpha: f32,
    alpha: f32,
    alpha_m: f32,
    alpha_v: f32,
    // Of the last batch: the mean over rows, summed over heads with their weights.
    entropy: f32,
    max_priority: f32,
    window_updates: u32,
    entropy_sum: f32,
    loss_sum: f32,
    q_sum: f32,
    grad_norm_sum: f32,
}

// Bookkeeping of one environment.
struct Lane {
    step: u32,
    episode_step: u32,
    episode_return: f32,
    episodes: u32,
    first_return: f32,
    window_episodes: u32,
    window_return: f32,
    window_length: f32,
}

// TD error of one sample under one net, and its weighted loss.
struct TdError {
    error: f32,
    loss: f32,
}

// Linear schedule from `start` to `end` over `steps`; `start` throughout when steps is 0.
fn schedule(start: f32, end: f32, steps: f32, now: f32) -> f32 {
    if (steps <= 0.0) {
        return start;
    }
    return start + (end - start) * min(now / steps, 1.0);
}
