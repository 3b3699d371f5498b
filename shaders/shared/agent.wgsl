// Per-agent and per-environment records. src/shared/agent.rs declares the same structs; the first one, which grows with
// every hyperparameter, is written here from that declaration when a kernel is composed.

// record: Agent

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
    // 0, or what first was not finite: 1 + the step that returned it (0 for the first observation), with FAULT_OBS
    // for an observation instead of a reward.
    fault: u32,
}

const FAULT_OBS = 0x80000000u;

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
