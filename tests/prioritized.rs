//! Prioritized replay: draws against their exact distribution, importance weights, sums that never drift, transitions that may
//! not start a window.

use softq::engine::cpu::CpuExecutor;
use softq::engine::executor::{Executor, Program, read_as, write_as};
use softq::engine::recording::{Buffer, Buffers, Recording};
use softq::kernels::{priority_draw, priority_insert, priority_update};
use softq::shared::agent::{Agent, Lane, TdError};
use softq::shared::rng::Rng;
use softq::shared::sum_tree::{levels, tree_len};

const BATCH: u32 = 1024;

/// One agent's tree with the three kernels on it.
struct Priorities {
    cpu: CpuExecutor,
    capacity: u32,
    num_lanes: u32,
    agents: Buffer<Agent>,
    lanes: Buffer<Lane>,
    tree: Buffer<f32>,
    indices: Buffer<u32>,
    importance: Buffer<f32>,
    errors: Buffer<TdError>,
    insert: Program,
    draw: Program,
    update: Program,
    agent: Agent,
}

impl Priorities {
    fn new(num_lanes: u32, rows: u32, n_step: u32) -> Priorities {
        let capacity = num_lanes * rows;
        let mut buffers = Buffers::default();
        let agents = buffers.add("agents", 1, "");
        let lanes = buffers.add("lanes", u64::from(num_lanes), "");
        let tree = buffers.add("tree", u64::from(tree_len(capacity)), "");
        let indices = buffers.add("indices", u64::from(BATCH), "");
        let actions = buffers.add("actions", u64::from(BATCH), "");
        let importance = buffers.add("importance", u64::from(BATCH), "");
        let errors = buffers.add("errors", u64::from(BATCH), "");
        let mut recordings = [Recording::default(), Recording::default(), Recording::default()];
        let params = priority_insert::Params { num_lanes, capacity, n_step, agents: 1 };
        priority_insert::record(&mut recordings[0], params, agents, lanes, tree).expect("records");
        let params =
            priority_draw::Params { batch: BATCH, heads: 1, capacity, num_lanes, stream: 0, agents: 1 };
        priority_draw::record(&mut recordings[1], params, agents, lanes, tree, indices, actions, importance)
            .expect("records");
        let params = priority_update::Params { batch: BATCH, grad_slots: 1, heads: 1, capacity, agents: 1 };
        priority_update::record(&mut recordings[2], params, agents, errors, indices, tree).expect("records");
        let mut cpu = CpuExecutor::new();
        cpu.allocate(&buffers).expect("allocates");
        let [insert, draw, update] = recordings.map(|recording| cpu.prepare(&recording).expect("prepares"));
        let agent = Agent {
            seed: 3,
            priority_exponent: 0.6,
            priority_eps: 1e-6,
            importance_exponent: 0.4,
            max_priority: 1.0,
            ..Agent::default()
        };
        let mut this = Priorities {
            cpu,
            capacity,
            num_lanes,
            agents,
            lanes,
            tree,
            indices,
            importance,
            errors,
            insert,
            draw,
            update,
            agent,
        };
        this.write_agent();
        this
    }

    fn write_agent(&mut self) {
        write_as(&mut self.cpu, self.agents.id, &[self.agent]).expect("writes");
    }

    /// After `step` steps of every lane.
    fn insert(&mut self, step: u32) {
        let lane = Lane { step, ..Lane::default() };
        write_as(&mut self.cpu, self.lanes.id, &vec![lane; self.num_lanes as usize]).expect("writes");
        self.cpu.submit(&[(self.insert, 1)], None).expect("runs");
    }

    /// Rows and importance weights of the batch of update `updates`.
    fn draw(&mut self, updates: u32) -> (Vec<u32>, Vec<f32>) {
        let max: Vec<Agent> = read_as(&mut self.cpu, self.agents.id).expect("reads");
        self.agent = Agent { updates, max_priority: max[0].max_priority, ..self.agent };
        self.write_agent();
        self.cpu.submit(&[(self.draw, 1)], None).expect("runs");
        let indices = read_as(&mut self.cpu, self.indices.id).expect("reads");
        (indices, read_as(&mut self.cpu, self.importance.id).expect("reads"))
    }

    fn update(&mut self, errors: impl Fn(usize) -> f32) {
        let errors: Vec<TdError> =
            (0..BATCH as usize).map(|b| TdError { error: errors(b), loss: 0.0 }).collect();
        write_as(&mut self.cpu, self.errors.id, &errors).expect("writes");
        self.cpu.submit(&[(self.update, 1)], None).expect("runs");
    }

    fn tree(&mut self) -> Vec<f32> {
        read_as(&mut self.cpu, self.tree.id).expect("reads")
    }

    fn set_leaves(&mut self, leaves: &[f32]) {
        let tree = summed(leaves);
        write_as(&mut self.cpu, self.tree.id, &tree).expect("writes");
    }
}

/// A tree with these leaves, sums in ascending order.
fn summed(leaves: &[f32]) -> Vec<f32> {
    let (mut tree, mut level) = (leaves.to_vec(), leaves.to_vec());
    while level.len() > 1 {
        level =
            level.chunks(16).map(|children| children.iter().fold(0.0, |sum, child| sum + child)).collect();
        tree.extend(&level);
    }
    tree
}

/// Numbers between 0 and 1, from a seed.
fn uniforms(seed: u32, count: usize) -> Vec<f32> {
    (0..count as u32).map(|i| Rng::new(seed, 7, 0, i).uniform()).collect()
}

/// Above this a chi-square has a probability of about 1e-4 (Wilson and Hilferty).
fn limit(freedom: f64) -> f64 {
    let part = 2.0 / (9.0 * freedom);
    freedom * (1.0 - part + 3.72 * part.sqrt()).powi(3)
}

/// Counts against expected counts; entries expected less than 8 times are taken together.
fn demand_distribution(counts: &[u32], shares: &[f64], label: &str) {
    let total = f64::from(counts.iter().sum::<u32>());
    let (mut statistic, mut bins) = (0.0, 0);
    let mut rare = (0.0, 0.0);
    for (count, share) in counts.iter().zip(shares) {
        let (count, expected) = (f64::from(*count), total * share);
        assert!(*share > 0.0 || count == 0.0, "{label}: a transition without a priority was drawn");
        if expected < 8.0 {
            rare = (rare.0 + count, rare.1 + expected);
        } else {
            statistic += (count - expected).powi(2) / expected;
            bins += 1;
        }
    }
    if rare.1 > 8.0 {
        statistic += (rare.0 - rare.1).powi(2) / rare.1;
        bins += 1;
    }
    let freedom = f64::from(bins - 1).max(1.0);
    assert!(bins < 2 || statistic < limit(freedom), "{label}: chi-square {statistic} of {freedom}");
}

#[test]
fn draws_follow_the_priorities() {
    // One leaf; less, exactly and more than a node; three levels; the last node of a level not full.
    for (rows, spread) in [(1, 1.0), (7, 2.0), (16, 6.0), (17, 1.0), (300, 4.0), (5001, 2.0)] {
        let mut priorities = Priorities::new(1, rows, 1);
        let leaves: Vec<f32> = uniforms(rows, rows as usize)
            .iter()
            .enumerate()
            .map(|(i, u)| if i % 5 == 3 { 0.0 } else { (spread * (u - 0.5) * std::f32::consts::LN_10).exp() })
            .collect();
        priorities.set_leaves(&leaves);
        let total: f64 = leaves.iter().map(|p| f64::from(*p)).sum();
        let shares: Vec<f64> = leaves.iter().map(|p| f64::from(*p) / total).collect();
        let mut counts = vec![0; rows as usize];
        for update in 0..200 {
            let (indices, weights) = priorities.draw(update);
            let smallest = indices.iter().map(|i| leaves[*i as usize]).fold(f32::INFINITY, f32::min);
            for (index, weight) in indices.iter().zip(&weights) {
                counts[*index as usize] += 1;
                let want = f64::from(smallest / leaves[*index as usize]).powf(0.4);
                assert!((f64::from(*weight) / want - 1.0).abs() < 1e-5, "{weight}, not {want}");
            }
            assert_eq!(priorities.draw(update), (indices, weights), "the same update draws the same batch");
        }
        demand_distribution(&counts, &shares, &format!("{rows} rows"));
    }
}

#[test]
fn a_share_beyond_single_precision_is_still_drawn() {
    // 4,096 leaves of 1e-6 beside one of 1,000: their sum is 4e-6 of the total, each one 1e-9 of it. Adding a leaf to the total
    // would not change it, and a search by prefix sums could not tell the small ones apart.
    let mut priorities = Priorities::new(1, 4112, 1);
    let mut leaves = vec![1e-6f32; 4112];
    leaves[..16].fill(0.0);
    leaves[3] = 1000.0;
    priorities.set_leaves(&leaves);
    let mut small = std::collections::BTreeSet::new();
    for update in 0..2000 {
        small.extend(priorities.draw(update).0.into_iter().filter(|index| *index != 3));
    }
    // 2 million draws find about 8 of them, each another one.
    assert!((2..30).contains(&small.len()), "{small:?}");
    assert!(small.iter().all(|index| *index >= 16));
}

#[test]
fn sums_stay_those_of_the_leaves() {
    let (num_lanes, rows, n_step) = (6, 50, 4);
    let mut priorities = Priorities::new(num_lanes, rows, n_step);
    for step in 1..200 {
        priorities.insert(step);
        let (indices, _) = priorities.draw(step);
        let held = step.min(rows) * num_lanes;
        for index in &indices {
            if step < n_step {
                assert_eq!(*index, 0, "nothing may start a window yet");
                continue;
            }
            assert!(*index < held, "row {index} of {held} was drawn");
            // Steps since it was stored: the newest n_step - 1 have no complete window.
            let age = (step - 1 + rows - index / num_lanes % rows) % rows;
            assert!(age >= n_step - 1, "after {step} steps a transition of age {age} was drawn");
        }
        let errors = uniforms(step, BATCH as usize);
        priorities.update(|b| 30.0 * errors[b] * errors[b]);
        let tree = priorities.tree();
        let leaves = &tree[..priorities.capacity as usize];
        let bits = |tree: &[f32]| tree.iter().map(|value| value.to_bits()).collect::<Vec<u32>>();
        assert_eq!(bits(&summed(leaves)), bits(&tree), "after {step} steps");
    }
    assert_eq!(levels(priorities.capacity).len(), 4);
}

#[test]
fn the_largest_error_of_a_transition_counts_and_new_ones_get_the_largest_priority() {
    let mut priorities = Priorities::new(2, 4, 1);
    for step in 1..=4 {
        priorities.insert(step);
    }
    let (indices, _) = priorities.draw(1);
    priorities.update(|b| b as f32);
    let tree = priorities.tree();
    let priority = |error: f64| (error + 1e-6).powf(0.6);
    let close = |got: f32, want: f64| (f64::from(got) / want - 1.0).abs() < 1e-5;
    for row in 0..8u32 {
        let last = indices.iter().rposition(|index| *index == row).expect("1,024 draws of 8 rows");
        assert!(close(tree[row as usize], priority(last as f64)), "row {row}");
    }
    let largest = f64::from(BATCH) - 1.0;
    priorities.insert(5);
    let tree = priorities.tree();
    assert!(close(tree[0], priority(largest)) && close(tree[1], priority(largest)), "{tree:?}");
}
