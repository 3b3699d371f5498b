// The temperature of one head of an action, where every head has its own. src/shared/head_temperature.rs is the twin.
struct HeadTemperature {
    log_alpha: f32,
    alpha: f32,
    // moments of log_alpha's Adam
    alpha_m: f32,
    alpha_v: f32,
    target_entropy: f32,
}
