//! The CPU twin of an environment file that has no Rust twin: its functions, executed by the interpreter.
//!
//! What the engine provides to files, random words and the functions of `shaders/shared/math.wgsl`, are called as their twins in
//! Rust, which have the same bits (`softq verify --only probe_rng`, `--only probe_math`).

use std::sync::Mutex;

use naga::valid::{ValidationFlags, Validator};

use crate::engine::compose::compose_alone;
use crate::engine::env::{Env, EnvTwin, Outcome};
use crate::engine::variant;
use crate::error::{Error, Result};
use crate::interp::code::Program;
use crate::interp::layout::{Layout, Pointee};
use crate::interp::lower;
use crate::interp::machine::{Invocation, Limits, Stop, run};
use crate::interp::monitor::Silent;
use crate::shared::math;
use crate::shared::rng::Rng;

/// Functions of the engine that run as Rust.
const PROVIDED: lower::Provided<'static> = &[
    ("rng_u32", 0),
    ("rng_uniform", 1),
    ("exp_f32", 2),
    ("log_f32", 3),
    ("expm1_f32", 4),
    ("tanh_f32", 5),
    ("sincos_f32", 6),
];

/// Calls by name that hold for every environment file; `observe` or `observe_at` is the file's own.
const CALLS: &str = "
fn twin_reset(params: EnvParams, rng: ptr<function, Rng>) -> State {
    env = params;
    env_loops = 0u;
    return reset(rng);
}
fn twin_step(
    params: EnvParams,
    state: ptr<function, State>,
    action: array<u32, ACTION_WORDS>,
    rng: ptr<function, Rng>,
) -> Outcome {
    env = params;
    env_loops = 0u;
    return take_step(state, action, rng);
}
";
const OBSERVE: &str = "
fn twin_observe(params: EnvParams, state: State) -> array<f32, OBS_SIZE> {
    env = params;
    env_loops = 0u;
    return observe(state);
}
";
const OBSERVE_AT: &str = "
fn twin_observe(params: EnvParams, state: State) -> array<f32, OBS_SIZE> {
    env = params;
    env_loops = 0u;
    var all: array<f32, OBS_SIZE>;
    for (var index = 0u; index < OBS_SIZE; index++) {
        all[index] = observe_at(state, index);
    }
    return all;
}
";
const DRAW: &str = "
fn twin_draw(params: EnvParams, state: State, uv: vec2f) -> vec3f {
    env = params;
    env_loops = 0u;
    return draw(state, uv);
}
";

/// One function, and register files that are not in use.
struct Function {
    program: Program,
    files: Mutex<Vec<Invocation>>,
}

impl Function {
    fn new(program: Program) -> Function {
        Function { program, files: Mutex::new(Vec::new()) }
    }

    /// Calls it: `enter` writes the arguments, `leave` reads what is left in them and the result.
    fn call<T>(
        &self,
        given: &[u32],
        enter: impl FnOnce(&Program, &mut [u32]),
        leave: impl FnOnce(&Program, &[u32]) -> T,
    ) -> T {
        // A panic elsewhere leaves nothing half done here: files are only pushed and popped.
        let lock = || self.files.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let free = lock().pop();
        let mut file = free.unwrap_or_else(|| Invocation::new(&self.program));
        file.restart();
        enter(&self.program, &mut file.regs);
        // The file's own loops are counted and end (`MAX_LOOP_ITERATIONS`).
        let mut limits = Limits { iterations: u64::MAX, fuel: u64::MAX };
        let mut host = |function, window: &mut [u32]| provide(function, window, given);
        let stop = run(&self.program, &mut file, &mut [], &mut limits, &mut Silent, &mut host);
        debug_assert_eq!(stop, Stop::End);
        let result = leave(&self.program, &file.regs);
        lock().push(file);
        result
    }
}

/// The engine's functions, over a window with their arguments and, behind them, their result.
fn provide(function: u32, window: &mut [u32], given: &[u32]) {
    let float = |word: u32| f32::from_bits(word);
    match (function, &mut *window) {
        (0 | 1, [seed, stream, step, lane, draw, result]) => {
            let (seed, stream, step, lane) = (*seed, *stream, *step, *lane);
            let mut rng = Rng { seed, stream, step, lane, draw: *draw, given };
            *result = if function == 0 { rng.u32() } else { rng.uniform().to_bits() };
            *draw = rng.draw;
        }
        (2, [x, result]) => *result = math::exp_f32(float(*x)).to_bits(),
        (3, [x, result]) => *result = math::log_f32(float(*x)).to_bits(),
        (4, [x, result]) => *result = math::expm1_f32(float(*x)).to_bits(),
        (5, [x, result]) => *result = math::tanh_f32(float(*x)).to_bits(),
        (6, [x, sine, cosine]) => {
            let (s, c) = math::sincos_f32(float(*x));
            (*sine, *cosine) = (s.to_bits(), c.to_bits());
        }
        _ => debug_assert!(false, "function {function} has a window of {} words", window.len()),
    }
}

/// The functions of a file as a twin.
pub struct Interpreted {
    reset: Function,
    step: Function,
    observe: Function,
    draw: Option<Function>,
    /// The word of `State` in memory that each scalar of it is.
    state: Vec<u32>,
    state_words: usize,
    param_words: usize,
}

impl Interpreted {
    /// Of an environment; an error names what the interpreter does not know.
    pub fn of(env: &Env) -> Result<Interpreted> {
        let mut text = compose_alone(&env.source)?;
        text += &env.glue;
        text += CALLS;
        text += if env.glue.contains("observe_at(") { OBSERVE_AT } else { OBSERVE };
        if env.has_draw {
            text += DRAW;
        }
        let wrong =
            |line: Option<usize>, message: String| Error::EnvFile { file: env.file.clone(), line, message };
        let module =
            naga::front::wgsl::parse_str(&text).map_err(|error| wrong(None, error.emit_to_string(&text)))?;
        let info = Validator::new(ValidationFlags::all(), variant::core())
            .validate(&module)
            .map_err(|error| wrong(None, error.emit_to_string(&text)))?;
        let own_lines = env.source.lines().count();
        let function = |name: &str| {
            lower::function(&module, &info, &text, name, PROVIDED).map(Function::new).map_err(|refusal| {
                let line = refusal.line as usize;
                wrong((1..=own_lines).contains(&line).then_some(line), refusal.message)
            })
        };
        let state = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some("State"));
        let state = state.and_then(|(handle, _)| Pointee::Type(handle).offsets(&module, Layout::Host));
        Ok(Interpreted {
            reset: function("twin_reset")?,
            step: function("twin_step")?,
            observe: function("twin_observe")?,
            draw: env.has_draw.then(|| function("twin_draw")).transpose()?,
            state: state.ok_or_else(|| wrong(None, "there is no struct State".into()))?,
            state_words: env.state_words as usize,
            param_words: env.param_words() as usize,
        })
    }

    /// Puts a state into registers.
    fn enter(&self, regs: &mut [u32], base: u32, state: &[u32]) {
        for (index, word) in self.state.iter().enumerate() {
            regs[base as usize + index] = state[*word as usize];
        }
    }

    /// Takes it back.
    fn leave(&self, regs: &[u32], base: u32, state: &mut [u32]) {
        for (index, word) in self.state.iter().enumerate() {
            state[*word as usize] = regs[base as usize + index];
        }
    }
}

fn put(regs: &mut [u32], (base, n): (u32, u32), words: &[u32]) {
    regs[base as usize..(base + n) as usize].copy_from_slice(&words[..n as usize]);
}

fn rng_words(rng: &Rng<'_>) -> [u32; 5] {
    [rng.seed, rng.stream, rng.step, rng.lane, rng.draw]
}

/// Numbers drawn so far, the last member of `Rng`.
const DRAW_MEMBER: u32 = 4;

impl EnvTwin for Interpreted {
    fn reset(&self, params: &[u32], state: &mut [u32], rng: &mut Rng<'_>) {
        rng.draw = self.reset.call(
            rng.given,
            |program, regs| {
                put(regs, program.arguments[0], params);
                put(regs, program.arguments[1], &rng_words(rng));
            },
            |program, regs| {
                self.leave(regs, program.result.0, state);
                regs[(program.arguments[1].0 + DRAW_MEMBER) as usize]
            },
        );
    }

    fn step(&self, params: &[u32], state: &mut [u32], action: &[u32], rng: &mut Rng<'_>) -> Outcome {
        let held = std::cell::RefCell::new(state);
        let (outcome, draw) = self.step.call(
            rng.given,
            |program, regs| {
                put(regs, program.arguments[0], params);
                self.enter(regs, program.arguments[1].0, &held.borrow());
                put(regs, program.arguments[2], action);
                put(regs, program.arguments[3], &rng_words(rng));
            },
            |program, regs| {
                self.leave(regs, program.arguments[1].0, &mut held.borrow_mut());
                let [reward, terminated] = [0, 1].map(|word| regs[(program.result.0 + word) as usize]);
                let outcome = Outcome { reward: f32::from_bits(reward), terminated: terminated != 0 };
                (outcome, regs[(program.arguments[3].0 + DRAW_MEMBER) as usize])
            },
        );
        rng.draw = draw;
        outcome
    }

    fn observe(&self, params: &[u32], state: &[u32], obs: &mut [f32]) {
        self.observe.call(
            &[],
            |program, regs| {
                put(regs, program.arguments[0], params);
                self.enter(regs, program.arguments[1].0, state);
            },
            |program, regs| {
                let seen = &regs[program.result.0 as usize..][..obs.len()];
                obs.iter_mut().zip(seen).for_each(|(value, word)| *value = f32::from_bits(*word));
            },
        );
    }

    fn draw(&self, params: &[u32], state: &[u32], places: &[[f32; 2]], colours: &mut [[f32; 3]]) {
        let Some(draw) = &self.draw else { return colours.fill([0.0; 3]) };
        for (place, colour) in places.iter().zip(colours) {
            *colour = draw.call(
                &[],
                |program, regs| {
                    put(regs, program.arguments[0], params);
                    self.enter(regs, program.arguments[1].0, state);
                    put(regs, program.arguments[2], &place.map(f32::to_bits));
                },
                |program, regs| std::array::from_fn(|i| f32::from_bits(regs[program.result.0 as usize + i])),
            );
        }
    }

    fn axes(&self) -> &'static [crate::engine::env::Axis] {
        &[]
    }

    fn state_words(&self) -> usize {
        self.state_words
    }

    fn param_words(&self) -> usize {
        self.param_words
    }
}
