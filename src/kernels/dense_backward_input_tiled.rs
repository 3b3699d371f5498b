//! Gradient of a dense layer for its input in register tiles: [`dense_backward_input`](super::dense_backward_input) where all
//! sizes are multiples of 4. Twin of `shaders/dense_backward_input_tiled.wgsl`.

use crate::kernel;
use crate::kernels::dense_backward_input::{KERNEL as ANY_SHAPE, Params, work};
use crate::kernels::matmul::layers::backward_input;
use crate::kernels::{TILE, fours, tiles};

kernel! {
    /// `dx = (dy W^T) * act'(x)` over agents and nets, 8 x 8 gradients per invocation.
    dense_backward_input_tiled, params Params, workgroup 64,
    bindings { read dy: f32, read weights: f32, read x: f32, write dx: f32 }
    sizes |p, _| (ANY_SHAPE.sizes)(bytemuck::cast_slice(&[*p]), None);
    grid |p| match fits(p) {
        true => [tiles(p.batch, p.in_dim), u64::from(p.grad_slots), u64::from(p.agents)],
        false => [0; 3],
    };
    loops |p, _| u64::from(p.out_dim / 4);
    work work;
    twin backward_input
}

/// Whether this shape can be tiled, and is wide enough to gain by it.
///
/// ```
/// use softq::kernels::dense_backward_input::Params;
/// use softq::kernels::dense_backward_input_tiled::fits;
///
/// let params = Params {
///     batch: 5, in_dim: 8, out_dim: 4, net_params: 36, dy_stride: 4, x_stride: 8, ..Params::default()
/// };
/// assert!(fits(&params));
/// assert!(!fits(&Params { in_dim: 4, ..params }));
/// ```
pub fn fits(p: &Params) -> bool {
    p.in_dim >= TILE
        && fours(&[p.in_dim, p.out_dim, p.net_params, p.weight_offset])
        && fours(&[p.dy_stride, p.dy_offset, p.x_stride, p.x_offset])
}
