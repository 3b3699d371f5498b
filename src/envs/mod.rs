//! Environments: one WGSL file each in `shaders/envs`, its CPU twin here, the registry, and the reader of files.
//!
//! ```
//! use softq::envs;
//! use softq::envs::Values;
//!
//! assert_eq!(envs::find("frozen_lake")?.id, "FrozenLake-v1");
//! assert!(envs::registry().len() >= 20);
//!
//! // One of your own is one WGSL file.
//! let source = "
//! const OBS_SIZE = 1u;
//! const NUM_ACTIONS = 2u;
//! const MAX_EPISODE_STEPS = 20u;
//! struct State { x: f32 }
//! fn reset(rng: ptr<function, Rng>) -> State { return State(rng_range(rng, -0.1, 0.1)); }
//! fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
//!     (*state).x += f32(action) - 0.5;
//!     return Outcome(1.0 - abs((*state).x), abs((*state).x) > 2.0);
//! }
//! fn observe(state: State) -> array<f32, OBS_SIZE> { return array(state.x); }
//! ";
//! let env = envs::from_source("balance.wgsl", source, &Values::default())?;
//! assert_eq!((env.obs_size, env.step_limit()), (1, 20));
//! # Ok::<(), softq::Error>(())
//! ```

#[doc(hidden)]
pub mod acrobot;
#[doc(hidden)]
pub mod asterix;
#[doc(hidden)]
pub mod breakout;
#[doc(hidden)]
pub mod cartpole;
#[doc(hidden)]
pub mod catch;
#[doc(hidden)]
pub mod catch_pixels;
pub mod check;
#[doc(hidden)]
pub mod cliff_walking;
mod culprit;
#[doc(hidden)]
pub mod deep_sea;
pub(crate) mod explain;
#[doc(hidden)]
pub mod freeway;
#[doc(hidden)]
pub mod frozen_lake;
#[doc(hidden)]
pub mod grid;
#[doc(hidden)]
pub mod interpreted;
mod loops;
#[doc(hidden)]
pub mod mdp;
#[doc(hidden)]
pub mod mountain_car;
#[doc(hidden)]
pub mod mountain_car_continuous;
#[doc(hidden)]
pub mod multi_goal;
#[doc(hidden)]
pub mod operators;
#[doc(hidden)]
pub mod pendulum;
#[doc(hidden)]
pub mod pendulum_discrete;
#[doc(hidden)]
pub mod pong;
#[doc(hidden)]
pub mod qbert;
#[doc(hidden)]
pub mod ranges;
#[doc(hidden)]
pub mod reacher;
#[cfg(test)]
mod recorded;
#[doc(hidden)]
pub mod reflect;
pub(crate) mod refusals;
#[doc(hidden)]
pub mod rescale;
#[cfg(test)]
mod resets;
mod returns;
#[doc(hidden)]
pub mod seaquest;
#[doc(hidden)]
pub mod space_invaders;
#[doc(hidden)]
pub mod tabulate;
#[doc(hidden)]
pub mod taxi;
#[doc(hidden)]
pub mod text;
#[doc(hidden)]
pub mod tray;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

pub use crate::engine::env::{ActionSpace, BuiltIn, Env, EnvTwin, World};
use crate::engine::kernel::Kernel;
use crate::engine::lexer::unix_lines;
use crate::error::{Error, Result};
use crate::files;

/// Longest file of a user.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

/// The declarations of all built-in environments.
pub const BUILT_INS: &[&BuiltIn] = &[
    &cartpole::CARTPOLE,
    &mountain_car::MOUNTAIN_CAR,
    &mountain_car_continuous::MOUNTAIN_CAR_CONTINUOUS,
    &acrobot::ACROBOT,
    &pendulum::PENDULUM,
    &pendulum_discrete::PENDULUM_DISCRETE,
    &frozen_lake::FROZEN_LAKE,
    &frozen_lake::FROZEN_LAKE_8X8,
    &cliff_walking::CLIFF_WALKING,
    &cliff_walking::CLIFF_WALKING_SLIPPERY,
    &taxi::TAXI,
    &catch::CATCH,
    &deep_sea::DEEP_SEA,
    &tray::TRAY,
    &multi_goal::MULTI_GOAL,
    &reacher::REACHER,
    &breakout::BREAKOUT,
    &freeway::FREEWAY,
    &asterix::ASTERIX,
    &space_invaders::SPACE_INVADERS,
    &seaquest::SEAQUEST,
    &pong::PONG,
    &qbert::QBERT,
    &catch_pixels::CATCH_PIXELS,
];

/// Parameters by name, as text: `--env-param NAME=VALUE`.
pub type Values = BTreeMap<String, String>;

/// All built-in environments with their default parameters.
pub fn registry() -> &'static [&'static Env] {
    static REGISTRY: LazyLock<Vec<&Env>> = LazyLock::new(|| {
        let open = |built_in: &&BuiltIn| match open_built_in(built_in, &Values::new()) {
            Ok(env) => env,
            Err(error) => unreachable!("{} is tested to be readable: {error}", built_in.id),
        };
        BUILT_INS.iter().map(open).collect()
    });
    &REGISTRY
}

/// Finds a built-in environment by id or short name, ignoring case, with default parameters.
pub fn find(name: &str) -> Result<&'static Env> {
    open(name, &Values::new())
}

/// The built-in environment that is `env` with discrete actions, where `env` has others.
///
/// ```
/// use softq::envs::{discrete_relative, find};
///
/// assert_eq!(discrete_relative(find("pendulum")?), Some("pendulum_discrete"));
/// assert_eq!(discrete_relative(find("MountainCarContinuous-v0")?), Some("mountain_car"));
/// assert_eq!(discrete_relative(find("reacher")?), None);
/// # Ok::<(), softq::Error>(())
/// ```
pub fn discrete_relative(env: &Env) -> Option<&'static str> {
    let base = env.short.trim_end_matches("_continuous");
    let relative =
        |other: &&&Env| other.actions.outputs() > 0 && other.short.trim_end_matches("_discrete") == base;
    registry().iter().find(relative).map(|other| other.short.as_str())
}

/// An environment by id, short name or path of a WGSL file, with values for its parameters.
///
/// ```
/// use softq::envs::{Values, open};
///
/// let values: Values = [("max_episode_steps".into(), "7".into())].into();
/// assert_eq!(open("CartPole", &values)?.step_limit(), 7);
/// let wrong: Values = [("gravty".into(), "5".into())].into();
/// let error = open("cartpole", &wrong).expect_err("a slip");
/// assert!(error.to_string().contains("Did you mean 'gravity'?"), "{error}");
/// # Ok::<(), softq::Error>(())
/// ```
pub fn open(name: &str, values: &Values) -> Result<&'static Env> {
    if is_path(name) {
        return open_file(Path::new(name), values);
    }
    let (stem, version) = plain_name(name);
    let found = BUILT_INS.iter().find(|env| {
        let [id, short] = [env.id, env.short].map(plain_name);
        id.0 == stem || short.0 == stem
    });
    match found {
        Some(built_in) if version.is_none() || version == plain_name(built_in.id).1 => {
            open_built_in(built_in, values)
        }
        Some(built_in) => Err(Error::Unknown {
            kind: "version of an environment",
            name: name.into(),
            nearest: Some(built_in.id.into()),
            known: vec![built_in.id.into()],
        }),
        None => {
            Err(Error::unknown("environment", name, BUILT_INS.iter().flat_map(|env| [env.short, env.id])))
        }
    }
}

/// Where Gymnasium keeps MinAtar's games; here they are called like `Breakout-MinAtar`.
const NAMESPACE: &str = "minatar/";

/// A name without case, `-` and `_`, and the version at its end, which may follow it without a dash. Gymnasium's `MinAtar/Breakout-v0` and `-v1` differ by the
/// actions that they leave out; both mean the game.
fn plain_name(name: &str) -> (String, Option<u32>) {
    let lower = name.to_lowercase();
    if let Some(game) = lower.strip_prefix(NAMESPACE) {
        let (stem, version) = plain_name(game);
        return (stem + "minatar", version.filter(|version| *version > 1));
    }
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_digit());
    let version = digits.strip_suffix('v').and_then(|stem| {
        let version = lower[digits.len()..].parse().ok()?;
        Some((stem.trim_end_matches(['-', '_']), version))
    });
    let (stem, version) = version.map_or((lower.as_str(), None), |(stem, version)| (stem, Some(version)));
    (stem.replace(['-', '_'], ""), version)
}

/// Whether a name means a file: it ends in `.wgsl` or contains a path separator, other than in `MinAtar/Breakout-v1`.
///
/// ```
/// use softq::envs::is_path;
///
/// assert!(is_path("balance.wgsl") && is_path("worlds/balance"));
/// assert!(!is_path("cartpole") && !is_path("MinAtar/Breakout-v1"));
/// ```
pub fn is_path(name: &str) -> bool {
    let own = name.to_lowercase().strip_prefix(NAMESPACE).map(str::to_owned);
    name.ends_with(".wgsl") || own.as_deref().unwrap_or(name).contains(['/', '\\'])
}

fn open_built_in(built_in: &BuiltIn, values: &Values) -> Result<&'static Env> {
    let mut all: Values =
        built_in.values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.extend(values.iter().map(|(name, value)| (name.to_lowercase(), value.clone())));
    intern(&format!("{}\n{all:?}", built_in.id), || {
        let names = reflect::Names {
            id: built_in.id.into(),
            short: built_in.short.into(),
            title: built_in.title.into(),
            file: built_in.file.into(),
            user: false,
        };
        let reflect::Reflected { mut env, constants, rescale } =
            reflect::reflect(names, built_in.source, &all)?;
        let twin = (built_in.twin)(&constants)?;
        let sizes = (twin.state_words(), twin.param_words());
        if sizes != (env.state_words as usize, env.param_words() as usize) {
            return Err(Error::Shader {
                shader: built_in.file.into(),
                message: format!("state and parameters of the twin have {sizes:?} words"),
            });
        }
        env.twin = Some(rescaled(twin, rescale));
        Ok(env)
    })
}

fn rescaled(inner: Box<dyn EnvTwin>, rescale: Option<rescale::Rescale>) -> Box<dyn EnvTwin> {
    match rescale {
        Some(rescale) => Box::new(rescale::Rescaled { inner, rescale }),
        None => inner,
    }
}

/// An environment from a user's file. Its kernels are checked as they will be composed.
///
/// ```
/// use softq::envs::{Values, find, open_copy, open_file};
///
/// let dir = tempfile::tempdir().expect("a directory");
/// let (path, copy) = (dir.path().join("pole.wgsl"), dir.path().join("env.wgsl"));
/// std::fs::write(&path, &find("cartpole")?.source).expect("written");
/// let env = open_file(&path, &Values::new())?;
/// assert!(env.user && env.id == "pole" && env.obs_size == 4);
/// // A copy, as a run keeps it, goes by the name of the original.
/// std::fs::copy(&path, &copy).expect("copied");
/// assert_eq!(open_copy(&copy, "pole.wgsl", &Values::new())?.id, "pole");
/// assert!(open_file(dir.path(), &Values::new()).is_err(), "a directory is no file");
/// # Ok::<(), softq::Error>(())
/// ```
pub fn open_file(path: &Path, values: &Values) -> Result<&'static Env> {
    from_source(&path.display().to_string(), &read(path)?, values)
}

/// The same from a copy of the file, which keeps the id that the original has by its name.
pub fn open_copy(path: &Path, original: &str, values: &Values) -> Result<&'static Env> {
    user_env(&stem(original), &path.display().to_string(), &read(path)?, values)
}

/// An environment from the text of a user's file; `file` is its name in errors.
pub fn from_source(file: &str, source: &str, values: &Values) -> Result<&'static Env> {
    user_env(&stem(file), file, source, values)
}

fn read(path: &Path) -> Result<String> {
    let file = path.display().to_string();
    let fail = |line, message| Error::EnvFile { file: file.clone(), line, message };
    let unreadable = |error: std::io::Error| {
        fail(None, format!("the environment file cannot be read: {error}; give the path of one WGSL file"))
    };
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if about.is_dir() {
        let message = "this is a directory; give the path of one WGSL file, such as my_world.wgsl";
        return Err(fail(None, message.into()));
    }
    if about.len() > MAX_FILE_BYTES {
        let message = format!(
            "the file has {} bytes; at most {MAX_FILE_BYTES} are allowed. Tables of this size do not belong into a shader: \
             compute them, or make them smaller.",
            about.len()
        );
        return Err(fail(None, message));
    }
    let bytes = files::read(path, MAX_FILE_BYTES).map_err(unreadable)?;
    let source = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..good]);
        let line = unix_lines(&before).matches('\n').count() + 1;
        fail(Some(line), "a byte here is not UTF-8; save the file as plain UTF-8 text".into())
    })?;
    // Some editors put a byte order mark in front.
    Ok(source.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(source))
}

fn stem(file: &str) -> String {
    Path::new(file).file_stem().map_or("env".into(), |stem| stem.to_string_lossy().into_owned())
}

fn user_env(id: &str, file: &str, given: &str, values: &Values) -> Result<&'static Env> {
    let source = &unix_lines(given);
    intern(&format!("{id}\n{file}\n{values:?}\n{source}"), || {
        let names = reflect::Names {
            id: id.into(),
            short: id.into(),
            title: "user environment".into(),
            file: file.into(),
            user: true,
        };
        let reflect::Reflected { mut env, rescale, .. } = reflect::reflect(names, source, values)?;
        env.given = given.into();
        for kernel in kernels_with(&env) {
            reflect::check_composition(kernel, &env)?;
        }
        // A file that uses what the interpreter does not know still runs on any device.
        env.twin = interpreted::Interpreted::of(&env).ok().map(|twin| rescaled(Box::new(twin), rescale));
        Ok(env)
    })
}

/// The kernels that an environment is composed into: those that choose actions from values need discrete ones.
///
/// ```
/// use softq::envs::{find, kernels_with};
///
/// let acts = |env: &str, kernel: &str| -> softq::Result<bool> {
///     Ok(kernels_with(find(env)?).any(|other| other.name == kernel))
/// };
/// assert!(acts("cartpole", "act_step")? && !acts("cartpole", "act_box")?);
/// assert!(acts("pendulum", "act_box")? && !acts("pendulum", "act_step")?);
/// # Ok::<(), softq::Error>(())
/// ```
pub fn kernels_with(env: &Env) -> impl Iterator<Item = &'static Kernel> {
    let discrete = env.actions.outputs() > 0;
    let draws = env.has_draw;
    crate::kernels::table()
        .iter()
        .copied()
        .filter(move |kernel| kernel.uses_env && kernel.fits(discrete, draws))
}

/// Makes a value that lives as long as the program, once per `key`: kernels, recordings and pipelines refer to
/// environments by reference, and a process opens a handful of them.
fn intern(key: &str, make: impl FnOnce() -> Result<Env>) -> Result<&'static Env> {
    static OPENED: Mutex<BTreeMap<String, &'static Env>> = Mutex::new(BTreeMap::new());
    if let Some(env) = OPENED.lock().unwrap_or_else(PoisonError::into_inner).get(key) {
        return Ok(env);
    }
    let env: &'static Env = Box::leak(Box::new(make()?));
    OPENED.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), env);
    Ok(env)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_file_can_be_read_and_composed() {
        for built_in in BUILT_INS {
            let env = open_built_in(built_in, &Values::new()).unwrap_or_else(|error| panic!("{error}"));
            for kernel in kernels_with(env) {
                reflect::check_composition(kernel, env).unwrap_or_else(|error| panic!("{error}"));
            }
        }
        assert_eq!(registry().len(), BUILT_INS.len());
    }

    #[test]
    fn names_are_found_in_any_case_and_opened_once() {
        let env = find("CARTPOLE").expect("known");
        assert!(std::ptr::eq(env, find("cartpole-V1").expect("known")));
        for name in ["mountaincar", "MountainCar", "mountain-car", "mountain_car_v0", "MOUNTAIN_CAR-V0"] {
            assert_eq!(find(name).expect(name).id, "MountainCar-v0");
        }
        for built_in in BUILT_INS {
            let [id, short] = [built_in.id, built_in.short];
            let version = id.rsplit_once("-v").map_or(String::new(), |(_, version)| format!("v{version}"));
            let joined = short.replace('_', "");
            for name in [
                id.to_lowercase(),
                id.replace('-', "_"),
                id.replace('-', ""),
                short.to_uppercase(),
                short.replace('_', "-"),
                format!("{joined}{version}"),
                format!("{joined}-{version}").trim_end_matches('-').to_owned(),
                joined,
            ] {
                assert_eq!(find(&name).expect(&name).id, id, "{name}");
            }
        }
        for name in
            ["breakout", "Breakout-MinAtar", "BreakoutMinAtar", "MinAtar/Breakout-v0", "minatar/breakout"]
        {
            assert_eq!(find(name).expect(name).id, "Breakout-MinAtar");
        }
        assert_eq!(find("MinAtar/SpaceInvaders-v1").expect("known").short, "space_invaders");
        let error = find("MinAtar/Breakout-v2").expect_err("no such version").to_string();
        assert!(error.contains("Known: Breakout-MinAtar"), "{error}");
        assert!(
            is_path("minatar/breakout.wgsl") && is_path("minatar/own/breakout") && is_path("worlds/breakout")
        );
        assert_eq!(find("frozen_lake_8x8").expect("known").id, find("FrozenLake8x8-v1").expect("known").id);
        let error = find("frozenlake-v7").expect_err("no such version").to_string();
        assert!(error.contains("frozenlake-v7") && error.contains("Known: FrozenLake-v1"), "{error}");
        let error = find("cartpol").expect_err("unknown").to_string();
        assert!(error.contains("cartpole"), "{error}");
        let short = open("cartpole", &[("max_episode_steps".into(), "7".into())].into()).expect("parameter");
        assert_eq!((env.max_episode_steps, short.max_episode_steps), (Some(500), Some(7)));
    }
}
