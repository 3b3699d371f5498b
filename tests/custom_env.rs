//! Worlds that exist only as text: actions of every kind, parameters per lane, the document's example, and learning.

mod common;

use softq::config::{Config, TargetEntropy};
use softq::engine::executor::{Executor, read_as};
use softq::engine::recording::{Buffer, Buffers, Recording};
use softq::envs::{self, ActionSpace, Env, Values};
use softq::gpu;
use softq::kernels::{env_probe, env_rollout};
use softq::shared::agent::Lane;
use softq::shared::shape::Shape;
use softq::train::trainer::Trainer;

const TWO_HEADS: &str = "const OBS_SIZE = 3u;
const ACTION_DIMS = array(3u, 4u);
const MAX_EPISODE_STEPS = 5u;
struct EnvParams {
    // reward per unit of the first head
    gain: f32,
    base: i32,
}
const DEFAULT_PARAMS = EnvParams(2.0, -1);
struct State {
    sum: u32,
    place: vec2<i32>,
}
fn reset(rng: ptr<function, Rng>) -> State {
    return State(7u, vec2<i32>(env.base, 0));
}
fn step(state: ptr<function, State>, action: array<u32, 2>, rng: ptr<function, Rng>) -> Outcome {
    (*state).sum += action[0];
    (*state).place.y -= i32(action[1]);
    return Outcome(env.gain * f32(action[0]), (*state).place.y < -3);
}
fn observe(state: State) -> array<f32, OBS_SIZE> {
    return array<f32, OBS_SIZE>(f32(state.sum), f32(state.place.x), f32(state.place.y));
}
";

const BOX: &str = "const OBS_SIZE = 1u;
const ACTION_LOW = array(-2.0, 0.0);
const ACTION_HIGH = array(2.0, 1.0);
struct State { x: f32 }
fn reset(rng: ptr<function, Rng>) -> State {
    return State(1.0);
}
fn step(state: ptr<function, State>, action: array<f32, 2>, rng: ptr<function, Rng>) -> Outcome {
    (*state).x += action[0];
    return Outcome(action[1], action[0] > 1.5);
}
fn observe(state: State) -> array<f32, OBS_SIZE> {
    return array<f32, OBS_SIZE>(2.0 * state.x);
}
";

fn executor() -> Option<Box<dyn Executor>> {
    common::gpu().map(|choice| gpu::open(&choice).expect("device"))
}

fn open(source: &str, values: &[(&str, &str)]) -> &'static Env {
    let values: Values = values.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    envs::from_source("world.wgsl", source, &values).unwrap_or_else(|error| panic!("{error}"))
}

/// States, observations, rewards and flags after a reset (`actions` empty) or a step from `states`.
fn probe(
    executor: &mut dyn Executor,
    env: &'static Env,
    states: &[u32],
    actions: &[u32],
    rows: u32,
) -> (Vec<u32>, Vec<f32>, Vec<f32>, Vec<f32>) {
    let n = u64::from(rows);
    let mut buffers = Buffers::default();
    let actions_buffer: Buffer<u32> = buffers.add("actions", n * env.actions.words() as u64, "");
    let draws: Buffer<u32> = buffers.add("draws", 1, "");
    let env_params: Buffer<u32> = buffers.add("env_params", n * u64::from(env.param_words()), "");
    let state: Buffer<u32> = buffers.add("state", n * u64::from(env.state_words), "");
    let obs: Buffer<f32> = buffers.add("obs", n * u64::from(env.obs_size), "");
    let rewards: Buffer<f32> = buffers.add("rewards", n, "");
    let terminated: Buffer<f32> = buffers.add("terminated", n, "");
    let params = env_probe::Params { rows, seed: 1, step: 0, draws: 0, reset: actions.is_empty().into() };
    let mut recording = Recording::default();
    env_probe::record(
        &mut recording,
        env,
        params,
        actions_buffer,
        draws,
        env_params,
        state,
        obs,
        rewards,
        terminated,
    )
    .expect("recorded");
    executor.allocate(&buffers).expect("memory");
    executor.write(env_params.id, &env.lane_params(0, n)).expect("parameters");
    executor.write(state.id, states).expect("states");
    executor.write(actions_buffer.id, actions).expect("actions");
    let program = executor.prepare(&recording).expect("pipeline");
    executor.submit(&[(program, 1)], None).expect("run");
    (
        executor.read(state.id).expect("states"),
        read_as(executor, obs.id).expect("observations"),
        read_as(executor, rewards.id).expect("rewards"),
        read_as(executor, terminated.id).expect("flags"),
    )
}

#[test]
fn several_heads_arrive_as_an_array() {
    let env = open(TWO_HEADS, &[]);
    assert_eq!(env.actions, ActionSpace::MultiDiscrete(vec![3, 4]));
    // The vector is aligned to 8 bytes, so a word of padding follows the sum.
    assert_eq!((env.state_words, env.obs_size, env.max_episode_steps), (4, 3, Some(5)));
    assert_eq!(env.params[0].about, "reward per unit of the first head");
    let Some(mut executor) = executor() else { return };
    let minus = |n: i32| n as u32;
    let (states, obs, ..) = probe(&mut *executor, env, &[], &[], 1);
    assert_eq!((states[0], states[2], states[3]), (7, minus(-1), 0));
    assert_eq!(obs, [7.0, -1.0, 0.0]);
    let before = [7, 0, minus(-1), 0].repeat(3);
    let (states, obs, rewards, flags) = probe(&mut *executor, env, &before, &[2, 3, 0, 1, 1, 0], 3);
    assert_eq!([states[0], states[4], states[8]], [9, 7, 8]);
    assert_eq!(obs, [9.0, -1.0, -3.0, 7.0, -1.0, -1.0, 8.0, -1.0, 0.0]);
    assert_eq!(rewards, [4.0, 0.0, 2.0]);
    assert_eq!(flags, [0.0, 0.0, 0.0]);
    let (.., flags) = probe(&mut *executor, env, &[7, 0, 0, minus(-2)], &[0, 2], 1);
    assert_eq!(flags, [1.0]);
}

#[test]
fn continuous_actions_arrive_as_floats() {
    let env = open(BOX, &[]);
    assert_eq!(env.actions, ActionSpace::Box { low: vec![-2.0, 0.0], high: vec![2.0, 1.0] });
    let check = |config: &Config| softq::agents::check(config, env);
    let refused = check(&Config::default()).expect_err("no choices").to_string();
    assert!(refused.contains("--algo sac is for it"), "{refused}");
    let sac =
        Config { algo: "sac".into(), target_entropy: TargetEntropy::PerDimension(-1.0), ..Config::default() };
    check(&sac).expect("boxes are what it is for");
    let shared = Config { target_entropy: TargetEntropy::Ratio(0.5), ..sac };
    assert!(check(&shared).expect_err("a density has no ln|A|").to_string().contains("-1dim(A)"));
    let Some(mut executor) = executor() else { return };
    let actions = [0.5f32, 0.25, 1.75, 1.0].map(f32::to_bits);
    let (states, obs, rewards, flags) = probe(&mut *executor, env, &[1.0f32.to_bits(); 2], &actions, 2);
    assert_eq!(states, [1.5f32, 2.75].map(f32::to_bits));
    assert_eq!((obs, rewards, flags), (vec![3.0, 5.5], vec![0.25, 1.0], vec![0.0, 1.0]));
}

#[test]
fn random_play_resets_at_the_time_limit_and_sums_rewards() {
    let Some(mut executor) = executor() else { return };
    // Without a way to end early: 4 episodes of 5 steps, whose rewards are the draws of the first head.
    let env = open(&TWO_HEADS.replace("< -3", "< -99"), &[("gain", "1")]);
    let lanes = 200;
    let mut buffers = Buffers::default();
    let env_params: Buffer<u32> = buffers.add("env_params", lanes * u64::from(env.param_words()), "");
    let state: Buffer<u32> = buffers.add("state", lanes * u64::from(env.state_words), "");
    let records: Buffer<Lane> = buffers.add("lanes", lanes, "");
    let params = env_rollout::Params { num_lanes: lanes as u32, steps: 20, seed: 3, stream: 0 };
    let mut recording = Recording::default();
    env_rollout::record(&mut recording, env, params, env_params, state, records).expect("recorded");
    executor.allocate(&buffers).expect("memory");
    executor.write(env_params.id, &env.lane_params(0, lanes)).expect("parameters");
    let program = executor.prepare(&recording).expect("pipeline");
    executor.submit(&[(program, 1)], None).expect("run");
    let played: Vec<Lane> = read_as(&mut *executor, records.id).expect("lanes");
    for (index, lane) in played.iter().enumerate() {
        let mut total = 0.0;
        for step in 0..20 {
            let mut action = [0; 2];
            env.actions.sample(&mut softq::shared::rng::Rng::new(3, 1, step, index as u32), &mut action);
            total += action[0] as f32;
        }
        assert_eq!((lane.episodes, lane.window_length, lane.window_return), (4, 20.0, total), "lane {index}");
    }
}

#[test]
fn parameters_are_drawn_per_lane_and_repeat() {
    let values = [("gain", "uniform(1,3)"), ("base", "uniform(-2,2)")];
    let env = open(TWO_HEADS, &values);
    let words = env.lane_params(5, 1000);
    assert_eq!(words, env.lane_params(5, 1000));
    assert_ne!(words, env.lane_params(6, 1000));
    assert_eq!(words[..200], env.lane_params(5, 100), "lanes keep theirs when there are more");
    let gains: Vec<f32> = words.iter().step_by(2).map(|word| f32::from_bits(*word)).collect();
    let distinct: std::collections::HashSet<u32> = gains.iter().map(|gain| gain.to_bits()).collect();
    assert!(distinct.len() > 990 && gains.iter().all(|gain| (1.0..=3.0).contains(gain)));
    let mean = gains.iter().sum::<f32>() / 1000.0;
    assert!((mean - 2.0).abs() < 0.1, "{mean}");
    for base in -2..=2 {
        let share = words.iter().skip(1).step_by(2).filter(|word| **word as i32 == base).count();
        assert!((140..260).contains(&share), "{base}: {share}");
    }
    let Some(mut executor) = executor() else { return };
    let (_, obs, ..) = probe(&mut *executor, env, &[], &[], 1000);
    let seen: Vec<i32> = obs.iter().skip(1).step_by(3).map(|value| *value as i32).collect();
    let given: Vec<i32> =
        env.lane_params(0, 1000).iter().skip(1).step_by(2).map(|word| *word as i32).collect();
    assert_eq!(seen, given, "each lane reads its own parameters");
}

#[test]
fn lines_of_errors_stay_when_parameters_change_the_text() {
    let source = format!(
        "const S = 0u;\n// param: the map\nconst MAP = array(\n    array(S, S),\n    array(S, S),\n);\n{TWO_HEADS}broken\n"
    );
    let line = source.lines().count();
    for values in [Values::new(), [("map".to_owned(), "SSS".to_owned())].into()] {
        let error = envs::from_source("world.wgsl", &source, &values).expect_err("broken").to_string();
        assert!(error.starts_with(&format!("world.wgsl:{line}: ")), "{error}");
    }
}

#[test]
fn an_observation_may_be_a_grid() {
    let world = TWO_HEADS.replacen("const ", "const OBS_SHAPE = array(1u, OBS_SIZE / 3u, 3);\nconst ", 1);
    let env = open(&world, &[]);
    assert_eq!(env.obs_shape, Shape::Grid { height: 1, width: 1, channels: 3 });
    assert_eq!(open(TWO_HEADS, &[]).obs_shape, Shape::Flat(3));
    let config = Config { hidden: vec![8], device: "cpu".into(), ..Config::default() };
    let plan = softq::agents::plan(&config, env).expect("a plan");
    assert_eq!(plan.groups[0].net.tensors()[0].shape, env.obs_shape);
}

#[test]
fn the_smallest_world_of_the_document_works() {
    let document = include_str!("../docs/your-own-environment.md");
    let source =
        document.split("```wgsl\n").nth(1).and_then(|rest| rest.split("```").next()).expect("example");
    let env = open(source, &[]);
    assert_eq!((env.obs_size, env.actions.outputs(), env.max_episode_steps), (1, 2, Some(100)));
}

/// Random play returns 0.5, and the multi-discrete agent must beat it clearly within a few thousand steps.
#[test]
fn an_agent_with_two_heads_catches_fireflies() {
    let Some(choice) = common::gpu() else { return };
    let config = Config {
        env: concat!(env!("CARGO_MANIFEST_DIR"), "/examples/custom_env/firefly.wgsl").into(),
        device: choice.address,
        total_timesteps: 3_000,
        learning_starts: 500,
        eval_frequency: 0,
        eval_episodes: 20,
        kl: true,
        ..Config::default()
    };
    let report = Trainer::new(&config).expect("trainer").run(&mut |_| Ok(())).expect("run");
    assert!(report.best().greedy.mean() > 5.0, "{:?}", report.best().greedy.returns);
}
