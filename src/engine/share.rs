//! One agent's share of a recording: the same dispatches for 1 agent instead of P, over the P-th parts of the buffers.
//!
//! Agents never read each other's memory, so each may run a whole submission by itself. What makes that sound is declared
//! by every kernel and checked here: its params count the agents in `agents`, or rows over all agents in `rows`; its rule
//! for buffer lengths grows by the same amount with every agent, and the buffers are exactly that long, so that agent `a`
//! owns elements `a n .. (a + 1) n`. That no kernel computes with an agent's index is what the tests compare bits for.

use crate::engine::kernel::Kernel;
use crate::engine::recording::{Dispatch, Erased, Recording, element_words};
use crate::shared::layout::Layout;

/// A recording for one of several equal agents.
#[derive(Clone, Debug)]
pub struct Share {
    /// Agents of the whole recording.
    pub agents: usize,
    /// What one of them runs; buffers have the ids of the whole recording and a share of their length.
    pub recording: Recording,
}

impl Share {
    /// The share of each agent in `recording`, or `None` if it is for one agent or its buffers are not laid out agent by
    /// agent.
    pub fn of(recording: &Recording) -> Option<Share> {
        let agents = recording.dispatches.iter().find_map(|dispatch| {
            word(dispatch.kernel, "agents").map(|word| u64::from(dispatch.params[word]))
        })?;
        if agents < 2 {
            return None;
        }
        let dispatches =
            recording.dispatches.iter().map(|dispatch| part(dispatch, agents)).collect::<Option<_>>()?;
        Some(Share { agents: agents as usize, recording: Recording { dispatches } })
    }
}

impl Share {
    /// Agents of a dispatch, as far as its params count them.
    pub fn agents_of(dispatch: &Dispatch) -> u32 {
        word(dispatch.kernel, "agents").map_or(1, |word| dispatch.params[word])
    }
}

/// The word of a kernel's params with this name.
fn word(kernel: &Kernel, name: &str) -> Option<usize> {
    match kernel.params {
        Layout::Struct { fields, .. } => {
            fields.iter().find(|field| field.name == name).map(|field| field.offset as usize / 4)
        }
        _ => None,
    }
}

/// Params of a dispatch of `agents` agents as they are for `some` of them.
fn params_for(dispatch: &Dispatch, agents: u64, some: u64) -> Option<Vec<u32>> {
    let mut params = dispatch.params.clone();
    let (count, each) = match word(dispatch.kernel, "agents") {
        Some(word) => (word, 1),
        None => {
            let rows = word(dispatch.kernel, "rows")?;
            (rows, u64::from(params[rows]) / agents)
        }
    };
    if u64::from(params[count]) != agents * each {
        return None;
    }
    params[count] = u32::try_from(some * each).ok()?;
    Some(params)
}

/// One agent's part of a dispatch.
fn part(dispatch: &Dispatch, agents: u64) -> Option<Dispatch> {
    let Dispatch { kernel, env, rule, .. } = *dispatch;
    let lengths = |some: u64| Some((kernel.sizes)(&params_for(dispatch, agents, some)?, env));
    let (one, two, all) = (lengths(1)?, lengths(2)?, lengths(agents)?);
    let mut bindings = Vec::with_capacity(dispatch.bindings.len());
    for (i, buffer) in dispatch.bindings.iter().enumerate() {
        if all[i] == 0 {
            bindings.push(Erased { words: 0, ..*buffer });
            continue;
        }
        let each = two[i].checked_sub(one[i])?;
        let words = each.checked_mul(element_words(kernel.bindings[i].element, env))?;
        let linear = one[i] <= each && all[i] == one[i] + (agents - 1) * each;
        if !linear || words.checked_mul(agents) != Some(buffer.words) {
            return None;
        }
        bindings.push(Erased { words, ..*buffer });
    }
    let params = params_for(dispatch, agents, 1)?;
    let grid = (kernel.grid)(&params).map(|groups| groups as u32);
    Some(Dispatch { kernel, env, rule, params, bindings, grid })
}
