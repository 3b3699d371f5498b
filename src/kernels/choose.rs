//! Choosing an action from the values of one row, head by head. Twin of `shaders/shared/choose.wgsl`.

use crate::engine::env::ActionSpace;
use crate::shared::policy::{argmax_of, softmax_of, temperature_of};
use crate::shared::rng::Rng;

/// How to choose; see the shader's header.
pub struct Chooser {
    /// 0 softmax, 1 argmax, 2 softmax at the state's own temperature, 3 softmax without one.
    pub policy: u32,
    /// Every action uniformly random.
    pub at_random: bool,
    /// Probability of a random action.
    pub epsilon: f32,
    /// Temperature.
    pub alpha: f32,
    /// Entropy of policy 2.
    pub target_entropy: f32,
}

impl Chooser {
    /// The action of a row with the values `q`; `heads` are the sizes of `space`'s heads.
    pub fn choose(
        &self,
        space: &ActionSpace,
        heads: &[u32],
        q: &[f32],
        rng: &mut Rng<'_>,
        action: &mut [u32],
    ) {
        let coin = rng.uniform();
        if self.at_random || coin < self.epsilon {
            return space.sample(rng, action);
        }
        let mut alpha = if self.policy == 3 { 1.0 } else { self.alpha };
        let mut column = 0;
        for (chosen, actions) in action.iter_mut().zip(heads) {
            let u = rng.uniform();
            let actions = *actions as usize;
            let q = &q[column..][..actions];
            if self.policy == 1 {
                *chosen = argmax_of(|a| q[a], actions) as u32;
            } else {
                if self.policy == 2 {
                    alpha = temperature_of(|a| q[a], actions, self.target_entropy);
                }
                *chosen = softmax_of(|a| q[a], actions, alpha).sample(|a| q[a], actions, alpha, u) as u32;
            }
            column += actions;
        }
    }
}
