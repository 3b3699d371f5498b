//! A kernel as it is compiled: alone, or composed with an environment or a target rule.
//!
//! ```
//! use softq::engine::variant::{Variant, parse};
//! use softq::kernels::{act_step, adam, backup, targets};
//!
//! let kernels = [&adam::KERNEL, &act_step::KERNEL, &backup::KERNEL];
//! let all = Variant::all(&kernels, &[softq::envs::find("cartpole")?], &[&targets::MAX]);
//! let names: Vec<String> = all.iter().map(Variant::name).collect();
//! assert_eq!(names, ["adam", "act_step+cartpole", "backup+max"]);
//! for variant in &all {
//!     let (module, _) = parse(&variant.text()?).expect("valid");
//!     assert_eq!(module.entry_points[0].name, "main");
//! }
//! # Ok::<(), softq::Error>(())
//! ```

use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};

use crate::engine::compose::compose;
use crate::engine::env::Env;
use crate::engine::guard;
use crate::engine::kernel::Kernel;
use crate::engine::pointers;
use crate::engine::recording::Dispatch;
use crate::engine::rule::Rule;
use crate::error::Result;

/// A kernel with what fills its open places.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// The environment of a kernel that imports one.
    pub env: Option<&'static Env>,
    /// The target rule of a kernel that imports one.
    pub rule: Option<&'static Rule>,
}

impl Variant {
    /// What a dispatch runs.
    pub fn of(dispatch: &Dispatch) -> Variant {
        Variant { kernel: dispatch.kernel, env: dispatch.env, rule: dispatch.rule }
    }

    /// Every kernel of `kernels`, with each of `envs` that has what it needs if it imports one, and with each of `rules` that
    /// it takes if it imports a rule.
    pub fn all(kernels: &[&'static Kernel], envs: &[&'static Env], rules: &[&'static Rule]) -> Vec<Variant> {
        let mut variants = Vec::new();
        for kernel in kernels.iter().copied() {
            let fits = |env: &&&Env| kernel.fits(env.actions.outputs() > 0, env.has_draw);
            let envs: Vec<Option<&Env>> = match kernel.uses_env {
                true => envs.iter().filter(fits).copied().map(Some).collect(),
                false => vec![None],
            };
            let rules: Vec<Option<&Rule>> = match kernel.uses_rule {
                true => rules.iter().copied().filter(|rule| kernel.takes(rule)).map(Some).collect(),
                false => vec![None],
            };
            for env in envs {
                variants.extend(rules.iter().map(|rule| Variant { kernel, env, rule: *rule }));
            }
        }
        variants
    }

    /// `adam`, `act_step+cartpole` or `backup+munchausen`: also the stem of its file where one is written.
    pub fn name(&self) -> String {
        let mut name = self.kernel.name.to_owned();
        let parts = [self.env.map(|env| env.short.as_str()), self.rule.map(|rule| rule.name)];
        for part in parts.into_iter().flatten() {
            name += "+";
            name += part;
        }
        name
    }

    /// The complete WGSL.
    pub fn text(&self) -> Result<String> {
        Ok(compose(self.kernel, self.env, self.rule)?.text)
    }
}

/// Why a text is no module.
///
/// ```
/// use softq::engine::variant::{Failure, read, validate};
///
/// let Err(Failure::Parse { spans, .. }) = read("fn f() { x = 1u; }") else { panic!("there is no x") };
/// assert_eq!(spans[0].to_range(), Some(9..10));
/// let Ok(module) = read("fn f() -> u32 { return; }") else { panic!("it is WGSL") };
/// assert!(matches!(validate(&module), Err(Failure::Invalid { .. })));
/// ```
pub enum Failure {
    /// It is not WGSL.
    Parse {
        /// Where.
        spans: Vec<naga::Span>,
        /// What is wrong.
        message: String,
        /// More about the first place.
        detail: Option<String>,
    },
    /// It is WGSL, but breaks a rule.
    Invalid {
        /// Where.
        spans: Vec<naga::Span>,
        /// Which rule.
        error: Box<naga::valid::ValidationError>,
    },
    /// The compiler failed instead of judging it.
    GaveUp {
        /// Its last words.
        message: String,
    },
}

impl Failure {
    /// The failure with its places moved.
    pub fn moved(mut self, place: impl Fn(naga::Span) -> naga::Span) -> Failure {
        match &mut self {
            Failure::Parse { spans, .. } | Failure::Invalid { spans, .. } => {
                spans.iter_mut().for_each(|span| *span = place(*span));
            }
            Failure::GaveUp { .. } => {}
        }
        self
    }
}

/// What WebGPU's core grants every shader: no extension, and the functions that pack half floats into words.
///
/// ```
/// use naga::valid::{Capabilities, ValidationFlags, Validator};
/// use softq::engine::variant::core;
///
/// let text = "fn packed(x: vec2f) -> u32 { return pack2x16float(x); }";
/// let module = naga::front::wgsl::parse_str(text).expect("WGSL");
/// let valid = |grants| Validator::new(ValidationFlags::all(), grants).validate(&module).is_ok();
/// assert!(valid(core()) && !valid(Capabilities::empty()));
/// ```
pub fn core() -> Capabilities {
    Capabilities::SHADER_FLOAT16_IN_FLOAT32
}

/// Reads a complete WGSL text.
pub fn read(wgsl: &str) -> std::result::Result<naga::Module, Failure> {
    let parsed = guard::guarded(|| {
        naga::front::wgsl::parse_str(wgsl).map_err(|error| {
            let labels: Vec<_> = error.labels().collect();
            Failure::Parse {
                spans: labels.iter().map(|(span, _)| *span).collect(),
                message: error.message().to_owned(),
                detail: labels.iter().map(|(_, label)| label.to_string()).find(|label| !label.is_empty()),
            }
        })
    });
    parsed.unwrap_or_else(|message| Err(Failure::GaveUp { message }))
}

/// Validates a module under WebGPU core.
pub fn validate(module: &naga::Module) -> std::result::Result<ModuleInfo, Failure> {
    let validated = guard::guarded(|| {
        Validator::new(ValidationFlags::all(), core()).validate(module).map_err(|error| Failure::Invalid {
            // The innermost place first: the compiler puts the function around it before that.
            spans: error.spans().map(|(span, _)| *span).collect::<Vec<_>>().into_iter().rev().collect(),
            error: Box::new(error.into_inner()),
        })
    });
    validated.unwrap_or_else(|message| Err(Failure::GaveUp { message }))
}

/// The module of a complete WGSL text, valid under WebGPU core, ready for the writers.
pub fn parse(wgsl: &str) -> std::result::Result<(naga::Module, ModuleInfo), String> {
    let mut module = naga::front::wgsl::parse_str(wgsl).map_err(|error| error.emit_to_string(wgsl))?;
    pointers::by_copy(&mut module);
    let info = Validator::new(ValidationFlags::all(), core())
        .validate(&module)
        .map_err(|error| error.emit_to_string(wgsl))?;
    Ok((module, info))
}

/// The module of a text that the writers of some backends would not take as it is; `None` if they take it.
///
/// ```
/// use softq::engine::variant::rewritten;
///
/// let text = "
/// struct State { x: u32 }
/// fn bump(x: ptr<function, u32>) { *x += 1u; }
/// fn f() -> u32 { var state: State; bump(&state.x); return state.x; }
/// ";
/// assert!(rewritten(text).is_some());
/// // A pointer to a whole variable is taken everywhere.
/// let text = text.replace("State; bump(&state.x); return state.x", "u32; bump(&state); return state");
/// assert!(rewritten(&text).is_none());
/// ```
pub fn rewritten(wgsl: &str) -> Option<naga::Module> {
    let mut module = naga::front::wgsl::parse_str(wgsl).ok()?;
    pointers::by_copy(&mut module).then_some(module)
}
