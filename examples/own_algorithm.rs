//! An algorithm of your own, without a change to the engine: a target rule in WGSL with its twin in Rust, and an update made
//! of the steps that the built-in algorithms are made of. Here Expected SARSA (van Seijen et al., 2009) for an epsilon-greedy
//! policy: `y = r + gamma (1 - d) ((1 - epsilon) max_a Q'(s', a) + epsilon mean_a Q'(s', a))`.
//!
//! `cargo run --release --example own_algorithm [DEVICE]`

use softq::agents::learner::{Bootstrap, Learner, Networks};
use softq::agents::{Algorithm, FIRST_Q, plan_of};
use softq::config::{Config, Exploration};
use softq::engine::recording::{Buffer, Recording};
use softq::engine::rule::Rule;
use softq::envs;
use softq::gpu;
use softq::nn::Network;
use softq::shared::agent::Lane;
use softq::shared::target::{Row, Source, Target};
use softq::train::event::Event;
use softq::train::trainer::Trainer;

/// Share of random actions, in acting and in the target.
const EPSILON: f32 = 0.1;

/// The rule as a shader sees it: one row of the batch in, its target out.
const WGSL: &str = "
fn target_of(row: Row) -> Target {
    var sum = 0.0;
    for (var a = 0u; a < row.actions; a++) {
        sum += q_value(TARGET_1, row.index, a);
    }
    let best = q_value(TARGET_1, row.index, argmax_of(TARGET_1, row.index, row.actions));
    return bootstrapped(row, (0.9 * best) + (0.1 * (sum / f32(row.actions))), 0.0);
}
";

/// The same for the CPU executor: same sums, same order, same bits.
fn twin(row: &Row<'_>) -> Target {
    let q = row.q(Source::Target1);
    let mut sum = 0.0;
    for a in 0..row.actions {
        sum += q(a);
    }
    let best = q(row.argmax(Source::Target1));
    row.bootstrapped((1.0 - EPSILON) * best + EPSILON * (sum / row.actions as f32), 0.0)
}

static EXPECTED_SARSA: Rule = Rule { name: "expected_sarsa", source: WGSL, policy: false, twin };

/// One Q network with a target: `Q(s)` and `Q'(s')` are evaluated.
fn networks(_: &Config, net: &Network) -> Networks {
    Networks::q(net, 1, vec![(0, 0), (1, 1)])
}

fn update(
    rec: &mut Recording,
    config: &Config,
    learner: &Learner,
    _: Buffer<Lane>,
    _: u32,
) -> softq::Result<()> {
    learner.evaluate(rec)?;
    learner.backup(rec, &Bootstrap::new(&EXPECTED_SARSA, 1))?;
    learner.td_error(rec, config)?;
    learner.improve(rec)?;
    learner.finish(rec)
}

const ALGORITHM: Algorithm = Algorithm {
    name: "expected_sarsa",
    soft: |_| false,
    entropy: false,
    check: |_| Ok(()),
    networks,
    others: |_, _| Vec::new(),
    actor: FIRST_Q,
    continuous: false,
    returns: None,
    update,
};

fn main() -> softq::Result<()> {
    let config = Config {
        env: "catch".into(),
        algo: "dqn".into(),
        exploration: Exploration::Greedy,
        epsilon: f64::from(EPSILON),
        epsilon_final: f64::from(EPSILON),
        total_timesteps: 20_000,
        ..Config::default()
    };
    let env = envs::open(&config.env, &config.env_values()?)?;
    let device = std::env::args().nth(1).unwrap_or_else(|| "cpu".into());
    let choice = gpu::choose(&device)?;
    let plan = plan_of(ALGORITHM, &config, env)?;
    let executor = gpu::open(&choice)?;
    let mut trainer = Trainer::with_executor(&config, env, plan, choice, executor)?;
    trainer.run(&mut |event| {
        if let Event::Evaluation { env_steps, greedy } = event {
            println!("{env_steps:>6} steps: mean greedy return {:.2}", greedy.mean());
        }
        Ok(())
    })?;
    Ok(())
}
