//! All kernels: one file each, with the params struct, bindings, grid rule and CPU twin of the shader of the same name.
//!
//! ```
//! use softq::kernels::{self, adam};
//!
//! // A kernel is data: what it binds, how long that must be, how many workgroups it takes, what it costs.
//! assert!(kernels::table().iter().any(|kernel| kernel.name == "adam"));
//! let names: Vec<&str> = adam::KERNEL.bindings.iter().map(|binding| binding.name).collect();
//! assert_eq!(names, ["agents", "optimizers", "grads", "weights", "m", "v"]);
//! ```

pub mod act_box;
mod act_lane;
pub mod act_step;
pub mod action_backup;
pub mod action_loss;
pub mod adam;
pub mod add_reference;
pub mod append_actions;
pub mod backup;
mod blocks;
#[doc(hidden)]
pub mod choose;
pub mod conv2d_backward_input;
pub mod conv2d_backward_weights;
pub mod conv2d_forward;
pub mod critic_inputs;
pub mod dense_backward_input;
pub mod dense_backward_input_tiled;
pub mod dense_backward_weights;
pub mod dense_backward_weights_tiled;
pub mod dense_forward;
pub mod dense_forward_tiled;
pub mod dueling;
pub mod dueling_backward;
pub mod entropy_bonus;
pub mod env_draw;
pub mod env_probe;
pub mod env_reset;
pub mod env_rollout;
pub mod exchange_temperature;
pub mod fused_backward;
pub mod fused_forward;
pub mod fused_gradients;
pub mod grad_norm;
pub mod join_heads;
pub mod lambda_returns;
#[doc(hidden)]
pub mod lane_step;
pub mod layer_norm;
pub mod layer_norm_backward_input;
pub mod layer_norm_backward_weights;
pub mod log_softmax;
mod matmul;
pub mod metrics;
pub mod noisy_inputs;
pub mod policy_backup;
pub mod policy_loss;
pub mod priority_draw;
pub mod priority_insert;
pub mod priority_update;
pub mod replay_sample;
pub mod rollout_batch;
pub mod rollout_states;
pub mod scale_head;
pub mod silu;
pub mod silu_backward;
pub mod soft_value;
pub mod svgd_actions;
pub mod svgd_bandwidth;
pub mod svgd_gradient;
pub mod svgd_kernel;
pub mod svgd_score;
pub mod tabular_backup;
pub mod tabular_policy;
pub mod tabular_residual;
pub mod tabular_value;
pub mod tanh_gaussian;
pub mod tanh_gaussian_backward;
pub mod targets;
pub mod td_error;
pub mod temperature_step;
pub mod update_end;

use crate::engine::kernel::Kernel;

/// The kernel table: every kernel of the project, in the order of a training iteration.
pub fn table() -> &'static [&'static Kernel] {
    static TABLE: &[&Kernel] = &[
        &env_reset::KERNEL,
        &act_step::KERNEL,
        &act_box::KERNEL,
        &env_rollout::KERNEL,
        &env_probe::KERNEL,
        &env_draw::KERNEL,
        &priority_insert::KERNEL,
        &priority_draw::KERNEL,
        &replay_sample::KERNEL,
        &rollout_states::KERNEL,
        &lambda_returns::KERNEL,
        &rollout_batch::KERNEL,
        &append_actions::KERNEL,
        &critic_inputs::KERNEL,
        &conv2d_forward::KERNEL,
        &dense_forward::KERNEL,
        &dense_forward_tiled::KERNEL,
        &fused_forward::KERNEL,
        &layer_norm::KERNEL,
        &silu::KERNEL,
        &dueling::KERNEL,
        &log_softmax::KERNEL,
        &add_reference::KERNEL,
        &scale_head::KERNEL,
        &entropy_bonus::KERNEL,
        &backup::KERNEL,
        &policy_backup::KERNEL,
        &soft_value::KERNEL,
        &tanh_gaussian::KERNEL,
        &action_backup::KERNEL,
        &join_heads::KERNEL,
        &td_error::KERNEL,
        &policy_loss::KERNEL,
        &action_loss::KERNEL,
        &tanh_gaussian_backward::KERNEL,
        &noisy_inputs::KERNEL,
        &svgd_actions::KERNEL,
        &svgd_score::KERNEL,
        &svgd_bandwidth::KERNEL,
        &svgd_kernel::KERNEL,
        &svgd_gradient::KERNEL,
        &dueling_backward::KERNEL,
        &silu_backward::KERNEL,
        &layer_norm_backward_weights::KERNEL,
        &layer_norm_backward_input::KERNEL,
        &dense_backward_weights::KERNEL,
        &dense_backward_weights_tiled::KERNEL,
        &dense_backward_input::KERNEL,
        &dense_backward_input_tiled::KERNEL,
        &conv2d_backward_weights::KERNEL,
        &conv2d_backward_input::KERNEL,
        &fused_backward::KERNEL,
        &fused_gradients::KERNEL,
        &grad_norm::KERNEL,
        &adam::KERNEL,
        &update_end::KERNEL,
        &exchange_temperature::KERNEL,
        &temperature_step::KERNEL,
        &priority_update::KERNEL,
        &metrics::KERNEL,
        &tabular_value::KERNEL,
        &tabular_backup::KERNEL,
        &tabular_residual::KERNEL,
        &tabular_policy::KERNEL,
    ];
    TABLE
}

/// Elements of a product of dimensions.
fn product(dims: &[u32]) -> u64 {
    dims.iter().map(|dim| u64::from(*dim)).fold(1, u64::saturating_mul)
}

/// Elements that a table of `agents * per_agent` entries of `stride` elements must hold when entry `last` of each agent is
/// used up to element `end`. A slot table or an offset beyond the declared sizes asks for more, and is refused.
fn extent(agents: u32, per_agent: u32, stride: u64, last: u32, end: u64) -> u64 {
    let [agents, per_agent, last] = [agents, per_agent, last].map(u64::from);
    let declared = agents.saturating_mul(per_agent).saturating_mul(stride);
    let furthest = agents.saturating_sub(1).saturating_mul(per_agent) + last;
    declared.max(furthest.saturating_mul(stride).saturating_add(end))
}

/// Elements of `rows` rows of `stride` columns, of which `width` columns from `offset` on are used.
fn rows_end(rows: u32, stride: u32, offset: u32, width: u32) -> u64 {
    product(&[rows.saturating_sub(1), stride]) + u64::from(offset) + u64::from(width)
}

/// Largest entry of the first `slots` entries of a slot table.
fn largest(packed: u32, slots: u32) -> u32 {
    (0..slots.min(8) as usize).map(|slot| nibble(packed, slot) as u32).max().unwrap_or(0)
}

/// How many different entries the first `slots` entries of a slot table have: what several slots share is read once.
fn distinct(packed: u32, slots: u32) -> u32 {
    (0..slots.min(8) as usize).fold(0u32, |seen, slot| seen | 1 << nibble(packed, slot)).count_ones()
}

/// End of a dense layer, bias included, in a network's parameters.
fn layer_end(weight_offset: u32, in_dim: u32, out_dim: u32) -> u64 {
    u64::from(weight_offset) + (u64::from(in_dim) + 1) * u64::from(out_dim)
}

/// Workgroups that cover `count` invocations.
fn groups(count: u64, workgroup: u64) -> u64 {
    count.div_ceil(workgroup)
}

/// Rows and columns of a register tile.
const TILE: u32 = 8;

/// Workgroups of 64 tiles that cover `rows x columns`.
fn tiles(rows: u32, columns: u32) -> u64 {
    groups(product(&[rows.div_ceil(TILE), columns.div_ceil(TILE)]), 64)
}

/// Whether loads and stores of four numbers reach all of these places.
fn fours(places: &[u32]) -> bool {
    places.iter().all(|place| place.is_multiple_of(4))
}

/// Slot `slot` of a table packed 4 bits each.
fn nibble(packed: u32, slot: usize) -> usize {
    ((packed >> (4 * slot)) & 15) as usize
}

/// Packs a slot table of at most 8 entries below 16.
///
/// ```
/// // The first two evaluations are of network 0, the third is of network 3.
/// assert_eq!(softq::kernels::pack_slots(&[0, 0, 3]), 0x300);
/// ```
pub fn pack_slots(slots: &[u32]) -> u32 {
    slots.iter().enumerate().fold(0, |packed, (slot, value)| packed | (value & 15) << (4 * slot))
}

/// Activation of a hidden layer's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Activation {
    /// `z`
    Identity = 0,
    /// `max(z, 0)`
    Relu = 1,
    /// `tanh z`
    Tanh = 2,
    /// `z sigmoid(z)`: an operation of its own, `silu`, that no other kernel applies.
    Silu = 3,
}

/// Sum of `partial` in the tree order of the shaders: halves are added until one value is left.
fn tree_sum<T: Copy + std::ops::AddAssign, const N: usize>(partial: &mut [T; N]) -> T {
    let mut half = N / 2;
    while half > 0 {
        for i in 0..half {
            let other = partial[i + half];
            partial[i] += other;
        }
        half /= 2;
    }
    partial[0]
}
