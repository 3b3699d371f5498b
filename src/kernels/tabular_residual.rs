//! What a sweep did, in the sup norm, and whether it was the last. Twin of `shaders/tabular_residual.wgsl`.

use crate::gpu_struct;
use crate::kernel;
use crate::kernels::product;
use crate::shared::tabular::{Solver, Sweep};

gpu_struct! {
    /// Sizes.
    pub struct Params {
        /// Action values of one solution.
        pub count: u32,
        /// Sweeps that `history` holds.
        pub block: u32,
        /// Solutions side by side.
        pub agents: u32,
    }
}

kernel! {
    /// `max |change|`, the largest fall and `max |Q|`.
    tabular_residual, params Params, workgroup 256,
    bindings { write solvers: Solver, read changes: f32, read q: f32, write history: Sweep }
    sizes |p, _| {
        let all = product(&[p.agents, p.count]);
        vec![u64::from(p.agents), all, all, product(&[p.agents, p.block])]
    };
    grid |p| [1, 1, u64::from(p.agents)];
    loops |p, _| u64::from(p.count).div_ceil(256) + 8;
    twin twin
}

fn twin(p: &Params, solvers: &mut [Solver], changes: &[f32], q: &[f32], history: &mut [Sweep]) {
    let count = p.count as usize;
    for (agent, solver) in solvers.iter_mut().enumerate().take(p.agents as usize) {
        let mut total = Sweep::default();
        for i in agent * count..(agent + 1) * count {
            total.residual = total.residual.max(changes[i].abs());
            total.drop = total.drop.max(-changes[i]);
            total.largest = total.largest.max(q[i].abs());
        }
        if solver.converged != 0 {
            continue;
        }
        let done = solver.sweeps;
        history[agent * p.block as usize + (done % p.block) as usize] = total;
        solver.sweeps = done + 1;
        if total.residual <= solver.tolerance * total.largest.max(1.0) {
            solver.converged = done + 1;
        }
    }
}
