//! What the engine knows of an environment: its WGSL text, what reflection read from it, its parameters, and, for the
//! built-in ones, its CPU twin. `envs` makes these values; kernels and recordings only look at them.
//!
//! ```
//! use softq::engine::env::{ActionSpace, Env, Number, ParamValue, RuntimeParam, StateWord};
//! use softq::envs::{self, Values};
//!
//! let values: Values = [("gravity".into(), "uniform(5,15)".into())].into();
//! let env: &Env = envs::open("cartpole", &values)?;
//! assert_eq!((&env.actions, env.step_limit()), (&ActionSpace::Discrete(2), 500));
//! assert_eq!(env.state[2], StateWord { name: "theta".into(), number: Number::F32 });
//! let RuntimeParam { name, default, value, .. } = &env.params[0];
//! assert_eq!((name.as_str(), *default, *value), ("gravity", 9.8, ParamValue::Uniform(5.0, 15.0)));
//! // Every lane has a world of its own, and has it again whenever it is asked for.
//! let words = env.lane_params(7, 100);
//! let gravity = |lane: usize| f32::from_bits(words[lane * env.param_words() as usize]);
//! assert!((0..100).all(|lane| (5.0..=15.0).contains(&gravity(lane))));
//! assert_ne!(gravity(0), gravity(1));
//! assert_eq!(words, env.lane_params(7, 100));
//! # Ok::<(), softq::Error>(())
//! ```

use crate::error::{Error, Result};
use crate::shared::action_size::ActionSize;
use crate::shared::layout::Scalar;
use crate::shared::rng::{Rng, pcg4d};
use crate::shared::shape::Shape;
use crate::shared::transition::TransitionLayout;

pub use crate::engine::world::{Axis, EnvTwin, NoParams, World};
pub use crate::shared::outcome::Outcome;

/// The actions of an environment, as in Gymnasium.
///
/// ```
/// use softq::engine::env::{ActionSpace, uniform_choice};
/// use softq::shared::rng::{Rng, STREAM_ACTION};
///
/// let heads = ActionSpace::MultiDiscrete(vec![3, 4]);
/// assert_eq!((heads.words(), heads.outputs()), (2, 7));
/// assert_eq!(heads.to_string(), "MultiDiscrete([3, 4])");
/// // A random action takes one number per head.
/// let rng = || Rng::new(0, STREAM_ACTION, 0, 0);
/// let (mut action, mut numbers) = ([0u32; 2], rng());
/// heads.sample(&mut rng(), &mut action);
/// assert_eq!(action, [3, 4].map(|choices| uniform_choice(numbers.uniform(), choices)));
/// // A policy acts in [-1, 1]; scale and bias make it an action.
/// let torque = ActionSpace::Box { low: vec![-1.0], high: vec![3.0] };
/// assert_eq!(torque.scales(), vec![[2.0, 1.0]]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum ActionSpace {
    /// `NUM_ACTIONS`: one of so many, `u32` in WGSL.
    Discrete(u32),
    /// `ACTION_DIMS`: one choice per head, `array<u32, heads>` in WGSL.
    MultiDiscrete(Vec<u32>),
    /// `ACTION_LOW`, `ACTION_HIGH`: real numbers, `array<f32, dims>` in WGSL.
    Box {
        /// Lower bounds.
        low: Vec<f32>,
        /// Upper bounds.
        high: Vec<f32>,
    },
}

impl ActionSpace {
    /// Words of one action.
    pub fn words(&self) -> usize {
        match self {
            ActionSpace::Discrete(_) => 1,
            ActionSpace::MultiDiscrete(heads) => heads.len(),
            ActionSpace::Box { low, .. } => low.len(),
        }
    }

    /// Choices of each head; none for a box.
    pub fn heads(&self) -> Vec<u32> {
        match self {
            ActionSpace::Discrete(actions) => vec![*actions],
            ActionSpace::MultiDiscrete(heads) => heads.clone(),
            ActionSpace::Box { .. } => Vec::new(),
        }
    }

    /// Action values of a network over all heads; 0 for a box.
    pub fn outputs(&self) -> u32 {
        self.heads().iter().sum()
    }

    /// How much there is to choose from: the choices of the smallest head, or the dimensions of a box.
    pub fn size(&self) -> ActionSize {
        match self {
            ActionSpace::Box { low, .. } => ActionSize::Dimensions(low.len() as u32),
            choices => ActionSize::Choices(choices.heads().into_iter().min().unwrap_or(0)),
        }
    }

    /// Scale and bias of each dimension of a box, which map [-1, 1] onto its bounds; none for choices.
    pub fn scales(&self) -> Vec<[f32; 2]> {
        let ActionSpace::Box { low, high } = self else { return Vec::new() };
        low.iter().zip(high).map(|(low, high)| [0.5 * (high - low), 0.5 * (high + low)]).collect()
    }

    /// A uniformly random action, one draw per word, in the order of the `random_action` that shaders use.
    pub fn sample(&self, rng: &mut Rng<'_>, action: &mut [u32]) {
        match self {
            ActionSpace::Discrete(actions) => action[0] = uniform_choice(rng.uniform(), *actions),
            ActionSpace::MultiDiscrete(heads) => {
                for (word, actions) in action.iter_mut().zip(heads) {
                    *word = uniform_choice(rng.uniform(), *actions);
                }
            }
            ActionSpace::Box { low, high } => {
                for (word, (low, high)) in action.iter_mut().zip(low.iter().zip(high)) {
                    *word = rng.range(*low, *high).to_bits();
                }
            }
        }
    }
}

impl std::fmt::Display for ActionSpace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ActionSpace::Discrete(actions) => write!(f, "Discrete({actions})"),
            ActionSpace::MultiDiscrete(heads) => write!(f, "MultiDiscrete({heads:?})"),
            ActionSpace::Box { low, high } => match (&low[..], &high[..]) {
                ([low], [high]) => write!(f, "Box({low}, {high})"),
                _ => write!(f, "Box({low:?}, {high:?})"),
            },
        }
    }
}

/// Choice number `u * actions`, rounded down, by way of a signed number, which vectors convert in one instruction.
#[inline(always)]
pub fn uniform_choice(u: f32, actions: u32) -> u32 {
    ((u * actions as f32) as i32 as u32).min(actions - 1)
}

/// A scalar type of a runtime parameter or state field.
///
/// ```
/// use softq::engine::env::Number;
///
/// assert_eq!(Number::I32.word(-1.0), u32::MAX);
/// assert_eq!(Number::I32.value(u32::MAX), -1.0);
/// assert_eq!(Number::F32.word(0.5), 0.5f32.to_bits());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// `f32`
    F32,
    /// `u32`
    U32,
    /// `i32`
    I32,
}

impl Number {
    /// How kernels and checks treat such a word.
    pub fn scalar(self) -> Scalar {
        if self == Number::F32 { Scalar::F32 } else { Scalar::U32 }
    }

    /// The word of `value`.
    pub fn word(self, value: f64) -> u32 {
        match self {
            Number::F32 => (value as f32).to_bits(),
            Number::U32 => value as u32,
            Number::I32 => value as i32 as u32,
        }
    }

    /// The value of `word`.
    pub fn value(self, word: u32) -> f64 {
        match self {
            Number::F32 => f64::from(f32::from_bits(word)),
            Number::U32 => f64::from(word),
            Number::I32 => f64::from(word as i32),
        }
    }
}

/// Value of a runtime parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParamValue {
    /// The same in every lane.
    Fixed(f64),
    /// Drawn once per lane, uniformly between the two; whole numbers for integers, both ends included.
    Uniform(f64, f64),
}

impl std::fmt::Display for ParamValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // Whole numbers up to those of u32.
            ParamValue::Fixed(value) if value.fract() == 0.0 && value.abs() <= f64::from(u32::MAX) => {
                write!(f, "{value}")
            }
            // Others are f32 in the file; their f64 digits mean nothing.
            ParamValue::Fixed(value) => write!(f, "{}", *value as f32),
            ParamValue::Uniform(low, high) => write!(f, "uniform({low},{high})"),
        }
    }
}

/// A field of `EnvParams`: a parameter that the shader reads at run time.
#[derive(Clone, Debug, PartialEq)]
pub struct RuntimeParam {
    /// Field name, as in `--env-param NAME=VALUE`.
    pub name: String,
    /// Its comment in the file.
    pub about: String,
    /// Type.
    pub number: Number,
    /// The value in `DEFAULT_PARAMS`.
    pub default: f64,
    /// The value in use.
    pub value: ParamValue,
}

/// A constant marked `// param:`: a parameter that is compiled in and may change sizes.
///
/// ```
/// use softq::engine::env::ConstParam;
/// use softq::envs::{self, Values};
///
/// let values: Values = [("rows".into(), "12".into())].into();
/// let env = envs::open("catch", &values)?;
/// let ConstParam { name, value, .. } = &env.const_params[0];
/// assert_eq!((name.as_str(), value.as_str()), ("rows", "12u"));
/// assert_eq!(env.obs_size, 12 * 5);
/// # Ok::<(), softq::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ConstParam {
    /// Constant's name in lower case, as in `--env-param NAME=VALUE`.
    pub name: String,
    /// Its comment in the file.
    pub about: String,
    /// The text of its value.
    pub value: String,
}

/// One word of a state.
#[derive(Clone, Debug, PartialEq)]
pub struct StateWord {
    /// Member with index, e.g. `board[3]`.
    pub name: String,
    /// Type.
    pub number: Number,
}

/// Values of the file's constants, by name.
///
/// ```
/// use softq::engine::env::{ConstValue, Constants};
///
/// let row = ConstValue::List(vec![ConstValue::Number(0.0), ConstValue::Number(3.0)]);
/// let map = ("MAP".to_owned(), ConstValue::List(vec![row]));
/// let constants = Constants([("ROWS".to_owned(), ConstValue::Number(1.0)), map].into());
/// assert_eq!(constants.u32("ROWS")?, 1);
/// assert_eq!(constants.grid("MAP")?, vec![vec![0, 3]]);
/// assert!(constants.f32("MAP").is_err(), "it is no number");
/// # Ok::<(), softq::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Constants(pub std::collections::BTreeMap<String, ConstValue>);

/// Value of a constant.
#[derive(Clone, Debug, PartialEq)]
pub enum ConstValue {
    /// A number of any type.
    Number(f64),
    /// An array or struct.
    List(Vec<ConstValue>),
}

impl Constants {
    fn missing(name: &str, expected: &str) -> Error {
        Error::Shader {
            shader: "environment".into(),
            message: format!("constant '{name}' is not {expected}"),
        }
    }

    /// A whole number.
    pub fn u32(&self, name: &str) -> Result<u32> {
        match self.0.get(name) {
            Some(ConstValue::Number(value)) if *value >= 0.0 => Ok(*value as u32),
            _ => Err(Constants::missing(name, "a whole number")),
        }
    }

    /// A number.
    pub fn f32(&self, name: &str) -> Result<f32> {
        match self.0.get(name) {
            Some(ConstValue::Number(value)) => Ok(*value as f32),
            _ => Err(Constants::missing(name, "a number")),
        }
    }

    /// An array of arrays of whole numbers.
    pub fn grid(&self, name: &str) -> Result<Vec<Vec<u32>>> {
        let rows = match self.0.get(name) {
            Some(ConstValue::List(rows)) => rows,
            _ => return Err(Constants::missing(name, "an array")),
        };
        let cell = |cell: &ConstValue| match cell {
            ConstValue::Number(value) => Ok(*value as u32),
            ConstValue::List(_) => Err(Constants::missing(name, "an array of arrays of numbers")),
        };
        rows.iter()
            .map(|row| match row {
                ConstValue::List(cells) => cells.iter().map(cell).collect(),
                ConstValue::Number(_) => Err(Constants::missing(name, "an array of arrays")),
            })
            .collect()
    }
}

/// An environment, ready to be composed into kernels. Values live as long as the program; see `envs::open`.
#[derive(Debug)]
pub struct Env {
    /// Versioned id as in Gymnasium, or the stem of the user's file.
    pub id: String,
    /// Short name for the command line.
    pub short: String,
    /// What it is, in a few words.
    pub title: String,
    /// The file, as named in error messages.
    pub file: String,
    /// Whether the file came from the user: its loops are counted and its kernels compiled with bounds checks.
    pub user: bool,
    /// The text of a user's file as it was read; of others nothing.
    pub given: String,
    /// The WGSL text with compile-time parameters filled in.
    pub source: String,
    /// Declarations that the engine derives from the text; see `compose`.
    pub glue: String,
    /// The words of `State`, padding included.
    pub state: Vec<StateWord>,
    /// 4-byte words of a `State` in an array.
    pub state_words: u32,
    /// Length of an observation.
    pub obs_size: u32,
    /// Its shape, as the file states it.
    pub obs_shape: Shape,
    /// Bits of an element where transitions are kept: 32 a float, 8 the k of k / 255, 1 the 0 or 1.
    pub obs_bits: u32,
    /// Declared bounds of observations; infinite where the file says nothing.
    pub obs_low: Vec<f32>,
    /// See `obs_low`.
    pub obs_high: Vec<f32>,
    /// `[middle, factor]` of each element where observations are rescaled from the bounds of the file, to
    /// `(x - middle) * factor`; else empty.
    pub obs_rescaled: Vec<[f32; 2]>,
    /// The actions.
    pub actions: ActionSpace,
    /// Steps after which an episode is truncated; `None` never ends one.
    pub max_episode_steps: Option<u32>,
    /// Mean return at which it counts as solved, if there is such a number.
    pub reward_threshold: Option<f64>,
    /// Most loop iterations that one reset, step and observation execute together.
    pub max_loop_iterations: u32,
    /// Runtime parameters, in the order of `EnvParams`.
    pub params: Vec<RuntimeParam>,
    /// Compile-time parameters.
    pub const_params: Vec<ConstParam>,
    /// Whether there is a `draw`.
    pub has_draw: bool,
    /// Width by height of its picture.
    pub draw_aspect: f32,
    /// Steps per second of natural play.
    pub render_fps: u32,
    /// The CPU twin: in Rust, or of a user's file the interpreter; none of a file that uses what that does not know.
    pub twin: Option<Box<dyn EnvTwin>>,
}

impl Env {
    /// The twin of an environment that has one. The CPU executor refuses recordings of the others before any kernel runs.
    pub fn twin(&self) -> &dyn EnvTwin {
        self.twin.as_deref().expect("refused when recorded for the CPU executor")
    }

    /// The time limit, or a step count that no episode reaches.
    pub fn step_limit(&self) -> u32 {
        self.max_episode_steps.unwrap_or(u32::MAX)
    }

    /// How transitions of this environment are kept.
    pub fn transition(&self) -> TransitionLayout {
        TransitionLayout {
            obs_size: self.obs_size,
            obs_bits: self.obs_bits,
            action_words: self.actions.words() as u32,
        }
    }

    /// Words of `EnvParams` per lane.
    pub fn param_words(&self) -> u32 {
        (self.params.len() as u32).max(1)
    }

    /// The runtime parameters of `lanes` lanes: `[lanes, param_words]`.
    pub fn lane_params(&self, seed: u32, lanes: u64) -> Vec<u32> {
        if self.params.is_empty() {
            return vec![0; lanes as usize];
        }
        let word = |lane: u64, index: usize, param: &RuntimeParam| match param.value {
            ParamValue::Fixed(value) => param.number.word(value),
            ParamValue::Uniform(low, high) => {
                let bits = pcg4d([lane as u32, (lane >> 32) as u32, index as u32, seed ^ 0x9a4a_0001])[0];
                let u = (f64::from(bits) + 0.5) / 4_294_967_296.0;
                match param.number {
                    Number::F32 => param.number.word(low + (high - low) * u),
                    _ => param.number.word((low + (high - low + 1.0) * u).floor()),
                }
            }
        };
        (0..lanes)
            .flat_map(|lane| {
                self.params.iter().enumerate().map(move |(index, param)| word(lane, index, param))
            })
            .collect()
    }
}

/// The declaration of a built-in environment. Several may share one file through `values`.
///
/// ```
/// use softq::engine::env::{BuiltIn, ConstValue, Constants};
/// use softq::envs::{self, BUILT_INS};
/// use softq::shared::rng::{Rng, STREAM_RESET};
///
/// let of = |file: &str| -> Vec<&BuiltIn> { BUILT_INS.iter().copied().filter(|env| env.file == file).collect() };
/// let lakes = of("frozen_lake.wgsl");
/// assert!(lakes[0].values.is_empty() && lakes[1].values.contains(&("max_episode_steps", "200")));
/// assert_eq!(envs::find(lakes[1].id)?.step_limit(), 200);
/// // A twin is made from the constants of the file: here the paddle starts in the middle of three columns.
/// let board = [("ROWS", 4.0), ("COLUMNS", 3.0)];
/// let constants = board.map(|(name, value)| (name.to_owned(), ConstValue::Number(value)));
/// let twin = (of("catch.wgsl")[0].twin)(&Constants(constants.into()))?;
/// let mut state = [9; 3];
/// twin.reset(&[0], &mut state, &mut Rng::new(0, STREAM_RESET, 0, 0));
/// assert_eq!(state[1..], [0, 1]);
/// # Ok::<(), softq::Error>(())
/// ```
pub struct BuiltIn {
    /// Versioned id as in Gymnasium.
    pub id: &'static str,
    /// Short name for the command line.
    pub short: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// Name of the WGSL file in `shaders/envs`.
    pub file: &'static str,
    /// Its text.
    pub source: &'static str,
    /// Parameters that make this id.
    pub values: &'static [(&'static str, &'static str)],
    /// Makes the CPU twin from the constants of the file.
    pub twin: fn(&Constants) -> Result<Box<dyn EnvTwin>>,
}

/// The sizes of an environment that decide buffer lengths; zeros where a kernel uses none.
///
/// ```
/// use softq::engine::env::EnvSizes;
///
/// let sizes = EnvSizes::of(Some(softq::envs::find("cartpole")?));
/// // Two observations of four numbers, an action, a reward and how it ended.
/// assert_eq!((sizes.obs, sizes.outputs, sizes.transition_words), (4, 2, 11));
/// assert_eq!(EnvSizes::of(None).obs, 0);
/// # Ok::<(), softq::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct EnvSizes {
    /// Length of an observation.
    pub obs: u64,
    /// Words of a stored transition.
    pub transition_words: u64,
    /// Action values over all heads.
    pub outputs: u64,
    /// Words of one action.
    pub action_words: u64,
    /// Most loop iterations of one step.
    pub loops: u64,
}

impl EnvSizes {
    /// Sizes of `env`.
    pub fn of(env: Option<&Env>) -> EnvSizes {
        env.map_or(EnvSizes::default(), |env| EnvSizes {
            obs: u64::from(env.obs_size),
            transition_words: env.transition().words() as u64,
            outputs: u64::from(env.actions.outputs()),
            action_words: env.actions.words() as u64,
            loops: u64::from(env.max_loop_iterations),
        })
    }
}
