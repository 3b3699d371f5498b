//! The cart-pole scene, in the manner of Gymnasium's picture: a dark cart on a thin track, a tan pole, a violet axle.
//!
//! [`draw_cartpole`] colours one place of the picture and knows nothing of its neighbours, so a shader can run the
//! same lines per pixel. It therefore keeps to scalar `f32` arithmetic that WGSL has under the same names. Each
//! shape is a signed distance, negative inside; edges are hard, and supersampling smooths them.

/// Half of the visible track: the episode ends when the cart passes it.
const TRACK_HALF_WIDTH: f32 = 2.4;
/// Lowest visible height of the scene, so that a wide picture does not cut off an upright pole.
const LEAST_HEIGHT: f32 = 1.7;
/// Part of the picture below the track.
const TRACK_LEVEL: f32 = 0.25;
/// Half of the thickness of the track line.
const TRACK_HALF_THICKNESS: f32 = 0.008;

// Sizes of Gymnasium's drawing, which has 125 pixels per unit: a cart of 50 by 30 pixels, a pole 10 wide that
// reaches 120 beyond its axle, the axle 7.5 above the middle of the cart. Only the rounded corners are ours.
const CART_HALF_WIDTH: f32 = 0.2;
const CART_HALF_HEIGHT: f32 = 0.12;
const CART_CORNER: f32 = 0.03;
const AXLE_HEIGHT: f32 = 0.06;
const AXLE_RADIUS: f32 = 0.04;
const POLE_HALF_WIDTH: f32 = 0.04;
const POLE_BELOW_AXLE: f32 = 0.04;
const POLE_ABOVE_AXLE: f32 = 0.96;
const POLE_CORNER: f32 = POLE_HALF_WIDTH;

const BACKGROUND: [f32; 3] = [1.0, 1.0, 1.0];
const TRACK: [f32; 3] = [0.1, 0.1, 0.12];
const CART: [f32; 3] = [0.13, 0.14, 0.17];
const POLE: [f32; 3] = [0.792, 0.596, 0.396];
const AXLE: [f32; 3] = [0.506, 0.518, 0.796];

/// Colour of the scene at `uv`, with `(0, 0)` the top left and `(1, 1)` the bottom right of a picture that is
/// `aspect` times as wide as it is high. The state is `[x, x_dot, theta, theta_dot]`, theta clockwise from upright.
pub fn draw_cartpole(state: [f32; 4], uv: [f32; 2], aspect: f32) -> [f32; 3] {
    let cart_x = state[0];
    let theta = state[2];

    // From uv to the scene: the origin in the middle of the track, y upwards, one unit a metre.
    let height = f32::max(2.0 * TRACK_HALF_WIDTH / aspect, LEAST_HEIGHT);
    let width = height * aspect;
    let x = (uv[0] - 0.5) * width;
    let y = (1.0 - uv[1] - TRACK_LEVEL) * height;

    let track = f32::abs(y) - TRACK_HALF_THICKNESS;
    let cart = sd_round_box(x - cart_x, y, CART_HALF_WIDTH, CART_HALF_HEIGHT, CART_CORNER);

    // Into the frame of the pole, whose axis is (sin theta, cos theta).
    let axle_x = x - cart_x;
    let axle_y = y - AXLE_HEIGHT;
    let across = axle_x * f32::cos(theta) - axle_y * f32::sin(theta);
    let along = axle_x * f32::sin(theta) + axle_y * f32::cos(theta);
    let pole_middle = 0.5 * (POLE_ABOVE_AXLE - POLE_BELOW_AXLE);
    let pole_half_length = 0.5 * (POLE_ABOVE_AXLE + POLE_BELOW_AXLE);
    let pole = sd_round_box(across, along - pole_middle, POLE_HALF_WIDTH, pole_half_length, POLE_CORNER);
    let axle = sd_circle(axle_x, axle_y, AXLE_RADIUS);

    // Back to front.
    let mut colour = BACKGROUND;
    colour = paint(colour, TRACK, track);
    colour = paint(colour, CART, cart);
    colour = paint(colour, POLE, pole);
    colour = paint(colour, AXLE, axle);
    colour
}

/// `colour` inside the shape at signed distance `distance`, what was `under` it outside.
fn paint(under: [f32; 3], colour: [f32; 3], distance: f32) -> [f32; 3] {
    if distance <= 0.0 { colour } else { under }
}

/// Signed distance of `(x, y)` from a circle around the origin.
fn sd_circle(x: f32, y: f32, radius: f32) -> f32 {
    f32::sqrt(x * x + y * y) - radius
}

/// Signed distance of `(x, y)` from a rectangle around the origin whose corners are rounded by `corner`.
fn sd_round_box(x: f32, y: f32, half_width: f32, half_height: f32, corner: f32) -> f32 {
    let dx = f32::abs(x) - half_width + corner;
    let dy = f32::abs(y) - half_height + corner;
    let outside_x = f32::max(dx, 0.0);
    let outside_y = f32::max(dy, 0.0);
    let outside = f32::sqrt(outside_x * outside_x + outside_y * outside_y);
    let inside = f32::min(f32::max(dx, dy), 0.0);
    outside + inside - corner
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Colour at scene coordinates of a 3:2 picture.
    fn seen(state: [f32; 4], x: f32, y: f32) -> [f32; 3] {
        draw_cartpole(state, [0.5 + x / 4.8, 0.75 - y / 3.2], 1.5)
    }

    #[test]
    fn parts_are_where_gymnasium_draws_them() {
        let state = [0.5, 9.0, 0.0, 9.0];
        assert_eq!(seen(state, 0.5, AXLE_HEIGHT), AXLE);
        assert_eq!(seen(state, 0.5, 1.0), POLE);
        assert_eq!(seen(state, 0.5, 1.05), BACKGROUND);
        assert_eq!(seen(state, 0.35, -0.05), CART);
        assert_eq!(seen(state, 0.71, 0.05), BACKGROUND);
        assert_eq!(seen(state, -2.3, 0.0), TRACK);
        assert_eq!(seen(state, -2.3, 0.05), BACKGROUND);
    }

    #[test]
    fn a_positive_angle_leans_to_the_right() {
        let quarter = std::f32::consts::FRAC_PI_2;
        assert_eq!(seen([0.0, 0.0, quarter, 0.0], 0.9, AXLE_HEIGHT), POLE);
        assert_eq!(seen([0.0, 0.0, -quarter, 0.0], -0.9, AXLE_HEIGHT), POLE);
        let theta = 0.2f32;
        let tip = (0.9 * theta.sin(), AXLE_HEIGHT + 0.9 * theta.cos());
        assert_eq!(seen([0.0, 0.0, theta, 0.0], tip.0, tip.1), POLE);
        assert_eq!(seen([0.0, 0.0, -theta, 0.0], tip.0, tip.1), BACKGROUND);
    }

    #[test]
    fn wide_pictures_keep_the_whole_pole_and_more_track() {
        for aspect in [0.5, 1.0, 1.5, 3.0, 8.0] {
            let upright =
                (0..1000).filter(|i| draw_cartpole([0.0; 4], [0.5, *i as f32 / 1000.0], aspect) == POLE);
            let first = upright.min().unwrap();
            assert!(first > 0, "aspect {aspect}: the pole touches the upper edge");
            // The cart at the end of the track is still in view.
            let cart = (0..1000)
                .filter(|i| draw_cartpole([2.4, 0.0, 0.0, 0.0], [*i as f32 / 1000.0, 0.76], aspect) == CART);
            assert!(cart.count() > 0, "aspect {aspect}");
        }
    }
}
