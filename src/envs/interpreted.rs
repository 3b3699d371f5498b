//! The CPU twin of an environment file that has no Rust twin: its functions, executed by the interpreter.
//!
//! What the engine provides to files, random words and the functions of `shaders/shared/math.wgsl`, are called as their twins in
//! Rust, which have the same bits (`softq verify --only probe_rng`, `--only probe_math`).

use std::sync::{Mutex, MutexGuard};

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
use crate::interp::wide::{self, LANES, Row};
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
fn twin_observe(params: EnvParams, state: State, index: u32) -> f32 {
    env = params;
    env_loops = 0u;
    return observe_at(state, index);
}
";
const DRAW: &str = "
fn twin_draw(params: EnvParams, state: State, uv: vec2f) -> vec3f {
    env = params;
    env_loops = 0u;
    return draw(state, uv);
}
";

/// One function, and register files that are not in use, of one call and of several.
struct Function {
    program: Program,
    files: Mutex<Vec<Invocation>>,
    wide: Mutex<Vec<Vec<Row>>>,
}

/// The files, which a panic elsewhere leaves as they should be: they are only pushed and popped.
fn lock<T>(files: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    files.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Function {
    fn new(program: Program) -> Function {
        Function { program, files: Mutex::default(), wide: Mutex::default() }
    }

    /// Calls it: `enter` writes the arguments, `leave` reads what is left in them and the result.
    fn call<T>(
        &self,
        given: &[u32],
        enter: impl FnOnce(&Program, &mut [u32]),
        leave: impl FnOnce(&Program, &[u32]) -> T,
    ) -> T {
        let free = lock(&self.files).pop();
        let mut file = free.unwrap_or_else(|| Invocation::new(&self.program));
        file.restart();
        enter(&self.program, &mut file.regs);
        // The file's own loops are counted and end (`MAX_LOOP_ITERATIONS`).
        let mut limits = Limits { iterations: u64::MAX, fuel: u64::MAX };
        let mut host = |function, window: &mut [u32]| provide(function, window, given);
        let stop = run(&self.program, &mut file, &mut [], &mut limits, &mut Silent, &mut host);
        debug_assert_eq!(stop, Stop::End);
        let result = leave(&self.program, &file.regs);
        lock(&self.files).push(file);
        result
    }

    /// Calls it `count` times for one state: `own` is the last argument of each call, `leave` takes its result.
    fn call_all<const N: usize, const R: usize>(
        &self,
        params: &[u32],
        state: &[u32],
        count: usize,
        own: impl Fn(usize) -> [u32; N],
        mut leave: impl FnMut(usize, [u32; R]),
    ) {
        let [(params_at, n), (state_at, _), (own_at, _)] = [0, 1, 2].map(|i| self.program.arguments[i]);
        let params = &params[..n as usize];
        let result_at = self.program.result.0 as usize;
        let free = lock(&self.wide).pop();
        let mut rows = free.unwrap_or_else(|| wide::registers(&self.program));
        for (base, words) in [(params_at, params), (state_at, state)] {
            rows[base as usize..].iter_mut().zip(words).for_each(|(row, word)| *row = [*word; LANES]);
        }
        for first in (0..count).step_by(LANES) {
            // Calls behind the last repeat it.
            let owns: [[u32; N]; LANES] = std::array::from_fn(|lane| own((first + lane).min(count - 1)));
            for word in 0..N {
                rows[own_at as usize + word] = owns.map(|own| own[word]);
            }
            let mut host = |function, window: &mut [u32]| provide(function, window, &[]);
            let ran = wide::run(&self.program, &mut rows, &mut host);
            for call in first..count.min(first + LANES) {
                let result = |regs: &dyn Fn(usize) -> u32| std::array::from_fn(|i| regs(result_at + i));
                if ran {
                    leave(call, result(&|reg| rows[reg][call - first]));
                    continue;
                }
                let enter = |_: &Program, regs: &mut [u32]| {
                    for (base, words) in
                        [(params_at, params), (state_at, state), (own_at, &owns[call - first])]
                    {
                        regs[base as usize..][..words.len()].copy_from_slice(words);
                    }
                };
                let one = self.call(&[], enter, |_, regs| result(&|reg| regs[reg]));
                leave(call, one);
            }
        }
        lock(&self.wide).push(rows);
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
    /// Whether `observe` is one element, `observe_at`.
    by_element: bool,
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
        let by_element = env.glue.contains("observe_at(");
        text += if by_element { OBSERVE_AT } else { OBSERVE };
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
            by_element,
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

    /// The state as registers hold it.
    fn dense(&self, state: &[u32]) -> Vec<u32> {
        self.state.iter().map(|word| state[*word as usize]).collect()
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
        if self.by_element {
            let count = obs.len();
            let leave = |index: usize, [word]: [u32; 1]| obs[index] = f32::from_bits(word);
            self.observe.call_all(params, &self.dense(state), count, |index| [index as u32], leave);
            return;
        }
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

    fn draw(&self, params: &[u32], state: &[u32], u: &[f32], v: f32, colours: &mut [Vec<f32>; 3]) {
        let Some(draw) = &self.draw else { return colours.iter_mut().for_each(|channel| channel.fill(0.0)) };
        let leave = |index: usize, words: [u32; 3]| {
            for (channel, word) in colours.iter_mut().zip(words) {
                channel[index] = f32::from_bits(word);
            }
        };
        draw.call_all(params, &self.dense(state), u.len(), |index| [u[index], v].map(f32::to_bits), leave);
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
