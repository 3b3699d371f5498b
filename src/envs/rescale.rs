//! Observations mapped linearly from their bounds to [-1, 1], as Gymnasium's wrapper `RescaleObservation` does:
//! `--env-param rescale_observations=true`. Networks learn badly from inputs of very different size, such as MountainCar's
//! velocity of at most 0.07.

use std::collections::BTreeMap;

use crate::engine::abreast::Abreast;
use crate::engine::env::{Axis, EnvTwin, Outcome};
use crate::error::{Error, Result};
use crate::shared::rng::Rng;

/// Name of the parameter.
pub const NAME: &str = "rescale_observations";

/// Bounds beyond this count as none.
const LARGEST: f32 = 1e6;

/// `(x - middle) * factor` per element; elements without bounds stay as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Rescale {
    middle: Vec<f32>,
    factor: Vec<f32>,
}

impl Rescale {
    /// The map, if the parameters ask for one, which observations of up to `most` elements may have; it changes the bounds.
    pub fn asked_for(
        values: &BTreeMap<String, String>,
        most: u32,
        low: &mut [f32],
        high: &mut [f32],
    ) -> Result<Option<Rescale>> {
        match values.get(NAME).map(|value| value.to_lowercase()).as_deref() {
            None | Some("false" | "0") => Ok(None),
            Some("true" | "1") if !low.iter().zip(&*high).any(|(low, high)| bounded(*low, *high)) => {
                Err(Error::invalid(
                    format!("env_params.{NAME}"),
                    true,
                    "false where no element of the observation has bounds",
                    "OBS_LOW and OBS_HIGH of the file say what becomes -1 and 1.",
                ))
            }
            Some("true" | "1") if low.len() <= most as usize => Ok(Some(Rescale::new(low, high))),
            Some(value) => Err(Error::invalid(
                format!("env_params.{NAME}"),
                value,
                format!("true or false, and true for observations of at most {most} elements"),
                "Leave it out.",
            )),
        }
    }

    /// The map for these bounds, which become -1 and 1.
    pub fn new(low: &mut [f32], high: &mut [f32]) -> Rescale {
        let mut rescale = Rescale { middle: vec![0.0; low.len()], factor: vec![1.0; low.len()] };
        for (index, (low, high)) in low.iter_mut().zip(high).enumerate() {
            if bounded(*low, *high) {
                rescale.middle[index] = (*low + *high) / 2.0;
                rescale.factor[index] = 2.0 / (*high - *low);
                (*low, *high) = (-1.0, 1.0);
            }
        }
        rescale
    }

    /// `[middle, factor]` of each element.
    pub fn map(&self) -> Vec<[f32; 2]> {
        self.middle.iter().zip(&self.factor).map(|(middle, factor)| [*middle, *factor]).collect()
    }

    /// WGSL that declares `rescaled(value, index)`.
    pub fn glue(&self) -> String {
        let list = |values: &[f32]| values.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>().join(", ");
        format!(
            "fn rescaled(value: f32, index: u32) -> f32 {{\n    var middle = array<f32, OBS_SIZE>({});\n\
             \x20   var factor = array<f32, OBS_SIZE>({});\n    return (value - middle[index]) * factor[index];\n}}\n",
            list(&self.middle),
            list(&self.factor)
        )
    }
}

/// Whether an element has bounds to map.
fn bounded(low: f32, high: f32) -> bool {
    low.abs() < LARGEST && high.abs() < LARGEST && low < high
}

/// A twin whose observations are rescaled.
pub struct Rescaled {
    /// The twin itself.
    pub inner: Box<dyn EnvTwin>,
    /// The map.
    pub rescale: Rescale,
}

impl EnvTwin for Rescaled {
    fn reset(&self, params: &[u32], state: &mut [u32], rng: &mut Rng<'_>) {
        self.inner.reset(params, state, rng);
    }

    fn step(&self, params: &[u32], state: &mut [u32], action: &[u32], rng: &mut Rng<'_>) -> Outcome {
        self.inner.step(params, state, action, rng)
    }

    fn step_abreast(&self, lanes: &mut Abreast) -> bool {
        self.inner.step_abreast(lanes)
    }

    fn observe(&self, params: &[u32], state: &[u32], obs: &mut [f32]) {
        self.inner.observe(params, state, obs);
        for ((value, middle), factor) in obs.iter_mut().zip(&self.rescale.middle).zip(&self.rescale.factor) {
            *value = (*value - middle) * factor;
        }
    }

    fn draw(&self, params: &[u32], state: &[u32], u: &[f32], v: f32, colours: &mut [Vec<f32>; 3]) {
        self.inner.draw(params, state, u, v, colours)
    }

    fn axes(&self) -> &'static [Axis] {
        self.inner.axes()
    }

    fn state_words(&self) -> usize {
        self.inner.state_words()
    }

    fn param_words(&self) -> usize {
        self.inner.param_words()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_map_to_one_and_unbounded_elements_stay() {
        let (mut low, mut high) = ([-1.2, f32::NEG_INFINITY, 0.0], [0.6, f32::INFINITY, 3.4e38]);
        let rescale = Rescale::new(&mut low, &mut high);
        let map = |value: f32, i: usize| (value - rescale.middle[i]) * rescale.factor[i];
        assert!((map(-1.2, 0) + 1.0).abs() < 1e-6 && (map(0.6, 0) - 1.0).abs() < 1e-6);
        assert_eq!((map(7.5, 1), map(7.5, 2)), (7.5, 7.5));
        assert_eq!((low[0], high[0], high[2]), (-1.0, 1.0, 3.4e38));
    }
}
