//! Prioritized replay (Schaul et al. 2016) from its equations: trees of sums, proportional draws, importance weights.

use super::policy::schedule;
use super::random::{Random, stream};
use super::{Expect, Expected, Num, unchanged};
use crate::kernels::{priority_draw, priority_insert, priority_update};
use crate::shared::agent::{Agent, Lane, TdError};
use crate::verify::case::Case;
use crate::word_of;

/// Where the levels of a tree over `leaves` leaves begin and how long they are: each sums 16 nodes of the one below.
fn layout(leaves: usize) -> Vec<(usize, usize)> {
    let mut levels = vec![(0, leaves)];
    while let Some((at, len)) = levels.last().copied().filter(|(_, len)| *len > 1) {
        levels.push((at + len, len.div_ceil(16)));
    }
    levels
}

/// A tree with its sums, as f32.
pub fn sums(leaves: &[f32]) -> Vec<f32> {
    let mut tree = leaves.to_vec();
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = level.chunks(16).map(|children| children.iter().sum()).collect();
        tree.extend(&level);
    }
    tree
}

/// Sets leaves of a tree, and expects every node above one of `touched` to be the sum of what is below it.
fn expect(tree: &mut [Expect], before: &[f32], leaves: &[(usize, Num)], touched: &[usize], capacity: usize) {
    let mut nodes: Vec<Num> = before.iter().map(|value| Num::exact(*value)).collect();
    for (leaf, value) in leaves {
        nodes[*leaf] = *value;
        tree[*leaf] = Expect::Float(*value);
    }
    let levels = layout(capacity);
    let mut above: Vec<usize> = touched.to_vec();
    for pair in levels.windows(2) {
        let ((from, len), (to, _)) = (pair[0], pair[1]);
        above.iter_mut().for_each(|node| *node /= 16);
        above.dedup();
        for node in &above {
            let children = 16 * node..len.min(16 * node + 16);
            let sum = Num::sum(nodes[from + children.start..from + children.end].iter().copied());
            nodes[to + node] = sum;
            tree[to + node] = Expect::Float(sum);
        }
    }
}

fn tree_len(capacity: usize) -> usize {
    layout(capacity).iter().map(|(_, len)| len).sum()
}

/// 0 for what was just stored, the largest priority so far for what starts a complete window from now on.
pub fn priority_insert(case: &Case) -> Expected {
    let p: priority_insert::Params = case.params();
    let mut tree = unchanged(case, "tree");
    let before = case.get::<f32>("tree");
    let lanes = case.get::<Lane>("lanes");
    let [num_lanes, capacity] = [p.num_lanes, p.capacity].map(|n| n as usize);
    let (len, rows) = (tree_len(capacity), u64::from(p.capacity / p.num_lanes));
    for (agent, record) in case.get::<Agent>("agents").iter().enumerate().take(p.agents as usize) {
        let steps = u64::from(lanes[agent * num_lanes].step);
        let range = |step: u64| {
            let first = (step % rows) as usize * num_lanes;
            first..first + num_lanes
        };
        let mut leaves = Vec::new();
        if steps > 0 {
            leaves.extend(range(steps - 1).map(|leaf| (leaf, Num::default())));
        }
        if steps >= u64::from(p.n_step) && steps > 0 {
            leaves.extend(
                range(steps - u64::from(p.n_step)).map(|leaf| (leaf, Num::exact(record.max_priority))),
            );
        }
        let touched: Vec<usize> = leaves.iter().map(|(leaf, _)| *leaf).collect();
        expect(
            &mut tree[agent * len..(agent + 1) * len],
            &before[agent * len..],
            &leaves,
            &touched,
            capacity,
        );
    }
    vec![("tree", tree)]
}

/// Child by child down the tree, each with its share of its parent; then `(smallest p of the batch / p)^b`.
pub fn priority_draw(case: &Case) -> Expected {
    let p: priority_draw::Params = case.params();
    let [mut indices, mut actions, mut importance] =
        ["indices", "actions", "importance"].map(|name| unchanged(case, name));
    let (lanes, all) = (case.get::<Lane>("lanes"), case.get::<f32>("tree"));
    let levels = layout(p.capacity as usize);
    let len = tree_len(p.capacity as usize);
    for (agent, record) in case.get::<Agent>("agents").iter().enumerate().take(p.agents as usize) {
        let tree = &all[agent * len..(agent + 1) * len];
        let mut chosen: Vec<Result<usize, [usize; 2]>> = Vec::new();
        for b in 0..p.batch {
            let mut random = Random::new(record.seed, p.stream + stream::REPLAY, record.updates, b);
            let mut node = Ok(0);
            for level in (0..levels.len() - 1).rev() {
                let u = random.uniform();
                let Ok(parent) = node else { continue };
                let (at, count) = levels[level];
                let children: Vec<usize> = (16 * parent..count.min(16 * parent + 16))
                    .filter(|child| tree[at + child] > 0.0)
                    .collect();
                let total = f64::from(tree[levels[level + 1].0 + parent]);
                node = pick(
                    &children,
                    |child| f64::from(tree[at + child]),
                    u * total,
                    1.2e-6 * total,
                    16 * parent,
                );
                // A close call above the leaves leads to two subtrees; the row is left out.
                if level > 0 && node.is_err() {
                    node = Err([usize::MAX; 2]);
                }
            }
            chosen.push(node);
        }
        let priority = |leaf: usize| tree[leaf].max(f32::MIN_POSITIVE);
        let certain = chosen.iter().flatten().map(|leaf| priority(*leaf)).fold(f32::INFINITY, f32::min);
        // A row that is left out matters to the others only where it may be the smallest.
        let known = chosen.iter().filter_map(|row| row.err()).flatten().all(|leaf| {
            let unknown_subtree = leaf == usize::MAX;
            !unknown_subtree && priority(leaf) >= certain
        });
        let step = lanes[agent * p.num_lanes as usize].step;
        let now = Num::exact(step as f32) * Num::exact(p.num_lanes as f32);
        let [start, end, steps] =
            [record.importance_exponent, record.importance_exponent_final, record.importance_steps];
        let exponent = schedule(start, end, steps, now);
        for (b, leaf) in chosen.iter().enumerate() {
            let row = agent * p.batch as usize + b;
            let (index, weight) = match leaf {
                Ok(leaf) => {
                    let ratio = Num::exact(certain) / Num::exact(priority(*leaf));
                    let weight = Expect::Float((exponent * ratio.ln()).exp());
                    (Expect::Bits(*leaf as u32), if known { weight } else { Expect::Any })
                }
                Err(_) => (Expect::Any, Expect::Any),
            };
            indices[row] = index;
            actions[row * p.heads as usize] = index;
            importance[row] = weight;
        }
    }
    vec![("indices", indices), ("actions", actions), ("importance", importance)]
}

/// The child in whose share `target` lies, or the two between which it is too close to call. Without any, `none`.
fn pick(
    children: &[usize],
    share: impl Fn(usize) -> f64,
    target: f64,
    margin: f64,
    none: usize,
) -> Result<usize, [usize; 2]> {
    let mut end = 0.0;
    for (i, child) in children.iter().enumerate() {
        end += share(*child);
        let Some(next) = children.get(i + 1) else { return Ok(*child) };
        if (target - end).abs() <= margin {
            return Err([*child, *next]);
        }
        if target < end {
            return Ok(*child);
        }
    }
    Ok(none)
}

/// `(|delta| + eps)^a` with the mean of the nets' and heads' errors; the largest of a transition's rows.
pub fn priority_update(case: &Case) -> Expected {
    let p: priority_update::Params = case.params();
    let [mut agents, mut tree] = ["agents", "tree"].map(|name| unchanged(case, name));
    let (errors, indices) = (case.get::<TdError>("errors"), case.get::<u32>("indices"));
    let before = case.get::<f32>("tree");
    let [batch, nets, heads, capacity] = [p.batch, p.grad_slots, p.heads, p.capacity].map(|n| n as usize);
    let len = tree_len(capacity);
    for (agent, record) in case.get::<Agent>("agents").iter().enumerate().take(p.agents as usize) {
        if record.nonfinite != 0 {
            continue;
        }
        let error = |net: usize, b: usize, head: usize| {
            let error = errors[((agent * nets + net) * batch + b) * heads + head].error;
            Num::exact(error.abs())
        };
        let mean = |b: usize| {
            let of_row = (0..nets).flat_map(|net| (0..heads).map(move |head| (net, head)));
            Num::sum(of_row.map(|(net, head)| error(net, b, head))) / Num::exact((nets * heads) as f32)
        };
        let mut deltas = std::collections::BTreeMap::<usize, Num>::new();
        for b in 0..batch {
            let delta = mean(b);
            let entry = deltas.entry(indices[agent * batch + b] as usize).or_default();
            *entry = entry.max(delta);
        }
        let priority = |delta: Num| {
            (Num::exact(record.priority_exponent) * (delta + Num::exact(record.priority_eps)).ln()).exp()
        };
        let leaves: Vec<(usize, Num)> =
            deltas.iter().map(|(leaf, delta)| (*leaf, priority(*delta))).collect();
        let touched: Vec<usize> = leaves.iter().map(|(leaf, _)| *leaf).collect();
        expect(
            &mut tree[agent * len..(agent + 1) * len],
            &before[agent * len..],
            &leaves,
            &touched,
            capacity,
        );
        let largest = leaves.iter().fold(Num::exact(record.max_priority), |top, (_, value)| top.max(*value));
        agents[word_of!(Agent, agent, max_priority)] = Expect::Float(largest);
    }
    vec![("agents", agents), ("tree", tree)]
}
