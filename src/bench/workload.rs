//! The standard list of shapes: the dispatches of training runs, with the memory that each of them finds in the middle of its
//! run, and verification's largest cases of the kernels that no such run has.

use std::collections::BTreeSet;

use crate::agents;
use crate::config::Config;
use crate::engine::cpu::CpuExecutor;
use crate::engine::executor::Executor;
use crate::engine::recording::{Dispatch, Recording};
use crate::engine::variant::Variant;
use crate::envs;
use crate::error::Result;
use crate::shared::layout::Layout;
use crate::train::layers::{Layers, resolve};
use crate::verify;
use crate::verify::case::Case;
use crate::verify::check::Check;

/// Vector steps before the dispatches are looked at: replay holds more than a batch, and episodes have ended.
const STEPS: u32 = 64;

/// Fields of params that are sizes, by the name that a shape shows them under.
const SIZES: &[(&str, &str)] = &[
    ("batch", "batch"),
    ("rows", "rows"),
    ("count", "count"),
    ("num_lanes", "lanes"),
    ("in_dim", "in"),
    ("out_dim", "out"),
    ("width", "width"),
    ("width0", "in"),
    ("width1", "hidden"),
    ("width2", "hidden"),
    ("height", "height"),
    ("channels", "channels"),
    ("filters", "filters"),
    ("kernel_height", "kernel"),
    ("actions", "actions"),
    ("capacity", "capacity"),
    ("steps", "steps"),
    ("states", "states"),
    ("slots", "slots"),
    ("grad_slots", "nets"),
    ("targets", "targets"),
    ("agents", "agents"),
];

/// Trainings whose dispatches are timed: settings on top of the preset of `(environment, algorithm)`.
pub const TRAININGS: &[(&str, &str, &[&str])] = &[
    (
        "CartPole-v1",
        "sqn",
        &["buffer_size=10240", "hidden=[120,84]", "batch_size=128", "num_envs=10", "path=layered"],
    ),
    (
        "CartPole-v1",
        "sqn",
        &["buffer_size=10240", "hidden=[120,84]", "batch_size=128", "num_envs=10", "path=fused"],
    ),
    (
        "CartPole-v1",
        "sqn",
        &[
            "buffer_size=10240",
            "hidden=[120,84]",
            "batch_size=128",
            "num_envs=10",
            "agents=32",
            "path=layered",
        ],
    ),
    ("Pendulum-v1", "sac", &["buffer_size=10240", "hidden=[256,256]", "batch_size=256", "num_envs=8"]),
    (
        "Breakout-MinAtar",
        "dqn",
        &["buffer_size=10240", "network=minatar", "replay=prioritized", "num_envs=8"],
    ),
    ("CartPole-v1", "soft_pqn", &[]),
    ("CartPole-v1", "sac_discrete", &["buffer_size=10240"]),
    ("MultiGoal-v0", "soft_q_svgd", &["buffer_size=10240"]),
];

/// Settings on top of the preset of an environment and algorithm; evaluations, which are not timed, are small.
pub fn config(env: &str, algo: &str, settings: &[&str]) -> Result<Config> {
    let mut set = vec![format!("env={env}"), format!("algo={algo}"), "eval_episodes=1".into()];
    set.extend(settings.iter().map(|setting| (*setting).to_owned()));
    Ok(resolve(&Layers { file: None, set, flags: Vec::new() })?.config)
}

/// Cases of an iteration of a training that are not among `known`, by variant and shape.
pub fn cases_of(config: &Config, known: &mut BTreeSet<(String, String)>) -> Result<Vec<Case>> {
    let env = envs::open(&config.env, &config.env_values()?)?;
    let plan = agents::plan(config, env)?;
    let mut executor = CpuExecutor::new();
    executor.allocate(&plan.buffers)?;
    for (buffer, words) in &plan.init {
        executor.write(*buffer, words)?;
    }
    let [reset, act] = [executor.prepare(&plan.reset)?, executor.prepare(&plan.act())?];
    let iteration = plan.once(|_| true);
    let whole = executor.prepare(&iteration)?;
    executor.submit(&[(reset, 1), (act, STEPS), (whole, 2)], None)?;
    let mut cases = Vec::new();
    for dispatch in iteration.dispatches {
        let shape = shape(&dispatch);
        let name = Variant::of(&dispatch).name();
        if known.insert((name, shape.clone())) {
            let bindings: Result<_> =
                dispatch.bindings.iter().map(|buffer| executor.read(buffer.id)).collect();
            let Dispatch { kernel, env, rule, ref params, .. } = dispatch;
            cases.push(Case { kernel, env, rule, params: params.clone(), bindings: bindings?, label: shape });
        }
        let alone = executor.prepare(&Recording { dispatches: vec![dispatch] })?;
        executor.submit(&[(alone, 1)], None)?;
    }
    Ok(cases)
}

/// The case of a check that holds the most memory, among its first ones.
pub fn largest_case(check: &Check) -> Case {
    const FIRST: usize = 20;
    let words = |case: &Case| case.bindings.iter().map(Vec::len).sum::<usize>();
    let largest = (0..FIRST).max_by_key(|index| words(&check.draw(0, *index))).unwrap_or(0);
    let case = check.draw(0, largest);
    let shape = shape_of(case.kernel.params, &case.params);
    Case { label: format!("{shape}; case {largest} of verify"), ..case }
}

/// The check that a case is judged by.
pub fn check_of(case: &Case) -> Option<&'static Check> {
    let same_rule = |check: &&Check| check.rule.map(|rule| rule.name) == case.rule.map(|rule| rule.name);
    verify::checks().iter().filter(same_rule).find(|check| check.kernel.name == case.kernel.name)
}

/// Kernel, environment and rule of a case.
pub fn name_of(case: &Case) -> String {
    Variant { kernel: case.kernel, env: case.env, rule: case.rule }.name()
}

fn shape(dispatch: &Dispatch) -> String {
    shape_of(dispatch.kernel.params, &dispatch.params)
}

/// The sizes among the params, in words.
fn shape_of(layout: Layout, params: &[u32]) -> String {
    let Layout::Struct { fields, .. } = layout else { return String::new() };
    let value = |name: &str| {
        let field = fields.iter().find(|field| field.name == name)?;
        Some(params[field.offset as usize / 4])
    };
    let sizes = SIZES.iter().filter_map(|(field, shown)| Some((*shown, value(field)?)));
    sizes.map(|(shown, value)| format!("{shown} {value}")).collect::<Vec<_>>().join(", ")
}
