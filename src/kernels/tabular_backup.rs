//! Action values from state values over a sparse table. Twin of `shaders/tabular_backup.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};
use crate::shared::tabular::{Solver, Transition};

gpu_struct! {
    /// Sizes of the table.
    pub struct Params {
        /// States.
        pub states: u32,
        /// Actions.
        pub actions: u32,
        /// Outcomes of all pairs together.
        pub outcomes: u32,
        /// Outcomes of the pair that has most of them.
        pub most: u32,
        /// Solutions side by side.
        pub agents: u32,
    }
}

kernel! {
    /// `Q(s, a) = sum p (r + gamma (1 - terminated) V(s'))`.
    tabular_backup, params Params, workgroup 64,
    bindings {
        read solvers: Solver, read first: u32, read transitions: Transition, read values: f32,
        write q: f32, write changes: f32,
    }
    sizes |p, _| {
        let pairs = product(&[p.states, p.actions]);
        let all = product(&[p.agents, p.states, p.actions]);
        vec![u64::from(p.agents), pairs + 1, u64::from(p.outcomes), product(&[p.agents, p.states]), all, all]
    };
    grid |p| [groups(product(&[p.states, p.actions]), 64), 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.most);
    twin twin
}

fn twin(
    p: &Params,
    solvers: &[Solver],
    first: &[u32],
    transitions: &[Transition],
    values: &[f32],
    q: &mut [f32],
    changes: &mut [f32],
) {
    let pairs = (p.states * p.actions) as usize;
    for (agent, solver) in solvers.iter().enumerate().take(p.agents as usize) {
        if solver.converged != 0 {
            continue;
        }
        for pair in 0..pairs {
            let start = first[pair].min(p.outcomes);
            let end = first[pair + 1].clamp(start, p.outcomes);
            let count = (end - start).min(p.most);
            let mut sum = 0.0;
            for t in &transitions[start as usize..][..count as usize] {
                let value = values[agent * p.states as usize + t.next.min(p.states - 1) as usize];
                sum += t.probability * (t.reward + solver.gamma * (1.0 - t.terminated) * value);
            }
            let at = agent * pairs + pair;
            changes[at] = sum - q[at];
            q[at] = sum;
        }
    }
}
