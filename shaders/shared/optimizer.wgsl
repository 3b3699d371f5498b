// The optimiser of a group of networks, one record per agent. src/shared/optimizer.rs declares the same struct.

// Hyperparameters, constant during a run, then what a step changes besides weights and moments.
struct Optimizer {
    learning_rate: f32,
    // Adam's decays as 1 - beta and ln beta: 1 - beta^t then needs no subtraction of nearly equal numbers.
    one_minus_beta1: f32,
    one_minus_beta2: f32,
    ln_beta1: f32,
    ln_beta2: f32,
    adam_eps: f32,
    weight_decay: f32,
    max_grad_norm: f32,
    target_update_interval: u32,
    polyak: f32,

    // Steps, the running one included.
    steps: u32,
    grad_norm: f32,
    grad_scale: f32,
    // 1 - beta1^steps and 1 - beta2^steps.
    correction1: f32,
    correction2: f32,
}
