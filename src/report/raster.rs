//! A picture from a function: every pixel asks `draw` for the colour at a few places inside it and keeps the mean,
//! which smooths the edges of scenes that only know inside and outside.

use super::gif::Frame;
use crate::engine::threads;

/// Evaluates `draw` over the unit square, `(0, 0)` at the top left, on a regular grid of `samples` by `samples`
/// places per pixel (at least one). Colours are sRGB in `0..=1`, averaged as they are; values outside are clamped
/// and NaN is black. Rows are drawn in parallel.
///
/// ```
/// use softq::report::raster::rasterise;
/// use softq::shared::draw::{paint, sd_circle};
///
/// // A blue disc on white.
/// let disc = |[u, v]: [f32; 2]| paint([1.0; 3], [0.0, 0.0, 1.0], sd_circle([u - 0.5, v - 0.5], 0.3));
/// let frame = rasterise(8, 8, 4, disc);
/// let pixel = |x: usize, y: usize| &frame.rgb[3 * (8 * y + x)..][..3];
/// assert_eq!(pixel(0, 0), [255, 255, 255]);
/// assert_eq!(pixel(4, 4), [0, 0, 255]);
/// // The edge goes through this one.
/// assert!((1..255).contains(&pixel(1, 4)[0]));
/// ```
pub fn rasterise(width: u16, height: u16, samples: u32, draw: impl Fn([f32; 2]) -> [f32; 3] + Sync) -> Frame {
    let samples = samples.max(1);
    let mut rgb = vec![0; 3 * usize::from(width) * usize::from(height)];
    // The length of a row must not be zero, even when there is no row to draw.
    let rows = rgb.chunks_mut(3 * usize::from(width).max(1)).enumerate().collect();
    threads::any_order(rows, |(y, row): (usize, &mut [u8])| {
        for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
            let mut sum = [0.0f32; 3];
            for sample in 0..samples * samples {
                let u = (x as f32 + ((sample % samples) as f32 + 0.5) / samples as f32) / f32::from(width);
                let v = (y as f32 + ((sample / samples) as f32 + 0.5) / samples as f32) / f32::from(height);
                let colour = draw([u, v]);
                for channel in 0..3 {
                    sum[channel] += colour[channel].clamp(0.0, 1.0);
                }
            }
            for channel in 0..3 {
                // A cast to u8 saturates and takes NaN to zero.
                pixel[channel] = (255.0 * sum[channel] / (samples * samples) as f32).round() as u8;
            }
        }
    });
    Frame { width, height, rgb }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_the_top_left() {
        let frame = rasterise(4, 2, 3, |[u, v]| [u, v, 0.0]);
        assert_eq!((frame.width, frame.height, frame.rgb.len()), (4, 2, 24));
        // The mean over a pixel of a linear function is its value in the middle.
        assert_eq!(frame.rgb[..3], [32, 64, 0]);
        assert_eq!(frame.rgb[21..], [223, 191, 0]);
    }

    #[test]
    fn edges_are_smoothed_by_their_coverage() {
        let edge = |[u, _]: [f32; 2]| if u < 0.5 { [1.0; 3] } else { [0.0; 3] };
        assert_eq!(rasterise(3, 1, 4, edge).rgb, [255, 255, 255, 128, 128, 128, 0, 0, 0]);
        assert_eq!(rasterise(2, 1, 0, edge).rgb, [255, 255, 255, 0, 0, 0]);
    }

    #[test]
    fn colours_out_of_range_and_empty_pictures() {
        assert_eq!(rasterise(1, 1, 2, |_| [-1.0, 7.0, f32::NAN]).rgb, [0, 255, 0]);
        assert!(rasterise(0, 3, 1, |_| [0.0; 3]).rgb.is_empty());
        assert!(rasterise(3, 0, 1, |_| [0.0; 3]).rgb.is_empty());
    }
}
