//! Dense layer in register tiles: [`dense_forward`](super::dense_forward) where all sizes are multiples of 4. Twin of
//! `shaders/dense_forward_tiled.wgsl`.

use crate::kernel;
use crate::kernels::dense_forward::{KERNEL as ANY_SHAPE, Params, work};
use crate::kernels::matmul::layers::forward;
use crate::kernels::{TILE, fours, tiles};

kernel! {
    /// `y = act(x W + b)` over agents and slots, 8 x 8 outputs per invocation.
    dense_forward_tiled, params Params, workgroup 64,
    bindings { read x: f32, read weights: f32, write y: f32 }
    sizes |p, _| (ANY_SHAPE.sizes)(bytemuck::cast_slice(&[*p]), None);
    grid |p| match fits(p) {
        true => [tiles(p.batch, p.out_dim), u64::from(p.slots), u64::from(p.agents)],
        false => [0; 3],
    };
    // Inputs four at a time, then tanh of a tile.
    loops |p, _| u64::from(p.in_dim / 4) + 3 * u64::from(TILE);
    work work;
    twin forward
}

/// Whether this shape can be tiled, and is wide enough to gain by it.
///
/// ```
/// use softq::kernels::dense_forward::Params;
/// use softq::kernels::dense_forward_tiled::fits;
///
/// let params = Params {
///     batch: 5, in_dim: 4, out_dim: 8, net_params: 40, x_stride: 4, y_stride: 8, ..Params::default()
/// };
/// assert!(fits(&params));
/// assert!(!fits(&Params { in_dim: 3, ..params }));
/// ```
pub fn fits(p: &Params) -> bool {
    p.out_dim >= TILE
        && fours(&[p.in_dim, p.out_dim, p.net_params, p.weight_offset])
        && fours(&[p.x_stride, p.x_offset, p.y_stride, p.y_offset])
}
