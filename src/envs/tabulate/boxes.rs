//! Boxes of random numbers: what each of the first few may be.

use super::value::DRAWS;

/// The random numbers that a run may see: bounds, and a remainder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Axis {
    /// Smallest word.
    pub low: u32,
    /// Largest word.
    pub high: u32,
    /// The words leave `rest` when divided by this.
    pub divisor: u32,
    /// See `divisor`.
    pub rest: u32,
}

/// What each random number may be.
pub type Cell = [Axis; DRAWS];

/// Any random number.
const FULL: Axis = Axis { low: 0, high: u32::MAX, divisor: 1, rest: 0 };
/// Any random numbers.
pub const ALL: Cell = [FULL; DRAWS];

impl Axis {
    /// Number of words.
    fn count(&self) -> f64 {
        let (low, high, divisor) = (u64::from(self.low), u64::from(self.high), u64::from(self.divisor));
        // Numbers up to `end` that leave `rest`.
        let up_to = |end: u64| (end + divisor - u64::from(self.rest)) / divisor;
        (up_to(high + 1) - up_to(low)) as f64
    }

    /// Smallest and largest word.
    fn ends(&self) -> [u32; 2] {
        let (low, high) = (u64::from(self.low), u64::from(self.high));
        let (divisor, rest) = (u64::from(self.divisor), u64::from(self.rest));
        let first = low + (rest + divisor - low % divisor) % divisor;
        let last = high - (high + divisor - rest) % divisor;
        [first.min(high) as u32, last.max(low) as u32]
    }

    /// Whether a word is among these.
    pub fn holds(&self, word: u32) -> bool {
        (self.low..=self.high).contains(&word) && word % self.divisor == self.rest
    }

    /// The two parts below and from `at` on.
    pub fn halves(&self, at: u32) -> [Axis; 2] {
        [Axis { high: at - 1, ..*self }, Axis { low: at, ..*self }]
    }

    /// The middle, where an axis is divided for lack of a better place.
    pub fn middle(&self) -> Option<u32> {
        (self.low < self.high).then(|| self.low + (self.high - self.low) / 2 + 1)
    }
}

/// Share of all random numbers.
pub fn share(cell: &Cell) -> f64 {
    cell.iter().map(|axis| axis.count() / 4_294_967_296.0).product()
}

/// The smallest and the largest random numbers of a box.
pub fn corners(cell: &Cell) -> [[u32; DRAWS]; 2] {
    let ends = cell.map(|axis| axis.ends());
    [ends.map(|[low, _]| low), ends.map(|[_, high]| high)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainders_share_the_words_among_them() {
        for (low, high, divisor) in [(0, u32::MAX, 3), (5, 40, 7), (0, 9, 10), (3, 3, 1)] {
            let axes = (0..divisor).map(|rest| Axis { low, high, divisor, rest });
            let sum: f64 = axes.clone().map(|axis| axis.count()).sum();
            assert_eq!(sum, f64::from(high - low) + 1.0);
            for axis in axes.filter(|axis| axis.count() > 0.0) {
                assert!(axis.ends().iter().all(|word| axis.holds(*word)), "{axis:?} {:?}", axis.ends());
            }
        }
    }
}
