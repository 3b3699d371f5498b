//! The kernels that measure a device's limits, with their twins: copies, arithmetic in registers, workgroup memory, and a
//! dispatch that only counts itself. Their results are whole numbers that every device must give bit by bit.

use pulp::{Simd, WithSimd};

use crate::engine::env::Env;
use crate::engine::kernel::{Access, Binding, Kernel, Need, Rules, TwinCall, Work};
use crate::engine::simd::Arch;
use crate::engine::threads;
use crate::gpu_struct;
use crate::shared::layout::{GpuType, Layout, Scalar};

gpu_struct! {
    /// A number of elements.
    pub struct Count {
        /// How many.
        pub count: u32,
    }
}

gpu_struct! {
    /// Sums over turns.
    pub struct Turns {
        /// Invocations.
        pub count: u32,
        /// Turns of each.
        pub turns: u32,
    }
}

gpu_struct! {
    /// Chains `s = a s + b` of floats.
    pub struct Chains {
        /// Invocations.
        pub count: u32,
        /// Turns of each.
        pub turns: u32,
        /// Factor.
        pub a: f32,
        /// Summand.
        pub b: f32,
    }
}

gpu_struct! {
    /// Chains `s = a s + b` of integers.
    pub struct Integers {
        /// Invocations.
        pub count: u32,
        /// Turns of each.
        pub turns: u32,
        /// Factor.
        pub a: u32,
        /// Summand.
        pub b: u32,
    }
}

/// Chains of an invocation of [`MULTIPLY_ADD`], each two steps long per turn.
pub const FLOAT_CHAINS: u32 = 32;

/// Chains of an invocation of [`INTEGER`], each two steps long per turn.
pub const INTEGER_CHAINS: u32 = 16;

/// Bytes that an invocation of [`WORKGROUP_MEMORY`] reads per turn.
pub const WORKGROUP_BYTES: u64 = 4 * 16;

const fn binding(name: &'static str, access: Access, scalar: Scalar) -> Binding {
    Binding { name, access, element: Layout::Scalar(scalar) }
}

const Y_FLOAT: &[Binding] = &[binding("y", Access::ReadWrite, Scalar::F32)];
const Y_INTEGER: &[Binding] = &[binding("y", Access::ReadWrite, Scalar::U32)];

/// A probe with one output of `count` elements; the grid covers them.
const fn probe(
    name: &'static str,
    source: &'static str,
    params: Layout,
    bindings: &'static [Binding],
    workgroup_size: u32,
    grid: fn(&[u32]) -> [u64; 3],
    twin: fn(TwinCall<'_>),
) -> Kernel {
    Kernel {
        name,
        source,
        uses_env: false,
        needs: Need::Any,
        uses_rule: false,
        params,
        bindings,
        workgroup_size,
        sizes: |p, _| vec![p[0].into()],
        grid,
        loops: |p, _| u64::from(p[1]),
        work: None,
        // Probes are in no table that is shown.
        rules: Rules { sizes: "", grid: "", loops: "", work: "" },
        twin,
    }
}

fn no_loops(_: &[u32], _: Option<&Env>) -> u64 {
    0
}

/// `y = x`.
pub static COPY: Kernel = Kernel {
    sizes: |p, _| vec![4 * u64::from(p[0]); 2],
    loops: no_loops,
    work: Some(|p| Work { operations: 0, words: 8 * u64::from(p[0]) }),
    ..probe(
        "bench_copy",
        include_str!("../../shaders/bench/copy.wgsl"),
        Count::LAYOUT,
        &[binding("x", Access::Read, Scalar::U32), binding("y", Access::ReadWrite, Scalar::U32)],
        256,
        |p| [u64::from(p[0].div_ceil(256)), 1, 1],
        copy,
    )
};

/// Multiply-adds of floats in registers.
pub static MULTIPLY_ADD: Kernel = probe(
    "bench_multiply_add",
    include_str!("../../shaders/bench/multiply_add.wgsl"),
    Chains::LAYOUT,
    Y_FLOAT,
    64,
    |p| [u64::from(p[0].div_ceil(64)), 1, 1],
    multiply_add,
);

/// Multiply-adds of integers in registers.
pub static INTEGER: Kernel = probe(
    "bench_integer",
    include_str!("../../shaders/bench/integer.wgsl"),
    Integers::LAYOUT,
    Y_INTEGER,
    64,
    |p| [u64::from(p[0].div_ceil(64)), 1, 1],
    integer,
);

/// Reads of workgroup memory.
pub static WORKGROUP_MEMORY: Kernel = probe(
    "bench_workgroup_memory",
    include_str!("../../shaders/bench/workgroup_memory.wgsl"),
    Turns::LAYOUT,
    Y_FLOAT,
    256,
    |p| [u64::from(p[0].div_ceil(256)), 1, 1],
    workgroup_memory,
);

/// A dispatch that adds `count` to one word.
pub static COUNT: Kernel = Kernel {
    sizes: |_, _| vec![1],
    loops: no_loops,
    ..probe(
        "bench_count",
        include_str!("../../shaders/bench/count.wgsl"),
        Count::LAYOUT,
        Y_INTEGER,
        1,
        |_| [1, 1, 1],
        count,
    )
};

/// All of them.
pub static ALL: [&Kernel; 5] = [&COPY, &MULTIPLY_ADD, &INTEGER, &WORKGROUP_MEMORY, &COUNT];

/// The first `count` words of `y` in parts, with the index of each part's first: one part or a few for each thread.
fn parts(y: &mut [u32], count: u32, unit: usize) -> Vec<(usize, &mut [u32])> {
    let each = (count as usize).div_ceil(threads::available()).next_multiple_of(unit);
    let y = &mut y[..count as usize];
    y.chunks_mut(each.max(unit)).enumerate().map(|(part, y)| (part * each, y)).collect()
}

fn copy(mut call: TwinCall<'_>) {
    let words = 4 * call.params[0];
    if let [x, y] = call.bindings.as_mut_slice() {
        let x = &**x;
        threads::for_each(parts(y, words, 4096), |(first, y)| y.copy_from_slice(&x[first..][..y.len()]));
    }
}

fn multiply_add(mut call: TwinCall<'_>) {
    let p: Chains = bytemuck::pod_read_unaligned(bytemuck::cast_slice(call.params));
    let y = &mut *call.bindings[0];
    threads::for_each(parts(y, p.count, 64), |(first, y)| {
        Arch::new().dispatch(FloatChains { first, y, p: &p })
    });
}

/// The chains of some invocations: multiplication and addition apart, as all twins compute.
struct FloatChains<'a> {
    first: usize,
    y: &'a mut [u32],
    p: &'a Chains,
}

impl WithSimd for FloatChains<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // Vectors that the chains of an invocation fill.
        let vectors = (FLOAT_CHAINS as usize / S::F32_LANES).max(1);
        self.y.fill(0f32.to_bits());
        let all = self.y.len() * vectors;
        let mut block = 0;
        while block < all {
            let start = |vector: usize| ((self.first + (block + vector) / vectors) % 16) as f32;
            let ends = eight_chains(simd, std::array::from_fn(start), self.p);
            for (vector, end) in ends.into_iter().enumerate().take(all - block) {
                let y = &mut self.y[(block + vector) / vectors];
                *y = (f32::from_bits(*y) + simd.reduce_sum_f32s(end)).to_bits();
            }
            block += 8;
        }
    }
}

/// Eight vectors of chains: enough to hide the latency of a step, few enough for any processor's registers.
#[inline(always)]
fn eight_chains<S: Simd>(simd: S, start: [f32; 8], p: &Chains) -> [S::f32s; 8] {
    let (a, b) = (simd.splat_f32s(p.a), simd.splat_f32s(p.b));
    let mut s0 = simd.splat_f32s(start[0]);
    let mut s1 = simd.splat_f32s(start[1]);
    let mut s2 = simd.splat_f32s(start[2]);
    let mut s3 = simd.splat_f32s(start[3]);
    let mut s4 = simd.splat_f32s(start[4]);
    let mut s5 = simd.splat_f32s(start[5]);
    let mut s6 = simd.splat_f32s(start[6]);
    let mut s7 = simd.splat_f32s(start[7]);
    for _ in 0..2 * p.turns {
        s0 = simd.add_f32s(simd.mul_f32s(s0, a), b);
        s1 = simd.add_f32s(simd.mul_f32s(s1, a), b);
        s2 = simd.add_f32s(simd.mul_f32s(s2, a), b);
        s3 = simd.add_f32s(simd.mul_f32s(s3, a), b);
        s4 = simd.add_f32s(simd.mul_f32s(s4, a), b);
        s5 = simd.add_f32s(simd.mul_f32s(s5, a), b);
        s6 = simd.add_f32s(simd.mul_f32s(s6, a), b);
        s7 = simd.add_f32s(simd.mul_f32s(s7, a), b);
    }
    [s0, s1, s2, s3, s4, s5, s6, s7]
}

fn integer(mut call: TwinCall<'_>) {
    let p: Integers = bytemuck::pod_read_unaligned(bytemuck::cast_slice(call.params));
    let y = &mut *call.bindings[0];
    threads::for_each(parts(y, p.count, 64), |(first, y)| {
        Arch::new().dispatch(IntegerChains { first, y, p: &p });
    });
}

/// The same for integers: a loop over the chains of 16 invocations, which the compiler lays into vectors.
struct IntegerChains<'a> {
    first: usize,
    y: &'a mut [u32],
    p: &'a Integers,
}

impl WithSimd for IntegerChains<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        const EACH: usize = INTEGER_CHAINS as usize;
        let Integers { turns, a, b, .. } = *self.p;
        for (block, y) in self.y.chunks_mut(16).enumerate() {
            let first = self.first + 16 * block;
            let mut chains = [0u32; 16 * EACH];
            for (i, chain) in chains.iter_mut().enumerate() {
                *chain = ((first + i / EACH) % 16) as u32;
            }
            for _ in 0..2 * turns {
                for chain in &mut chains {
                    *chain = chain.wrapping_mul(a).wrapping_add(b);
                }
            }
            for (y, chains) in y.iter_mut().zip(chains.chunks_exact(EACH)) {
                *y = chains.iter().fold(0, |sum, chain| sum.wrapping_add(*chain));
            }
        }
    }
}

fn workgroup_memory(mut call: TwinCall<'_>) {
    let p: Turns = bytemuck::pod_read_unaligned(bytemuck::cast_slice(call.params));
    let y = &mut *call.bindings[0];
    threads::for_each(parts(y, p.count, 256), |(_, y)| {
        for group in y.chunks_mut(256) {
            let values: [[f32; 4]; 256] = std::array::from_fn(|i| [i as f32; 4]);
            for (local, y) in group.iter_mut().enumerate() {
                let mut sums = [[0.0; 4]; 4];
                for turn in 0..p.turns as usize {
                    for (quarter, sum) in sums.iter_mut().enumerate() {
                        let value = values[(local + turn + 64 * quarter) & 255];
                        for (sum, value) in sum.iter_mut().zip(value) {
                            *sum += value;
                        }
                    }
                }
                *y = sums.as_flattened().iter().sum::<f32>().to_bits();
            }
        }
    });
}

fn count(mut call: TwinCall<'_>) {
    let added = call.params[0];
    let y = &mut call.bindings[0][0];
    *y = y.wrapping_add(added);
}
