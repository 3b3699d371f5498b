//! Twin of `shaders/shared/minatar.wgsl`: what the games of MinAtar share.

use crate::shared::grid::place_of;
use crate::shared::rng::Rng;

/// Rows and columns.
pub const SIDE: u32 = 10;

/// Action l.
pub const LEFT: u32 = 1;
/// Action u.
pub const UP: u32 = 2;
/// Action r.
pub const RIGHT: u32 = 3;
/// Action d.
pub const DOWN: u32 = 4;
/// Action f, which fires.
pub const FIRE: u32 = 5;

/// The action that is played: with `sticky_action_prob` the one before it once more.
pub fn played(sticky_action_prob: f32, last_action: u32, action: u32, rng: &mut Rng<'_>) -> u32 {
    if rng.uniform() < sticky_action_prob { last_action } else { action }
}

/// Writes a grid of `channels` flags per cell; `lit` tells the flag at row, column and channel.
pub fn observe(obs: &mut [f32], channels: u32, lit: impl Fn(u32, u32, u32) -> bool) {
    for (index, element) in (0..).zip(obs) {
        let cell = index / channels;
        *element = f32::from(u8::from(lit(cell / SIDE, cell % SIDE, index % channels)));
    }
}

/// The colour of the last channel that is lit in the cell at `uv`, black where none is: MinAtar's own picture.
pub fn draw(uv: [f32; 2], colours: &[[f32; 3]], lit: impl Fn(u32, u32, u32) -> bool) -> [f32; 3] {
    let place = place_of(uv, SIDE, SIDE);
    let last = (0..).zip(colours).filter(|(channel, _)| lit(place.row, place.column, *channel)).last();
    last.map_or([0.0; 3], |(_, colour)| *colour)
}
