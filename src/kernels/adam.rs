//! Adam or RAdam on a group's online nets and the averaging of their targets, in one pass. Twin of `shaders/adam.wgsl`.

use pulp::{Simd, WithSimd};

use crate::engine::kernel::Work;
use crate::engine::simd::Arch;
use crate::engine::threads;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};
use crate::shared::agent::Agent;
use crate::shared::optimizer::{ADAM, Optimizer, RADAM};

gpu_struct! {
    /// Sizes, the form of eps and the form of weight decay.
    pub struct Params {
        /// Parameters of the online nets per agent.
        pub count: u32,
        /// 1: a target follows every online net; 0: none does.
        pub targets: u32,
        /// Of Adam, 0: PyTorch's place of eps, 1: TensorFlow 1's.
        pub eps_inside: u32,
        /// 0: weight decay is decoupled from the gradient; 1: it is added to it.
        pub l2: u32,
        /// Agents.
        pub agents: u32,
    }
}

kernel! {
    /// One Adam step and one target update.
    adam, params Params, workgroup 64,
    bindings {
        read agents: Agent, read optimizers: Optimizer, read grads: f32,
        write weights: f32, write m: f32, write v: f32,
    }
    sizes |p, _| {
        let agents = u64::from(p.agents);
        let count = product(&[p.agents, p.count]);
        vec![agents, agents, count, count.saturating_mul(1 + u64::from(p.targets)), count, count]
    };
    grid |p| [groups(u64::from(p.count), 256), 1, u64::from(p.agents)];
    loops |_, _| 4;
    // Adam without weight decay, quotients of constants aside, and an average in every step.
    work |p| {
        let (count, targets) = (product(&[p.agents, p.count]), u64::from(p.targets));
        Work { operations: count * (15 + 3 * targets), words: count * (7 + 2 * targets) }
    };
    twin twin
}

/// Numbers of a cache line.
const LINE: usize = 16;

/// Fewest parameters that are worth another thread.
const MIN_BLOCK: usize = 2048;

/// A block of one agent's parameters.
struct Block<'a> {
    h: &'a Optimizer,
    grads: &'a [f32],
    online: &'a mut [f32],
    /// As long as the online part, or empty.
    target: &'a mut [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
}

fn twin(
    p: &Params,
    agents: &[Agent],
    optimizers: &[Optimizer],
    grads: &[f32],
    weights: &mut [f32],
    m: &mut [f32],
    v: &mut [f32],
) {
    let count = p.count as usize;
    let block = count.div_ceil(threads::available()).max(MIN_BLOCK);
    let mut blocks = Vec::new();
    let moments = m.chunks_exact_mut(count).zip(v.chunks_exact_mut(count));
    let nets = grads.chunks_exact(count).zip(weights.chunks_exact_mut((1 + p.targets as usize) * count));
    let records = agents[..p.agents as usize].iter().zip(optimizers);
    for ((agent, h), ((grads, weights), (m, v))) in records.zip(nets.zip(moments)) {
        if agent.nonfinite != 0 {
            continue;
        }
        let (online, target) = weights.split_at_mut(count);
        let mut targets = target.chunks_mut(block);
        let nets = grads.chunks(block).zip(online.chunks_mut(block));
        let moments = m.chunks_mut(block).zip(v.chunks_mut(block));
        for ((grads, online), (m, v)) in nets.zip(moments) {
            let target = targets.next().unwrap_or_default();
            blocks.push(Block { h, grads, online, target, m, v });
        }
    }
    threads::for_each(blocks, |block| Arch::new().dispatch(Update { p, block }));
}

/// A block's step. A closure in its place, too long to be inlined into the vectors' instruction set, would be compiled for that
/// of every processor.
struct Update<'a> {
    p: &'a Params,
    block: Block<'a>,
}

impl WithSimd for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Update { p, block } = self;
        let form = block.h.form;
        let eps_inside = form == RADAM || (form == ADAM && p.eps_inside == 1);
        let l2 = p.l2 == 1;
        match (form, block.h.rectification == 0.0) {
            (ADAM, _) => block.update(l2, |h, m, v| adaptive(h, m, v, eps_inside)),
            (_, true) => block.update(l2, |h, m, _| h.learning_rate / h.correction1 * m),
            (_, false) => block.update(l2, |h, m, v| adaptive(h, m, v, eps_inside) * h.rectification),
        }
    }
}

#[inline(always)]
fn normal_or_zero(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { 0.0 } else { x }
}

/// The step of Adam.
#[inline(always)]
fn adaptive(h: &Optimizer, m: f32, v: f32, eps_inside: bool) -> f32 {
    let root2 = h.correction2.sqrt();
    if eps_inside {
        h.learning_rate * root2 / h.correction1 * m / (v.sqrt() + h.adam_eps)
    } else {
        h.learning_rate / h.correction1 * (m / (v.sqrt() / root2 + h.adam_eps))
    }
}

/// Parameters that take their step before their targets follow: what the two have in common is then in the first cache.
const TOGETHER: usize = 1024;

impl Block<'_> {
    /// The step of every parameter by its moments, and what its target makes of it.
    #[inline(always)]
    fn update(self, l2: bool, step: impl Fn(&Optimizer, f32, f32) -> f32) {
        let Block { h, grads, online, target, m, v } = self;
        let h = *h;
        let decay = !l2 && h.weight_decay > 0.0;
        let follows = h.steps.is_multiple_of(h.target_update_interval);
        let mut first = 0;
        while first < online.len() {
            // Up to a cache line at first: no vector of what follows straddles two.
            let length = match online[first..].as_ptr().align_offset(size_of::<[f32; LINE]>()) {
                0 => TOGETHER,
                rest => rest,
            };
            let part = first..online.len().min(first.saturating_add(length));
            first = part.end;
            let (online, grads) = (&mut online[part.clone()], &grads[part.clone()]);
            let moments = m[part.clone()].iter_mut().zip(&mut v[part.clone()]);
            for ((w, (m, v)), g) in online.iter_mut().zip(moments).zip(grads) {
                let mut g = g * h.grad_scale;
                if l2 {
                    g += h.weight_decay * *w;
                }
                *m = normal_or_zero(*m + h.one_minus_beta1 * (g - *m));
                *v = normal_or_zero((*v - h.one_minus_beta2 * *v) + h.one_minus_beta2 * g * g);
                // A number in any case: what is stored where a condition holds is a store under a mask, and to read after such a
                // store is to wait until memory has it.
                let kept = if decay { *w - h.learning_rate * h.weight_decay * *w } else { *w };
                *w = kept - step(&h, *m, *v);
            }
            match target.get_mut(part) {
                Some(target) if follows && h.polyak >= 1.0 => target.copy_from_slice(online),
                Some(target) if follows => {
                    for (w_target, w) in target.iter_mut().zip(online) {
                        *w_target += h.polyak * (*w - *w_target);
                    }
                }
                _ => {}
            }
        }
    }
}
