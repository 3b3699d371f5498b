//! Two kernels that exist for verification alone: they expose the functions every other kernel shares, so that an error
//! in one of them is found where it is and not where it shows.

use crate::engine::env::Env;
use crate::engine::kernel::{Access, Binding, Kernel, Need, Rules, TwinCall};
use crate::gpu_struct;
use crate::shared::layout::{GpuType, Layout, Scalar};
use crate::shared::math::{exp_f32, expm1_f32, log_f32, sincos_f32, tanh_f32};
use crate::shared::rng::Rng;

gpu_struct! {
    /// Number of positions or arguments.
    pub struct Params {
        /// How many.
        pub count: u32,
    }
}

const fn binding(name: &'static str, access: Access, scalar: Scalar) -> Binding {
    Binding { name, access, element: Layout::Scalar(scalar) }
}

const fn probe(
    name: &'static str,
    source: &'static str,
    bindings: &'static [Binding],
    sizes: fn(&[u32], Option<&Env>) -> Vec<u64>,
    twin: fn(TwinCall<'_>),
) -> Kernel {
    Kernel {
        name,
        source,
        uses_env: false,
        uses_rule: false,
        params: Params::LAYOUT,
        bindings,
        workgroup_size: 64,
        sizes,
        grid: |p| [u64::from(p[0].div_ceil(64)), 1, 1],
        loops: |_, _| 0,
        work: None,
        // Probes are in no table that is shown.
        rules: Rules { sizes: "", grid: "", loops: "", work: "" },
        needs: Need::Any,
        twin,
    }
}

/// Random words at given positions.
pub static RNG: Kernel = probe(
    "probe_rng",
    include_str!("rng.wgsl"),
    &[binding("positions", Access::Read, Scalar::U32), binding("words", Access::ReadWrite, Scalar::U32)],
    |p, _| vec![4 * u64::from(p[0]), 3 * u64::from(p[0])],
    rng_twin,
);

/// Elementary functions at given arguments.
pub static MATH: Kernel = probe(
    "probe_math",
    include_str!("math.wgsl"),
    &[binding("x", Access::Read, Scalar::F32), binding("y", Access::ReadWrite, Scalar::F32)],
    |p, _| vec![u64::from(p[0]), 6 * u64::from(p[0])],
    math_twin,
);

fn rng_twin(call: TwinCall<'_>) {
    let mut bindings = call.bindings;
    let [positions, words] = bindings.as_mut_slice() else { return };
    let positions = positions.chunks_exact(4).take(call.params[0] as usize);
    for (position, words) in positions.zip(words.chunks_exact_mut(3)) {
        let mut rng = Rng::new(position[0], position[1], position[2], position[3]);
        words[0] = rng.u32();
        words[1] = rng.u32();
        words[2] = rng.uniform().to_bits();
    }
}

fn math_twin(call: TwinCall<'_>) {
    let mut bindings = call.bindings;
    let [x, y] = bindings.as_mut_slice() else { return };
    for (x, y) in x.iter().take(call.params[0] as usize).zip(y.chunks_exact_mut(6)) {
        let x = f32::from_bits(*x);
        let (sine, cosine) = sincos_f32(x);
        let values = [exp_f32(x), log_f32(x.abs()), expm1_f32(x), tanh_f32(x), sine, cosine];
        y.copy_from_slice(&values.map(f32::to_bits));
    }
}
