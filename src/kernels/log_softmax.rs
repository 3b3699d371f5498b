//! Softmax policy of each row: log-probabilities, entropy, soft value, probabilities, greedy action. Twin of `shaders/log_softmax.wgsl`.

use crate::engine::kernel::Work;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};
use crate::shared::math::{EXP_OPERATIONS, LOG_OPERATIONS};
use crate::shared::policy::{argmax_of, softmax_of};

gpu_struct! {
    /// Sizes.
    pub struct Params {
        /// Rows.
        pub rows: u32,
        /// Actions per row.
        pub actions: u32,
    }
}

kernel! {
    /// `log softmax(q / alpha)`, its entropy, `alpha logsumexp(q / alpha)`, the softmax itself and `argmax q` per row.
    log_softmax, params Params, workgroup 64,
    bindings {
        read q: f32, read alphas: f32,
        write log_probs: f32, write entropies: f32, write values: f32, write probs: f32, write greedy: u32,
    }
    sizes |p, _| {
        let rows = u64::from(p.rows);
        let values = product(&[p.rows, p.actions]);
        vec![values, rows, values, rows, rows, values, rows]
    };
    grid |p| [groups(u64::from(p.rows), 64), 1, 1];
    loops |p, _| 4 * u64::from(p.actions);
    work |p| {
        let (rows, values) = (u64::from(p.rows), product(&[p.rows, p.actions]));
        let operations = values * (2 * EXP_OPERATIONS + 11) + rows * (LOG_OPERATIONS + 4);
        Work { operations, words: 3 * values + 4 * rows }
    };
    twin twin
}

fn twin(
    p: &Params,
    q: &[f32],
    alphas: &[f32],
    log_probs: &mut [f32],
    entropies: &mut [f32],
    values: &mut [f32],
    probs: &mut [f32],
    greedy: &mut [u32],
) {
    let actions = p.actions as usize;
    for row in 0..p.rows as usize {
        let q = &q[row * actions..][..actions];
        let alpha = alphas[row];
        let softmax = softmax_of(|a| q[a], actions, alpha);
        for a in 0..actions {
            log_probs[row * actions + a] = softmax.log_probability(q[a], alpha);
            probs[row * actions + a] = softmax.probability(q[a], alpha);
        }
        entropies[row] = softmax.entropy;
        values[row] = softmax.top + alpha * softmax.log_sum;
        greedy[row] = argmax_of(|a| q[a], actions) as u32;
    }
}
