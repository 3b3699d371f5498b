//! An environment that returns a NaN or an infinity ends the run by name, in training, in evaluations and in rollouts, before
//! any threshold looks at it.

mod common;

use softq::config::Config;
use softq::envs;
use softq::error::Error;
use softq::gpu;
use softq::train::event::Event;
use softq::train::rollout;
use softq::train::trainer::Trainer;

fn small(env: &str, device: &str) -> Config {
    Config {
        env: env.into(),
        device: device.into(),
        total_timesteps: 40,
        learning_starts: 40,
        num_envs: 2,
        batch_size: 8,
        buffer_size: 64,
        hidden: vec![8],
        log_frequency: 20,
        eval_episodes: 3,
        ..Config::default()
    }
}

fn named(error: Error) -> [String; 4] {
    assert_eq!(error.exit_code(), 5, "{error}");
    let text = error.to_string();
    let Error::NotFinite { what, lane, step, during, .. } = error else { panic!("{error}") };
    assert!(text.contains(&format!("in lane {lane} at step {step} of {during}")), "{text}");
    [what.into(), lane.into(), step.into(), during.into()]
}

/// Runs to the error, which must be of the environment: what, lane, step, during.
fn fault(config: &Config) -> [String; 4] {
    let mut trainer = Trainer::new(config).expect("trainer");
    let outcome = trainer.run(&mut |event| {
        assert!(
            !matches!(event, Event::Best(_) | Event::Finished(_) | Event::Evaluation { .. }),
            "{config:?}"
        );
        Ok(())
    });
    named(outcome.expect_err("refused"))
}

/// A world that counts how often the same action came in a row. Random play, as in the check before training, seldom meets
/// long rows; a greedy agent, which sees the same observation all the time, takes nothing else.
fn world(reward: &str, observation: &str) -> String {
    format!(
        "const OBS_SIZE = 1u;
const NUM_ACTIONS = 2u;
const MAX_EPISODE_STEPS = 100u;
const REWARD_THRESHOLD = 50.0;
struct State {{ row: f32, last: f32, zero: f32 }}
fn reset(rng: ptr<function, Rng>) -> State {{ return State(0.0, 2.0, rng_uniform(rng) * 0.0); }}
fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {{
    (*state).row = select(1.0, (*state).row + 1.0, (*state).last == f32(action));
    (*state).last = f32(action);
    let s = *state;
    return Outcome({reward}, false);
}}
fn observe(state: State) -> array<f32, OBS_SIZE> {{
    let s = state;
    return array<f32, OBS_SIZE>({observation});
}}
"
    )
}

/// `f32` bits after a row of `length` equal actions, 1 before.
fn after_a_row(length: u32, bits: &str) -> String {
    format!("select(1.0, bitcast<f32>({bits} + bitcast<u32>(s.zero)), s.row >= {length}.0)")
}

#[test]
fn a_world_that_returns_no_number_is_named_with_lane_and_step() {
    let Some(choice) = common::gpu() else { return };
    let root = tempfile::tempdir().expect("temporary directory");
    let (infinite, nan) = (after_a_row(60, "0x7f800000u"), after_a_row(60, "0x7fc00000u"));
    for (name, text, what) in [
        ("reward_inf", world(&infinite, "1.0"), "a reward"),
        ("reward_nan", world(&nan, "1.0"), "a reward"),
        ("obs_inf", world("1.0", &infinite), "an observation"),
        ("obs_nan", world("1.0", &nan), "an observation"),
    ] {
        let file = root.path().join(format!("{name}.wgsl"));
        std::fs::write(&file, text).expect("write");
        let config = small(file.to_str().expect("path"), &choice.address);
        assert_eq!(fault(&config), [what, "0", "59", "an evaluation"].map(str::to_owned), "{name}");
    }
}

#[test]
fn a_rollout_names_the_step_as_well() {
    let Some(choice) = common::gpu() else { return };
    let root = tempfile::tempdir().expect("temporary directory");
    let file = root.path().join("reward.wgsl");
    std::fs::write(&file, world(&after_a_row(2, "0x7fc00000u"), "1.0")).expect("write");
    let env = envs::find(file.to_str().expect("path")).expect("environment");
    let mut executor = gpu::open(&choice).expect("executor");
    let error = rollout::random(env, executor.as_mut(), 3, 50, 0).expect_err("refused");
    let [what, lane, step, during] = named(error);
    assert_eq!((what.as_str(), lane.as_str(), during.as_str()), ("a reward", "0", "a rollout"));
    assert!(step.parse::<u32>().is_ok_and(|step| (1..50).contains(&step)), "{step}");
}

#[test]
fn a_parameter_that_makes_an_environment_overflow_is_seen_on_every_device() {
    let devices = ["cpu".to_owned()].into_iter().chain(common::gpu().map(|choice| choice.address));
    for device in devices {
        let config = Config { env_param: vec!["gravity=3e38".to_owned()], ..small("cartpole", &device) };
        let [what, _, _, during] = fault(&config);
        assert_eq!((what.as_str(), during.as_str()), ("an observation", "training"), "{device}");
        let population = Config { agents: 2, ..config };
        assert!(fault(&population)[1].contains("of agent 0"));
    }
}

/// Worlds that fail only in long rows of one action, which an agent learns and random play does not meet.
#[test]
fn learning_meets_what_random_play_does_not() {
    let Some(choice) = common::gpu() else { return };
    for (name, what) in [
        ("evalnan_reward_inf", "a reward"),
        ("evalnan_reward_nan", "a reward"),
        ("evalnan_obs_nan", "an observation"),
    ] {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/worlds/{name}.wgsl"));
        let config = Config {
            env: path.to_str().expect("path").into(),
            device: choice.address.clone(),
            total_timesteps: 20_000,
            hidden: vec![16],
            seed: 1,
            ..Config::default()
        };
        assert_eq!(fault(&config)[0], what, "{name}");
    }
}
