//! What a kernel is: one WGSL file, its bindings, its params struct, its grid rule and its CPU twin, declared once.
//!
//! Bind group layouts, labels, length checks and the tests of the shader's interface are generated from this declaration.
//! Convention of every shader: entry point `main`, group 0, params at binding 0, buffers at 1, 2, ... in order. Params are
//! a read-only storage buffer, not a uniform one: Mesa's software Vulkan driver specialises a shader for the uniform values
//! its branches and loops depend on, again at every bind, which cost 3 ms per update.
//!
//! A kernel of a program's own, here with the params, buffers and rules of one that exists:
//!
//! ```
//! use softq::engine::interpret::Interpreted;
//! use softq::engine::kernel::{Kernel, TwinCall};
//! use softq::engine::variant::Variant;
//! use softq::kernels::silu;
//!
//! const WGSL: &str = "
//! struct Params { count: u32, slots: u32, agents: u32 }
//! @group(0) @binding(0) var<storage, read> p: Params;
//! @group(0) @binding(1) var<storage, read> z: array<f32>;
//! @group(0) @binding(2) var<storage, read_write> y: array<f32>;
//! @compute @workgroup_size(64)
//! fn main(@builtin(global_invocation_id) id: vec3u) {
//!     if (id.x < p.count) { y[id.x] = z[id.x] * z[id.x]; }
//! }
//! ";
//! fn twin(call: TwinCall<'_>) {
//!     let [z, y]: [&mut [u32]; 2] = call.bindings.try_into().expect("two buffers");
//!     for (y, z) in y.iter_mut().zip(&*z) {
//!         *y = (f32::from_bits(*z) * f32::from_bits(*z)).to_bits();
//!     }
//! }
//! let square: &'static Kernel =
//!     Box::leak(Box::new(Kernel { name: "square", source: WGSL, twin, ..silu::KERNEL }));
//!
//! // The twin and the text give the same bits.
//! let (mut z, mut by_twin, mut by_text) = ([3.0, -0.5].map(f32::to_bits), [0; 2], [0; 2]);
//! let bindings = vec![&mut z[..], &mut by_twin[..]];
//! (square.twin)(TwinCall { params: &[2, 1, 1], bindings, env: None, rule: None });
//! let code = Interpreted::of(&Variant { kernel: square, env: None, rule: None })?;
//! code.run(&[2, 1, 1], &mut [&mut z[..], &mut by_text[..]], [1, 1, 1])?;
//! assert_eq!(by_twin.map(f32::from_bits), [9.0, 0.25]);
//! assert_eq!(by_twin, by_text);
//! # Ok::<(), softq::Error>(())
//! ```

use crate::engine::env::Env;
use crate::engine::rule::Rule;
use crate::shared::layout::Layout;

/// How a kernel uses a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `var<storage, read>`
    Read,
    /// `var<storage, read_write>`
    ReadWrite,
}

/// One buffer binding of a kernel.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Variable name in WGSL, parameter name in the twin.
    pub name: &'static str,
    /// Access mode.
    pub access: Access,
    /// Element layout.
    pub element: Layout,
}

/// What a kernel needs of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Only what every environment has.
    Any,
    /// Discrete or multi-discrete actions.
    Discrete,
    /// Real-valued actions.
    Continuous,
    /// A `draw` function.
    Draw,
}

/// The arguments of one twin call, untyped; the `kernel!` macro casts them to the twin's typed parameters.
pub struct TwinCall<'a> {
    /// Params struct as words.
    pub params: &'a [u32],
    /// Buffers in binding order, as words.
    pub bindings: Vec<&'a mut [u32]>,
    /// The environment of kernels that are composed with one.
    pub env: Option<&'static Env>,
    /// The target rule of kernels that are composed with one.
    pub rule: Option<&'static Rule>,
}

/// What a dispatch cannot do without, whatever its shader does besides: the count that rates and floors are computed from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Additions, subtractions, multiplications, divisions and square roots of floats. Not what tiles compute beyond an edge,
    /// comparisons, conversions, or the activation of a layer.
    pub operations: u64,
    /// Words of memory that are read, each once, and that are written, each once: a word that is updated counts twice.
    pub words: u64,
}

impl Work {
    /// Bytes that move.
    pub fn bytes(&self) -> u64 {
        self.words.saturating_mul(4)
    }
}

/// The rules of a declaration as they stand in `src/kernels`, to be read.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// See [`Kernel::sizes`].
    pub sizes: &'static str,
    /// See [`Kernel::grid`].
    pub grid: &'static str,
    /// See [`Kernel::loops`].
    pub loops: &'static str,
    /// See [`Kernel::work`]; empty without one.
    pub work: &'static str,
}

/// A kernel declaration. See `src/kernels` for all of them.
///
/// ```
/// use softq::engine::kernel::{Access, Binding, Kernel, Need, Rules, Work};
/// use softq::kernels::{act_box, silu};
///
/// let kernel: &Kernel = &silu::KERNEL;
/// let written: Vec<&Binding> =
///     kernel.bindings.iter().filter(|binding| binding.access == Access::ReadWrite).collect();
/// assert_eq!((written.len(), written[0].name), (1, "y"));
/// // Two agents with three slots of 100 elements each.
/// let params = [100, 3, 2];
/// assert_eq!((kernel.sizes)(&params, None), [600, 600]);
/// assert_eq!((kernel.grid)(&params), [2, 3, 2]);
/// let work: Work = kernel.work.expect("it follows from the sizes")(&params);
/// assert_eq!((work.words, work.bytes()), (1_200, 4_800));
/// let Rules { grid, .. } = kernel.rules;
/// assert!(grid.contains("p.slots"));
/// // What is composed with an environment says which.
/// assert_eq!(act_box::KERNEL.needs, Need::Continuous);
/// assert!(act_box::KERNEL.fits(false, true) && !act_box::KERNEL.fits(true, true));
/// ```
pub struct Kernel {
    /// Name: file stem of the shader and of the Rust file.
    pub name: &'static str,
    /// WGSL text with unresolved imports.
    pub source: &'static str,
    /// Whether the shader imports the environment's functions.
    pub uses_env: bool,
    /// What such an environment must have.
    pub needs: Need,
    /// Whether the shader imports a target rule.
    pub uses_rule: bool,
    /// Layout of the params struct.
    pub params: Layout,
    /// Buffers in binding order.
    pub bindings: &'static [Binding],
    /// Invocations per workgroup, along x.
    pub workgroup_size: u32,
    /// Elements each binding must hold at least, from the params words and the environment.
    pub sizes: fn(&[u32], Option<&Env>) -> Vec<u64>,
    /// Workgroups to dispatch, from the params words.
    pub grid: fn(&[u32]) -> [u64; 3],
    /// Largest number of loop iterations of one invocation, from the params words and the environment.
    pub loops: fn(&[u32], Option<&Env>) -> u64,
    /// Work of a dispatch, from the params words, where it follows from them.
    pub work: Option<fn(&[u32]) -> Work>,
    /// The text of these rules.
    pub rules: Rules,
    /// The CPU twin.
    pub twin: fn(TwinCall<'_>),
}

impl Kernel {
    /// Whether an environment with or without discrete actions and a drawing has what this kernel needs.
    pub fn fits(&self, discrete: bool, draws: bool) -> bool {
        match self.needs {
            Need::Any => true,
            Need::Discrete => discrete,
            Need::Continuous => !discrete,
            Need::Draw => draws,
        }
    }

    /// Whether it can be composed with a target rule: one of a policy network needs a binding `policy`.
    pub fn takes(&self, rule: &Rule) -> bool {
        self.uses_rule && rule.policy == self.bindings.iter().any(|binding| binding.name == "policy")
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kernel({})", self.name)
    }
}

/// Loop iterations after which Mesa 22.3's software Vulkan driver silently stops an invocation.
pub const MAX_LOOP_ITERATIONS: u64 = 65_535;

/// Declares a kernel in `src/kernels/<name>.rs`: the static table entry and a typed, checked `record` function.
///
/// `sizes`, `grid`, `loops` and `work` are closures over the params struct; `sizes` and `loops` also see the environment's sizes.
/// `work` may be left out where the work depends on the data.
#[macro_export]
macro_rules! kernel {
    (
        $(#[$meta:meta])*
        $name:ident, params $params:ident, workgroup $workgroup:literal $(, env $env:ident needs $needs:ident)? $(, rule $rule:ident)?,
        bindings { $($access:ident $binding:ident: $ty:ident),+ $(,)? }
        sizes $sizes:expr;
        grid $grid:expr;
        loops $loops:expr;
        $(work $work:expr;)?
        twin $twin:path
    ) => {
        $(#[$meta])*
        pub static KERNEL: $crate::engine::kernel::Kernel = {
            fn params_of(words: &[u32]) -> $params {
                bytemuck::pod_read_unaligned(bytemuck::cast_slice(words))
            }
            fn sizes(words: &[u32], env: Option<&$crate::engine::env::Env>) -> Vec<u64> {
                let rule: fn(&$params, $crate::engine::env::EnvSizes) -> Vec<u64> = $sizes;
                rule(&params_of(words), $crate::engine::env::EnvSizes::of(env))
            }
            fn grid(words: &[u32]) -> [u64; 3] {
                let rule: fn(&$params) -> [u64; 3] = $grid;
                rule(&params_of(words))
            }
            fn loops(words: &[u32], env: Option<&$crate::engine::env::Env>) -> u64 {
                let rule: fn(&$params, $crate::engine::env::EnvSizes) -> u64 = $loops;
                rule(&params_of(words), $crate::engine::env::EnvSizes::of(env))
            }
            fn call(call: $crate::engine::kernel::TwinCall<'_>) {
                let params = params_of(call.params);
                let mut bindings = call.bindings.into_iter();
                $(let $binding = $crate::kernel!(@slice $access $ty, bindings.next().expect("arity is checked when recorded"));)+
                $twin(&params, $($crate::kernel!(@env $env call),)? $($crate::kernel!(@rule $rule call),)? $($binding),+);
            }
            $crate::engine::kernel::Kernel {
                name: stringify!($name),
                source: include_str!(concat!("../../shaders/", stringify!($name), ".wgsl")),
                uses_env: $crate::kernel!(@uses $($env)?),
                needs: $crate::kernel!(@needs $($needs)?),
                uses_rule: $crate::kernel!(@uses $($rule)?),
                params: <$params as $crate::shared::layout::GpuType>::LAYOUT,
                bindings: &[$($crate::engine::kernel::Binding {
                    name: stringify!($binding),
                    access: $crate::kernel!(@access $access),
                    element: $crate::kernel!(@layout $ty),
                }),+],
                workgroup_size: $workgroup,
                sizes,
                grid,
                loops,
                work: $crate::kernel!(@work $params $($work)?),
                rules: $crate::engine::kernel::Rules {
                    sizes: stringify!($sizes),
                    grid: stringify!($grid),
                    loops: stringify!($loops),
                    work: concat!($(stringify!($work))?),
                },
                twin: call,
            }
        };

        /// Appends one dispatch of this kernel, after checking lengths, aliasing, grid and loop bound.
        pub fn record(
            recording: &mut $crate::engine::recording::Recording,
            $($env: &'static $crate::engine::env::Env,)?
            $($rule: &'static $crate::engine::rule::Rule,)?
            params: $params,
            $($binding: $crate::kernel!(@handle $ty)),+
        ) -> $crate::error::Result<()> {
            recording.dispatch(
                &KERNEL,
                $crate::kernel!(@some $($env)?),
                $crate::kernel!(@some $($rule)?),
                bytemuck::cast_slice(&[params]),
                &[$($binding.erase()),+],
            )
        }
    };
    (@slice read EnvState, $words:expr) => { &*$words };
    (@slice write EnvState, $words:expr) => { $words };
    (@slice read EnvParams, $words:expr) => { &*$words };
    (@slice read $ty:ident, $words:expr) => { bytemuck::cast_slice::<u32, $ty>(&*$words) };
    (@slice write $ty:ident, $words:expr) => { bytemuck::cast_slice_mut::<u32, $ty>($words) };
    (@layout EnvState) => { $crate::shared::layout::Layout::EnvState };
    (@layout EnvParams) => { $crate::shared::layout::Layout::EnvParams };
    (@layout $ty:ident) => { <$ty as $crate::shared::layout::GpuType>::LAYOUT };
    (@handle EnvState) => { $crate::engine::recording::Buffer<u32> };
    (@handle EnvParams) => { $crate::engine::recording::Buffer<u32> };
    (@handle $ty:ident) => { $crate::engine::recording::Buffer<$ty> };
    (@work $params:ident) => { None };
    (@work $params:ident $rule:expr) => {{
        fn work_of(words: &[u32]) -> $crate::engine::kernel::Work {
            let rule: fn(&$params) -> $crate::engine::kernel::Work = $rule;
            rule(&bytemuck::pod_read_unaligned(bytemuck::cast_slice(words)))
        }
        Some(work_of)
    }};
    (@access read) => { $crate::engine::kernel::Access::Read };
    (@access write) => { $crate::engine::kernel::Access::ReadWrite };
    (@needs) => { $crate::engine::kernel::Need::Any };
    (@needs $needs:ident) => { $crate::engine::kernel::Need::$needs };
    (@uses) => { false };
    (@uses $env:ident) => { true };
    (@env $env:ident $call:ident) => { $call.env.expect("an environment kernel is recorded with its environment") };
    (@rule $rule:ident $call:ident) => { $call.rule.expect("a kernel with a rule is recorded with its rule") };
    (@some) => { None };
    (@some $env:ident) => { Some($env) };
}
