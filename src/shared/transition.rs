//! Twin of `shaders/shared/transition.wgsl`: the layout of a transition where experience is kept, and its parts.

/// The episode goes on after the transition.
pub const GOES_ON: u32 = 0;
/// It ended by termination.
pub const TERMINATED: u32 = 1;
/// The time limit cut it.
pub const TRUNCATED: u32 = 2;

/// Where the parts of a transition lie: obs, next_obs, action, reward, ended.
///
/// ```
/// use softq::shared::transition::{TERMINATED, Transition, TransitionLayout};
///
/// // Forty cells, each 0 or 1, are two words.
/// let layout = TransitionLayout { obs_size: 40, obs_bits: 1, action_words: 1 };
/// assert_eq!((layout.obs_words(), layout.words()), (2, 2 + 2 + 1 + 1 + 1));
/// let (obs, next_obs) = ([1.0; 40], [0.0; 40]);
/// let transition =
///     Transition { obs: &obs, next_obs: &next_obs, action: &[2], reward: -1.5, ended: TERMINATED };
/// let mut row = vec![0u32; layout.words()];
/// layout.store(&mut row, transition);
/// let mut seen = [0.5; 40];
/// layout.load_obs(&row, &mut seen);
/// assert_eq!(seen, obs);
/// assert_eq!((row[layout.action_at()], layout.reward(&row), row[layout.ended_at()]), (2, -1.5, TERMINATED));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransitionLayout {
    /// Elements of an observation.
    pub obs_size: u32,
    /// Bits of an element: 32 a float, 8 the k of k / 255, 1 the 0 or 1.
    pub obs_bits: u32,
    /// Words of an action: integers, or the bits of floats.
    pub action_words: u32,
}

/// One transition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transition<'a> {
    /// Before the step.
    pub obs: &'a [f32],
    /// After it: the final observation where the episode ended.
    pub next_obs: &'a [f32],
    /// What was done.
    pub action: &'a [u32],
    /// What it earned.
    pub reward: f32,
    /// [`GOES_ON`], [`TERMINATED`] or [`TRUNCATED`].
    pub ended: u32,
}

impl TransitionLayout {
    /// Words of one observation.
    pub fn obs_words(&self) -> usize {
        (self.obs_size as usize * self.obs_bits as usize).div_ceil(32)
    }

    /// First word of the observation after the step.
    pub fn next_obs_at(&self) -> usize {
        self.obs_words()
    }

    /// First word of the action.
    pub fn action_at(&self) -> usize {
        2 * self.obs_words()
    }

    /// The word of the reward.
    pub fn reward_at(&self) -> usize {
        self.action_at() + self.action_words as usize
    }

    /// The word that says how it ended.
    pub fn ended_at(&self) -> usize {
        self.reward_at() + 1
    }

    /// Words of a transition.
    pub fn words(&self) -> usize {
        self.ended_at() + 1
    }

    /// Writes a transition to `row`.
    pub fn store(&self, row: &mut [u32], transition: Transition<'_>) {
        self.pack(transition.obs, row);
        self.pack(transition.next_obs, &mut row[self.next_obs_at()..]);
        row[self.action_at()..self.reward_at()].copy_from_slice(transition.action);
        row[self.reward_at()] = transition.reward.to_bits();
        row[self.ended_at()] = transition.ended;
    }

    /// Reads the observation that starts at the first word.
    pub fn load_obs(&self, words: &[u32], obs: &mut [f32]) {
        if self.obs_bits == 32 {
            return obs.copy_from_slice(bytemuck::cast_slice(&words[..obs.len()]));
        }
        let most = (1 << self.obs_bits) - 1;
        if self.obs_bits == 8 {
            for (elements, word) in obs.chunks_mut(4).zip(words) {
                for (element, byte) in elements.iter_mut().zip(word.to_le_bytes()) {
                    *element = f32::from(byte) / 255.0;
                }
            }
            return;
        }
        for (index, element) in obs.iter_mut().enumerate() {
            let bit = index * self.obs_bits as usize;
            *element = ((words[bit / 32] >> (bit % 32)) & most) as f32 / most as f32;
        }
    }

    /// The reward of the transition in `row`.
    pub fn reward(&self, row: &[u32]) -> f32 {
        f32::from_bits(row[self.reward_at()])
    }

    fn pack(&self, obs: &[f32], words: &mut [u32]) {
        if self.obs_bits == 32 {
            return words[..obs.len()].copy_from_slice(bytemuck::cast_slice(obs));
        }
        let most = (1u32 << self.obs_bits) - 1;
        words[..self.obs_words()].fill(0);
        for (index, value) in obs.iter().enumerate() {
            let bit = index * self.obs_bits as usize;
            words[bit / 32] |= ((value * most as f32 + 0.5) as u32).min(most) << (bit % 32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_its_statement_comes_back_bit_by_bit() {
        for (obs_bits, levels) in [(32, 1009), (8, 255), (1, 1)] {
            for obs_size in [1, 3, 4, 5, 31, 32, 33, 300] {
                let layout = TransitionLayout { obs_size, obs_bits, action_words: 2 };
                let element = |i: u32| (i * 31 % (levels + 1)) as f32 / levels as f32;
                let obs: Vec<f32> = (0..obs_size).map(element).collect();
                let next_obs: Vec<f32> = (0..obs_size).map(|i| element(i + 7)).collect();
                let action = [3, 0.25f32.to_bits()];
                let mut row = vec![u32::MAX; layout.words()];
                layout.store(
                    &mut row,
                    Transition {
                        obs: &obs,
                        next_obs: &next_obs,
                        action: &action,
                        reward: -1.5,
                        ended: TRUNCATED,
                    },
                );
                let mut seen = vec![f32::NAN; obs_size as usize];
                layout.load_obs(&row, &mut seen);
                assert_eq!(seen, obs, "{layout:?}");
                layout.load_obs(&row[layout.next_obs_at()..], &mut seen);
                assert_eq!(seen, next_obs, "{layout:?}");
                assert_eq!(row[layout.action_at()..layout.reward_at()], action);
                assert_eq!((layout.reward(&row), row[layout.ended_at()]), (-1.5, TRUNCATED));
            }
        }
    }
}
