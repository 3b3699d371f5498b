//! The recorded transitions of a case, which of them each update used, and the weights before the first.

use crate::agents::learner::Learner;
use crate::verify::conformance::case::Case;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::network::Network;
use crate::verify::conformance::report::{Outcome, malformed};

/// The recorded transitions and which of them each update used.
#[derive(Clone)]
pub struct Batches {
    /// Observations `s`, one after the other.
    pub obs: Vec<f32>,
    /// Observations `s'`.
    pub next_obs: Vec<f32>,
    /// One per head and transition.
    pub actions: Vec<u32>,
    /// Heads of the network.
    pub heads: usize,
    /// Rewards.
    pub rewards: Vec<f32>,
    /// 1 for terminal transitions.
    pub done: Vec<f32>,
    /// Elements of an observation.
    pub obs_size: usize,
    /// Rows of each update, `[steps][batch]`.
    rows: Vec<Vec<u32>>,
    /// Rows per update.
    pub batch: usize,
}

impl Batches {
    /// Reads `pool.*` and `batch_index` for a network of this shape.
    pub fn read(case: &Case, network: &Network) -> Outcome<Batches> {
        let obs_size = network.inputs();
        let size = case.matrix("pool.obs")?[0];
        let [_, batch] = case.matrix("batch_index")?;
        let rows = case.indices("batch_index", size)?;
        case.f32_of("pool.reward", &[size])?;
        let heads = &network.layout.heads;
        let limit = heads.iter().map(|head| head.actions as usize).max().unwrap_or(0);
        let actions = case.indices("pool.action", limit)?;
        if actions.len() != size * heads.len() {
            return malformed(format!(
                "'pool.action' has {} values for {size} transitions and {} heads",
                actions.len(),
                heads.len()
            ));
        }
        let mut columns = actions.iter().zip(heads.iter().cycle());
        if let Some((action, head)) = columns.find(|(action, head)| **action >= head.actions) {
            return malformed(format!("'pool.action' holds {action} for a head of {} actions", head.actions));
        }
        Ok(Batches {
            obs: case.f32_of("pool.obs", &[size, obs_size])?.to_vec(),
            next_obs: case.f32_of("pool.next_obs", &[size, obs_size])?.to_vec(),
            actions,
            heads: heads.len(),
            rewards: case.f32_of("pool.reward", &[size])?.to_vec(),
            done: case.f32_of("pool.done", &[size])?.to_vec(),
            obs_size,
            rows: rows.chunks_exact(batch).map(<[u32]>::to_vec).collect(),
            batch,
        })
    }

    /// Reads `pool.*` and `batch_index` with actions that are `dims` real numbers each.
    pub fn of_real_actions(case: &Case, obs_size: usize, dims: usize) -> Outcome<Batches> {
        let size = case.matrix("pool.obs")?[0];
        let [_, batch] = case.matrix("batch_index")?;
        let rows = case.indices("batch_index", size)?;
        let table = |name: &str, width: usize| -> Outcome<Vec<f32>> {
            Ok(case.f32_of(name, &[size, width])?.to_vec())
        };
        Ok(Batches {
            obs: table("pool.obs", obs_size)?,
            next_obs: table("pool.next_obs", obs_size)?,
            actions: table("pool.action", dims)?.into_iter().map(f32::to_bits).collect(),
            heads: dims,
            rewards: case.f32_of("pool.reward", &[size])?.to_vec(),
            done: case.f32_of("pool.done", &[size])?.to_vec(),
            obs_size,
            rows: rows.chunks_exact(batch).map(<[u32]>::to_vec).collect(),
            batch,
        })
    }

    /// Reads the batches of updates that stand each for itself, `update{k}.batch.*`.
    pub fn forced(case: &Case, network: &Network, updates: &[u32]) -> Outcome<Batches> {
        let (obs_size, heads) = (network.inputs(), &network.layout.heads);
        let limit = heads.iter().map(|head| head.actions as usize).max().unwrap_or(0);
        let Some(first) = updates.first() else { return malformed("there are no updates") };
        let batch = case.matrix(&format!("update{first}.batch.obs"))?[0];
        let mut batches = Batches {
            obs: Vec::new(),
            next_obs: Vec::new(),
            actions: Vec::new(),
            heads: heads.len(),
            rewards: Vec::new(),
            done: Vec::new(),
            obs_size,
            rows: Vec::new(),
            batch,
        };
        for (index, update) in updates.iter().enumerate() {
            let name = |part: &str| format!("update{update}.batch.{part}");
            batches.obs.extend(case.f32_of(&name("obs"), &[batch, obs_size])?);
            batches.next_obs.extend(case.f32_of(&name("next_obs"), &[batch, obs_size])?);
            batches.rewards.extend(case.f32_of(&name("reward"), &[batch])?);
            batches.done.extend(case.f32_of(&name("done"), &[batch])?);
            let actions = case.indices(&name("action"), limit)?;
            let mut columns = actions.iter().zip(heads.iter().cycle());
            if actions.len() != batch * heads.len() || columns.any(|(action, head)| *action >= head.actions) {
                return malformed(format!("'{}' does not fit the network's heads", name("action")));
            }
            batches.actions.extend(actions);
            batches.rows.push((index * batch..(index + 1) * batch).map(|row| row as u32).collect());
        }
        Ok(batches)
    }

    /// Number of updates.
    pub fn steps(&self) -> usize {
        self.rows.len()
    }

    /// Divides every observation, as references do whose networks scale their input.
    pub fn divide_obs(&mut self, by: f32) {
        self.obs.iter_mut().chain(&mut self.next_obs).for_each(|x| *x /= by);
    }

    /// Writes the batch of update `step` where `learner` reads it.
    pub fn load(&self, device: &mut Device<'_>, learner: &Learner, step: usize, gamma: f32) -> Outcome<()> {
        let both =
            [self.rows_of(&self.obs, self.obs_size, step), self.rows_of(&self.next_obs, self.obs_size, step)];
        device.write(learner.batch.obs, &both.concat())?;
        device.write(learner.batch.actions, &self.taken(step))?;
        device.write(learner.batch.rewards, &self.pick(&self.rewards, step))?;
        let goes_on = self.pick(&self.done, step).into_iter().map(|done| gamma * (1.0 - done));
        device.write(learner.batch.discounts, &goes_on.collect::<Vec<f32>>())?;
        Ok(())
    }

    /// The actions of update `step`, one per row and head.
    pub fn taken(&self, step: usize) -> Vec<u32> {
        self.rows_of(&self.actions, self.heads, step)
    }

    /// Bootstraps through terminal transitions.
    pub fn ignore_done(&mut self) {
        self.done.fill(0.0);
    }

    /// Rows of a table of this width, for one update.
    pub fn rows_of<T: Copy>(&self, table: &[T], width: usize, step: usize) -> Vec<T> {
        let row = |index: &u32| &table[*index as usize * width..][..width];
        self.rows[step].iter().flat_map(row).copied().collect()
    }

    /// The same of a column.
    pub fn pick<T: Copy>(&self, column: &[T], step: usize) -> Vec<T> {
        self.rows[step].iter().map(|index| column[*index as usize]).collect()
    }
}

/// Weights `[4, params]` before the first update. A file without target nets starts them as copies of the online nets.
pub fn initial_weights(
    case: &Case,
    network: &Network,
    [online, target]: [&str; 2],
    nets: [&str; 2],
) -> Outcome<Vec<f32>> {
    let has_targets = case.names().any(|name| name.starts_with(&format!("init.{target}.")));
    let mut weights = Vec::new();
    for group in [online, if has_targets { target } else { online }] {
        for net in nets {
            weights.extend(network.import(case, &format!("init.{group}.{net}."))?);
        }
    }
    Ok(weights)
}
