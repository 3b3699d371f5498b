//! A temperature for every head of a multi-discrete action: kept apart, learned from each head's own entropy, saved and loaded.

mod common;

use softq::agents::{self, Capabilities, Plan};
use softq::config::{Config, TargetEntropy};
use softq::engine::executor::{Executor, read_as};
use softq::envs;
use softq::gpu;
use softq::shared::agent::Agent;
use softq::train::run_dir::{CONFIG_FILE, MODEL_FILE};
use softq::train::saved_run::{SavedRun, Which};
use softq::train::trainer::Trainer;

/// Three heads of 2, 3 and 4 actions; the reward tells of the first alone, so that only its values come to differ. A world of a
/// file needs a device that runs shaders.
const WORLD: &str = "tests/data/three_heads.wgsl";

fn small() -> Config {
    Config {
        env: WORLD.into(),
        total_timesteps: 1_200,
        num_envs: 4,
        learning_starts: 200,
        gradient_steps: 2,
        batch_size: 33,
        buffer_size: 1_000,
        hidden: vec![16],
        learning_rate: 0.01,
        eval_frequency: 0,
        eval_episodes: 5,
        alpha_per_head: true,
        alpha_learning_rate: 0.01,
        target_entropy: TargetEntropy::Ratio(0.5),
        kl: true,
        device: "cpu".into(),
        ..Config::default()
    }
}

/// Where to train: two lifts on the CPU executor, three heads on a device.
fn places() -> Vec<(Config, String)> {
    let mut places = vec![(Config { env: "tray".into(), ..small() }, "cpu".to_owned())];
    places.extend(common::gpu().map(|choice| (small(), choice.address)));
    places
}

/// Weights, records and `ln alpha` of every agent after `iterations`.
fn train(config: &Config, device: &str, iterations: u32) -> Vec<(Vec<u32>, Agent, Vec<f32>)> {
    let env = envs::open(&config.env, &Default::default()).expect("environment");
    let plan: Plan = agents::plan_relative(config, env, Capabilities::default(), None).expect("plan");
    let mut executor: Box<dyn Executor> = gpu::open(&gpu::choose(device).expect("choice")).expect("device");
    executor.allocate(&plan.buffers).expect("memory");
    for (buffer, words) in &plan.init {
        executor.write(*buffer, words).expect("init");
    }
    let reset = executor.prepare(&plan.reset).expect("reset");
    let [act, learn] = [plan.act(), plan.learn()].map(|of| executor.prepare(&of).expect("program"));
    executor.submit(&[(reset, 1), (act, 60)], None).expect("warm-up");
    for _ in 0..iterations {
        executor.submit(&[(act, 1), (learn, 1)], None).expect("iteration");
    }
    let records: Vec<Agent> = read_as(&mut *executor, plan.shards[0].records.id).expect("records");
    (0..plan.members.len())
        .map(|agent| {
            let weights = plan.weights_of(agent, &mut *executor).expect("weights");
            let log_alphas = plan.log_alphas_of(agent, &mut *executor).expect("temperatures");
            let bits = weights.concat().iter().map(|w| w.to_bits()).collect();
            (bits, records[agent], log_alphas)
        })
        .collect()
}

#[test]
fn equal_temperatures_of_heads_are_one_shared_temperature() {
    for (config, device) in places() {
        // Clamped so that it cannot move.
        let shared = Config { alpha: 0.1, alpha_min: 0.1, alpha_max: 0.1, alpha_per_head: false, ..config };
        let [one, each] = [shared.clone(), Config { alpha_per_head: true, ..shared.clone() }]
            .map(|config| train(&config, &device, 40).remove(0));
        assert_eq!(one.0, each.0, "{device}: the weights");
        assert_eq!(one.2.len(), 1);
        assert!(each.2.iter().all(|log_alpha| *log_alpha == one.2[0]), "{device}: {:?}", each.2);
    }
}

#[test]
fn each_head_follows_its_own_entropy() {
    for (config, device) in places() {
        let (_, record, log_alphas) = train(&config, &device, 300).remove(0);
        // The record has the first head's temperature back.
        let first = softq::shared::math::exp_f32(log_alphas[0]);
        assert_eq!((record.log_alpha, record.alpha), (log_alphas[0], first), "{device}");
        assert!(log_alphas[1..].iter().all(|later| *later != log_alphas[0]), "{device}: {log_alphas:?}");
        if config.env != WORLD {
            continue;
        }
        // Nothing is to be gained by the second and third head: almost uniform, their entropy is above its target, and their
        // temperatures fall, one step size with every update. That of the first has something to weigh.
        let [first, later @ ..] = &log_alphas[..] else { panic!("three heads") };
        for log_alpha in later {
            assert!(*log_alpha < 0.2f32.ln() - 0.5, "{device}: {log_alphas:?}");
        }
        assert!(first > &later[0] && first > &later[1], "{device}: {log_alphas:?}");
    }
}

#[test]
fn agents_of_a_population_keep_their_heads_apart() {
    for (config, device) in places() {
        let population = Config { agents: 3, sweep: vec!["alpha=0.2,0.05,0.5".into()], ..config };
        let members = population.members().expect("members");
        let all = train(&population, &device, 30);
        for (member, together) in members.iter().zip(&all) {
            let alone =
                train(&Config { agents: 1, sweep: Vec::new(), ..member.clone() }, &device, 30).remove(0);
            assert_eq!((&alone.0, &alone.2), (&together.0, &together.2), "{device}");
        }
    }
}

#[test]
fn the_temperatures_are_saved_and_loaded() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let config = Config { device: "gpu".into(), ..small() };
    let mut trainer = Trainer::new(&config).expect("trainer");
    trainer.run(&mut |_| Ok(())).expect("training");
    let weights = trainer.last_weights().expect("weights");
    let saved =
        weights.tensors.iter().find(|tensor| tensor.name == "log_alpha").expect("temperatures").clone();
    assert_eq!(saved.shape, [3]);
    let bytes = softq::train::model_file::model_bytes(&weights).expect("bytes");
    std::fs::write(dir.path().join(MODEL_FILE), bytes).expect("write");
    std::fs::write(dir.path().join(CONFIG_FILE), toml::to_string(&config).expect("toml")).expect("write");
    std::fs::copy(WORLD, dir.path().join("environment.wgsl")).expect("copy");
    let run = SavedRun::load(dir.path(), Which::Last).expect("load");
    assert_eq!(run.log_alphas, saved.values);
    for softmax in [false, true] {
        let mut executor = gpu::open(&gpu::choose("gpu").expect("choice")).expect("device");
        let report = softq::train::rollout::agent(&run, softmax, &mut *executor, 8, 40, 1).expect("play");
        assert_eq!(report.env_steps, 320);
    }
}

#[test]
fn one_head_or_a_temperature_that_is_given_is_refused() {
    let error = |config: Config| Trainer::new(&config).err().expect("refused").to_string();
    let text = error(Config { env: "cartpole".into(), ..small() });
    assert!(text.contains("alpha_per_head") && text.contains("false with one action per step"), "{text}");
    let text = error(Config { temperature: softq::config::Temperature::Fixed, ..small() });
    assert!(text.contains("alpha_per_head") && text.contains("--temperature learned"), "{text}");
}
