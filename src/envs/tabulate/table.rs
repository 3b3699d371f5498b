//! The table in its final order.

use super::boxes::share;
use super::probability::{shares, written};
use super::{Explorer, Found, Tabulated};
use crate::envs::mdp::{Mdp, Outcome};
use crate::error::Result;

impl Explorer<'_> {
    pub(super) fn table(self, starts: &[(u32, f64)], from_resets: bool) -> Result<Tabulated> {
        let places: Vec<Option<u32>> = self.found.iter().map(|found| one_hot_place(&found.obs)).collect();
        let seen =
            |(found, place): (&Found, &Option<u32>)| place.is_some() || !found.open && is_blank(&found.obs);
        let places = self.found.iter().zip(&places).all(seen).then_some(places);
        let count = self.found.len();
        // order[new] = old
        let mut order: Vec<usize> = (0..count).collect();
        if let (Some(places), true) = (&places, from_resets) {
            order.sort_by_key(|state| places[*state].unwrap_or(u32::MAX));
        }
        let mut renumbered = vec![0u32; count];
        for (new, old) in (0..).zip(&order) {
            renumbered[*old] = new;
        }
        let mut outcomes = Vec::with_capacity(count * self.actions as usize);
        for old in &order {
            let parts = &self.found[*old].parts;
            for action in 0..self.actions as usize {
                let row = parts.get(action).map_or(Vec::new(), |parts| {
                    shares(parts.iter().map(|part| (share(&part.cell), part.answer)))
                });
                outcomes.push(
                    row.into_iter()
                        .map(|(answer, probability)| Outcome {
                            probability,
                            next: renumbered[answer.next as usize],
                            reward: written(f32::from_bits(answer.reward)),
                            terminated: answer.terminated,
                        })
                        .collect(),
                );
            }
        }
        let mut starts: Vec<(u32, f64)> =
            starts.iter().map(|(state, share)| (renumbered[*state as usize], *share)).collect();
        starts.sort_by_key(|(state, _)| *state);
        Ok(Tabulated {
            mdp: Mdp::new(count as u32, self.actions, outcomes, starts)?,
            places: places.map(|places| order.iter().map(|old| places[*old]).collect()),
            proof: self.proof,
        })
    }
}

fn is_blank(obs: &[u32]) -> bool {
    obs.iter().all(|bits| f32::from_bits(*bits) == 0.0)
}

/// Place of the only 1 among zeros.
fn one_hot_place(obs: &[u32]) -> Option<u32> {
    let mut set = obs.iter().enumerate().filter(|(_, bits)| f32::from_bits(**bits) != 0.0);
    match (set.next(), set.next()) {
        (Some((place, bits)), None) if f32::from_bits(*bits) == 1.0 => Some(place as u32),
        _ => None,
    }
}
