//! Twin of `shaders/shared/draw.wgsl`: signed distances, negative inside, and painting by them.
//!
//! ```
//! use softq::shared::draw::{paint, sd_circle, sd_round_box, sd_segment};
//!
//! assert_eq!(sd_circle([3.0, 4.0], 2.0), 3.0);
//! assert_eq!(sd_round_box([2.0, 0.0], [1.0, 0.5], 0.25), 1.0);
//! assert_eq!(sd_segment([0.0, 2.0], [-1.0, 0.0], [1.0, 0.0], 0.5), 1.5);
//! let (white, grey) = ([1.0; 3], [0.5; 3]);
//! assert_eq!(paint(white, grey, sd_circle([0.5, 0.0], 1.0)), grey);
//! assert_eq!(paint(white, grey, sd_circle([1.5, 0.0], 1.0)), white);
//! ```

/// `colour` inside the shape at signed distance `distance`, what was `under` it outside.
#[inline(always)]
pub fn paint(under: [f32; 3], colour: [f32; 3], distance: f32) -> [f32; 3] {
    // Channel by channel: of a choice between arrays compilers make one between addresses.
    let inside = distance <= 0.0;
    std::array::from_fn(|channel| if inside { colour[channel] } else { under[channel] })
}

/// Signed distance from a circle around the origin.
#[inline(always)]
pub fn sd_circle(at: [f32; 2], radius: f32) -> f32 {
    (at[0] * at[0] + at[1] * at[1]).sqrt() - radius
}

/// Signed distance from a rectangle around the origin whose corners are rounded by `corner`.
#[inline(always)]
pub fn sd_round_box(at: [f32; 2], half_size: [f32; 2], corner: f32) -> f32 {
    let dx = at[0].abs() - half_size[0] + corner;
    let dy = at[1].abs() - half_size[1] + corner;
    let outside_x = dx.max(0.0);
    let outside_y = dy.max(0.0);
    let outside = (outside_x * outside_x + outside_y * outside_y).sqrt();
    outside + dx.max(dy).min(0.0) - corner
}

/// Signed distance from a line from `a` to `b` with round ends, `2 half_width` thick.
#[inline(always)]
pub fn sd_segment(at: [f32; 2], a: [f32; 2], b: [f32; 2], half_width: f32) -> f32 {
    let px = at[0] - a[0];
    let py = at[1] - a[1];
    let dx = b[0] - a[0];
    let dy = b[1] - a[1];
    let along = ((px * dx + py * dy) / (dx * dx + dy * dy).max(1e-12)).clamp(0.0, 1.0);
    let x = px - dx * along;
    let y = py - dy * along;
    (x * x + y * y).sqrt() - half_width
}
