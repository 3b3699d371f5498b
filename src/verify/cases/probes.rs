//! Cases of the probes: random numbers at many positions, elementary functions at many arguments.

use crate::verify::case::Case;
use crate::verify::check::Check;
use crate::verify::draw::{Draw, SIZES};
use crate::verify::oracle;
use crate::verify::probes;

fn count(draw: &mut Draw, index: usize) -> u32 {
    let listed = SIZES.iter().chain(&[1021, 4099, 20_000]).nth(index).copied();
    listed.unwrap_or_else(|| draw.int(1000, 5000))
}

/// Positions anywhere in the 16-bit streams and 32-bit seeds, steps and lanes, at the ends of the ranges, and in a row.
pub fn rng(draw: &mut Draw, index: usize) -> Case {
    let count = count(draw, index);
    let mut case = Case::new(&probes::RNG, None, probes::Params { count }, "");
    let base = [draw.bits(), draw.int(0, 0xffff), draw.bits(), draw.bits()];
    let positions: Vec<u32> = (0..count)
        .flat_map(|i| match (index % 3, i % 4) {
            (0, _) => [base[0], base[1], base[2], base[3].wrapping_add(i)],
            (1, 0) => [u32::MAX, 0xffff, u32::MAX, u32::MAX],
            (1, 1) => [0, i & 0xffff, 0, 0],
            _ => [draw.bits(), draw.int(0, 0xffff), draw.bits(), draw.bits()],
        })
        .collect();
    case.set("positions", &positions);
    case
}

/// Arguments of both signs from 1e-30 to 8000, exact zeros, and neighbours of the branch points.
pub fn math(draw: &mut Draw, index: usize) -> Case {
    const POINTS: [f32; 12] = [
        0.0,
        0.35,
        1.0,
        std::f32::consts::FRAC_1_SQRT_2,
        std::f32::consts::LN_2,
        std::f32::consts::FRAC_PI_4,
        std::f32::consts::FRAC_PI_2,
        6.0,
        20.0,
        87.0,
        88.0,
        100.0,
    ];
    let count = count(draw, index);
    let mut case = Case::new(&probes::MATH, None, probes::Params { count }, "");
    let x: Vec<f32> = (0..count)
        .map(|_| {
            let sign = if draw.one_in(2) { 1.0 } else { -1.0 };
            sign * match draw.int(0, 3) {
                0 => draw.magnitude(-30.0, 3.9),
                1 => draw.float(0.0, 10.0),
                2 => draw.float(0.0, 110.0),
                _ => {
                    let point = POINTS[draw.int(0, 11) as usize];
                    let neighbour = f32::from_bits((point.to_bits() + draw.int(0, 4)).saturating_sub(2));
                    // Subnormals may be flushed before any arithmetic.
                    if neighbour < f32::MIN_POSITIVE { 0.0 } else { neighbour }
                }
            }
        })
        .collect();
    case.set("x", &x);
    case
}

/// The kernels of this file.
pub const CHECKS: &[Check] = &[
    Check::new(&probes::RNG, rng, oracle::probes::rng).within("equal bits").by("integers and copies"),
    Check::new(&probes::MATH, math, oracle::probes::math)
        .within("2 x measured in shared::math")
        .by("measured"),
];
