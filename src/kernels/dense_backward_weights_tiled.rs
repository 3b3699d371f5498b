//! Gradient of a dense layer for its weights in register tiles: [`dense_backward_weights`](super::dense_backward_weights) where
//! all sizes are multiples of 4. Twin of `shaders/dense_backward_weights_tiled.wgsl`.

use crate::kernel;
use crate::kernels::dense_backward_weights::{KERNEL as ANY_SHAPE, Params, work};
use crate::kernels::matmul::layers::backward_weights;
use crate::kernels::{TILE, fours, tiles};

kernel! {
    /// `dW = x^T dy`, `db = sum dy` over agents and nets, 8 x 8 gradients per invocation.
    dense_backward_weights_tiled, params Params, workgroup 64,
    bindings { read x: f32, read dy: f32, write grads: f32 }
    sizes |p, _| (ANY_SHAPE.sizes)(bytemuck::cast_slice(&[*p]), None);
    grid |p| match fits(p) {
        true => [tiles(p.in_dim + 1, p.out_dim), u64::from(p.grad_slots), u64::from(p.agents)],
        false => [0; 3],
    };
    loops |p, _| u64::from(p.batch);
    work work;
    twin backward_weights
}

/// Whether this shape can be tiled, and is wide enough to gain by it.
///
/// ```
/// use softq::kernels::dense_backward_weights::Params;
/// use softq::kernels::dense_backward_weights_tiled::fits;
///
/// let params = Params {
///     batch: 5, in_dim: 4, out_dim: 8, net_params: 40, x_stride: 4, dy_stride: 8, ..Params::default()
/// };
/// assert!(fits(&params));
/// assert!(!fits(&Params { weight_offset: 2, ..params }));
/// ```
pub fn fits(p: &Params) -> bool {
    p.out_dim >= TILE
        && fours(&[p.in_dim, p.out_dim, p.net_params, p.weight_offset])
        && fours(&[p.x_stride, p.x_offset, p.dy_stride, p.dy_offset])
}
