//! The shape of a row of numbers: plain, or a grid.

use std::fmt;

/// How the numbers of an observation, or of a layer's output, lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A plain row.
    Flat(u32),
    /// A grid, row after row, in each cell all its channels: channels-last, `[height, width, channels]`.
    Grid {
        /// Rows.
        height: u32,
        /// Cells per row.
        width: u32,
        /// Numbers per cell.
        channels: u32,
    },
}

impl Shape {
    /// `[height, width, channels]`; a plain row is a grid of one cell.
    pub const fn grid(self) -> [u32; 3] {
        match self {
            Shape::Flat(size) => [1, 1, size],
            Shape::Grid { height, width, channels } => [height, width, channels],
        }
    }

    /// How many numbers there are.
    pub const fn size(self) -> u32 {
        match self {
            Shape::Flat(size) => size,
            Shape::Grid { height, width, channels } => height * width * channels,
        }
    }
}

impl From<u32> for Shape {
    fn from(size: u32) -> Shape {
        Shape::Flat(size)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Flat(size) => write!(f, "{size}"),
            Shape::Grid { height, width, channels } => write!(f, "{height} x {width} x {channels}"),
        }
    }
}
