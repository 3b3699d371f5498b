//! A whole training run of SQN on CartPole, iteration by iteration, on the executor and on the CPU twins.
//!
//! Both run freely until their weights, learner state or environments differ in a bit. From there on the twins start every
//! update from the executor's memory, so that each update is judged by itself and no early rounding grows into a verdict.

use crate::agents::{self, Capabilities};
use crate::config::Config;
use crate::engine::cpu::CpuExecutor;
use crate::engine::debug::copy_memory_later;
use crate::engine::executor::{Executor, Program, read_later};
use crate::engine::recording::BufferId;
use crate::envs;
use crate::error::Result;
use crate::shared::agent::{Agent, Lane};
use crate::shared::layout::{GpuType, Layout, Scalar};
use crate::verify::compare::{Tolerance, compare};
use crate::verify::report::{Errors, Failure, Row};
use crate::verify::{Options, TRAINING};

/// Updates compared.
const UPDATES: u64 = 100;

/// Error of one update from equal memory. Adam turns a rounding of a gradient near 0 into a step of up to the learning
/// rate, 1e-3 here; everything else stays far below.
const TOLERANCE: Tolerance = Tolerance { abs: 1e-4, rel: 1e-4 };

/// Runs 100 updates and compares after each.
pub async fn check(executor: &mut dyn Executor, options: &Options) -> Result<Row> {
    compare_training_later(executor, &small(options.seed), false, UPDATES).await
}

/// Runs `updates` updates, each after one step of every environment, and compares after each.
pub fn compare_run(executor: &mut dyn Executor, seed: u64, updates: u64) -> Result<Row> {
    compare_training(executor, &small(seed), false, updates)
}

/// A training of an update after one step of every environment.
fn small(seed: u64) -> Config {
    Config {
        seed,
        num_envs: 4,
        learning_starts: 64,
        gradient_steps: 1,
        batch_size: 32,
        buffer_size: 400,
        hidden: vec![32, 32],
        eval_episodes: 1,
        ..Config::default()
    }
}

/// Runs so many iterations of a training, as it is on hardware or not, and compares after each, on an executor that can wait.
pub fn compare_training(
    executor: &mut dyn Executor,
    config: &Config,
    hardware: bool,
    iterations: u64,
) -> Result<Row> {
    pollster::block_on(compare_training_later(executor, config, hardware, iterations))
}

/// The same without keeping the thread.
pub async fn compare_training_later(
    executor: &mut dyn Executor,
    config: &Config,
    hardware: bool,
    iterations: u64,
) -> Result<Row> {
    let mut row = empty_row();
    if executor.address() == "cpu" {
        row.note = "left out: the CPU executor is the reference".into();
        return Ok(row);
    }
    let env = envs::open(&config.env, &config.env_values()?)?;
    let device = Capabilities { hardware, max_buffer_bytes: executor.max_buffer_bytes() };
    let plan = agents::plan_relative(config, env, device, None)?;
    let warm_up = config.learning_starts.div_ceil(config.num_envs.into()).max(1) as u32;
    let iteration = plan.once(|_| true);
    let mut twins = CpuExecutor::new();
    let start = |executor: &mut dyn Executor| -> Result<Program> {
        executor.allocate(&plan.buffers)?;
        for (buffer, words) in &plan.init {
            executor.write(*buffer, words)?;
        }
        let (reset, act) = (executor.prepare(&plan.reset)?, executor.prepare(&plan.act())?);
        executor.submit(&[(reset, 1), (act, warm_up)], None)?;
        executor.prepare(&iteration)
    };
    let programs = (start(executor)?, start(&mut twins)?);
    let compared: Vec<(BufferId, &str, Vec<Scalar>)> =
        ["weights", "agents", "env_lanes", "env_state", "targets"]
            .into_iter()
            .filter_map(|name| {
                let index = plan.buffers.decls.iter().position(|decl| decl.name == name)?;
                let scalars = match name {
                    "agents" => fields(Agent::LAYOUT),
                    "env_lanes" => fields(Lane::LAYOUT),
                    _ => vec![Scalar::F32],
                };
                Some((BufferId(index as u32), name, scalars))
            })
            .collect();

    let mut errors = Errors::default();
    let mut first = None;
    for update in 1..=iterations {
        executor.submit(&[(programs.0, 1)], None)?;
        twins.submit(&[(programs.1, 1)], None)?;
        let mut differing = 0;
        for (id, name, scalars) in &compared {
            let (got, want) = (read_later(executor, *id).await?, twins.read(*id)?);
            let result = compare(&got, &want, scalars, TOLERANCE);
            errors.words += result.words as u64;
            errors.differing += result.differing as u64;
            errors.abs = errors.abs.max(result.abs);
            errors.rel = errors.rel.max(result.rel);
            errors.ulp = errors.ulp.max(result.ulp);
            differing += result.differing;
            let Some(worst) = result.worst else { continue };
            errors.share = errors.share.max(result.abs / TOLERANCE.abs);
            if first.is_none() {
                first = Some(format!("first difference at update {update} in '{name}', {} ULP", result.ulp));
            }
            if !result.passed() && row.failures.len() < 3 {
                row.passed = false;
                row.failures.push(Failure {
                    reference: "twin",
                    case: update as usize,
                    inputs: format!("{} on {}, iteration {update}", config.algo, env.id),
                    binding: (*name).into(),
                    index: worst.index,
                    got: format!("{:e} ({:#010x})", f32::from_bits(worst.got), worst.got),
                    want: format!("{:e} ({:#010x})", f32::from_bits(worst.want), worst.want),
                    allowed: TOLERANCE.abs,
                    failing: result.failing,
                    command: format!(
                        "softq verify --device {} --only {TRAINING} --seed {}",
                        executor.address(),
                        config.seed
                    ),
                });
            }
        }
        if differing > 0 {
            copy_memory_later(executor, &mut twins, &plan.buffers).await?;
        }
        row.cases += 1;
    }
    row.twin = Some(errors);
    row.note = first.unwrap_or_else(|| format!("bit-equal through all {iterations} updates"));
    Ok(row)
}

fn empty_row() -> Row {
    Row {
        name: TRAINING.into(),
        file: None,
        cases: 0,
        twin: None,
        oracle: None,
        left_out: 0,
        bound: "equal bits; after the first difference 1e-4 per update".into(),
        source: "measured".into(),
        passed: true,
        failures: Vec::new(),
        note: String::new(),
    }
}

fn fields(layout: Layout) -> Vec<Scalar> {
    match layout {
        Layout::Struct { fields, .. } => fields.iter().map(|field| field.scalar).collect(),
        _ => vec![Scalar::F32],
    }
}
