//! The training loop as a whole: same bits from the same seed, no host traffic, both executors, truncation, divergence.

mod common;

use softq::agents::{self, Plan};
use softq::config::{
    Backup, Config, Exploration, HiddenActivation, Init, LambdaBackup, Loss, OptimizerChoice, PathChoice,
    Replay, Temperature, Twin, ValueTransform,
};
use softq::engine::executor::{Executor, read_as, write_as};
use softq::engine::recording::BufferId;
use softq::envs;
use softq::gpu;
use softq::shared::agent::{Agent, Lane};
use softq::shared::transition::{TERMINATED, TRUNCATED};
use softq::train::event::{Event, Progress};
use softq::train::trainer::Trainer;

/// A run of a few hundred updates that touches every kernel.
fn small() -> Config {
    Config {
        total_timesteps: 1_500,
        num_envs: 3,
        learning_starts: 300,
        gradient_steps: 1,
        batch_size: 17,
        buffer_size: 700,
        hidden: vec![19, 13],
        log_frequency: 300,
        eval_frequency: 0,
        eval_episodes: 5,
        ..Config::default()
    }
}

/// The same with soft Q-learning.
fn soft_q() -> Config {
    Config { algo: "soft_q".into(), temperature: Temperature::Schedule, ..small() }
}

/// The same with discrete SAC.
fn sac_discrete() -> Config {
    Config { algo: "sac_discrete".into(), temperature: Temperature::LearnedExp, ..small() }
}

/// The same with soft PQN: rollouts of 4 steps, of which each update sees a half.
fn soft_pqn() -> Config {
    Config {
        algo: "soft_pqn".into(),
        train_frequency: 4,
        batch_size: 6,
        gradient_steps: 4,
        buffer_size: Config::default().buffer_size,
        ..small()
    }
}

/// Weights, of a policy too, and all rows of statistics of one run.
fn run(config: &Config) -> (Vec<u32>, Vec<Progress>) {
    let mut trainer = Trainer::new(config).expect("trainer");
    let mut rows = Vec::new();
    trainer
        .run(&mut |event| {
            if let Event::Progress(progress) = event {
                rows.push(Progress { wall_s: 0.0, ..progress.clone() });
            }
            Ok(())
        })
        .expect("run");
    (weights(&mut trainer), rows)
}

fn weights(trainer: &mut Trainer) -> Vec<u32> {
    let mut weights = trainer.read_buffer("weights").expect("weights");
    weights.extend(trainer.read_buffer("policy_weights").unwrap_or_default());
    weights
}

fn devices() -> Vec<String> {
    let mut devices = vec!["cpu".to_owned()];
    devices.extend(common::gpu().map(|choice| choice.address));
    devices
}

#[test]
fn the_same_seed_gives_the_same_bits_twice_and_another_seed_does_not() {
    for device in devices() {
        let config = Config { device: device.clone(), ..small() };
        let (weights, rows) = run(&config);
        let (weights_again, rows_again) = run(&config);
        assert_eq!(weights, weights_again, "{device}");
        assert_eq!(rows, rows_again, "{device}");
        assert_eq!(rows.len(), 5, "{device}: a row per 300 steps");
        assert!(rows[4].updates == 400 && rows[4].entropy.is_some(), "{device}: {:?}", rows[4]);
        let (other, _) = run(&Config { seed: 1, ..config });
        assert_ne!(weights, other, "{device}");
    }
}

fn open(plan: &Plan, device: &str) -> Box<dyn Executor> {
    let mut executor = gpu::open(&gpu::choose(device).expect("choice")).expect("device");
    executor.allocate(&plan.buffers).expect("memory");
    for (buffer, words) in &plan.init {
        executor.write(*buffer, words).expect("init");
    }
    executor
}

#[test]
fn an_iteration_is_at_most_19_dispatches_and_uploads_nothing() {
    let env = envs::find("cartpole").expect("cartpole");
    let every_backup = [Backup::ClippedLse, Backup::OnlinePolicy, Backup::Sampled, Backup::Max];
    for backup in every_backup {
        // Clipping on: the most dispatches the layered path can have.
        let config = Config { backup, max_grad_norm: 1.0, gradient_steps: 1, ..Config::default() };
        let plan = agents::plan(&config, env).expect("plan");
        let dispatches = plan.once(|_| true).dispatches.len();
        assert!(dispatches <= 19, "{backup:?}: {dispatches}");
        assert!(plan.explain(None).contains(&format!("{dispatches} dispatches, 0 bytes uploaded")));
    }
    let Some(choice) = common::gpu() else { return };
    let plan = agents::plan(&small(), env).expect("plan");
    let mut executor = open(&plan, &choice.address);
    let reset = executor.prepare(&plan.reset).expect("reset");
    let iteration = executor.prepare(&plan.once(|_| true)).expect("iteration");
    let metrics = executor.prepare(&plan.shards[0].metrics).expect("metrics");
    executor.submit(&[(reset, 1)], None).expect("submit");
    let before = executor.uploaded_bytes();
    assert!(before > 0, "weights and params were uploaded");
    for _ in 0..5 {
        executor
            .submit(&[(iteration, 20), (metrics, 1)], Some(plan.shards[0].metrics_out.id))
            .expect("submit");
    }
    assert_eq!(executor.uploaded_bytes(), before, "steady state moves nothing to the device");
    executor.wait().expect("wait");
    let rows = executor.collect().expect("collect");
    assert!(!rows.is_empty());
    let agents: Vec<Agent> = read_as(&mut *executor, plan.shards[0].records.id).expect("agents");
    assert_eq!(agents[0].updates, 100);
}

fn dqn() -> Config {
    Config { algo: "dqn".into(), temperature: Temperature::Fixed, ..small() }
}

#[test]
fn settings_that_an_algorithm_does_not_use_are_refused() {
    let env = envs::find("cartpole").expect("cartpole");
    let refused = |config: Config, parts: [&str; 2]| {
        let text = agents::plan(&config, env).err().expect("refused").to_string();
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    };
    refused(Config { double_q: true, ..small() }, ["double_q", "dqn"]);
    refused(Config { munchausen_scale: 0.5, ..dqn() }, ["munchausen_scale", "munchausen"]);
    refused(Config { backup: Backup::Max, ..dqn() }, ["backup", "sqn"]);
    refused(Config { temperature: Temperature::Learned, ..dqn() }, ["temperature", "learned"]);
    refused(Config { algo: "munchausen".into(), n_step: 3, ..dqn() }, ["n_step", "munchausen"]);
    refused(Config { temperature: Temperature::PerState, ..small() }, ["temperature", "sampled"]);
    refused(Config { kl: true, entropy_in_target: false, ..small() }, ["kl", "entropy_in_target"]);
    refused(Config { n_step_entropy: true, ..small() }, ["n_step_entropy", "n_step"]);
    refused(Config { n_step: 9, n_step_entropy: true, ..small() }, ["n_step", "at most 5"]);
    refused(
        Config { replay: Replay::Prioritized, batch_size: 2049, buffer_size: 4096, ..small() },
        ["batch_size", "2,048"],
    );
    refused(Config { entropy_penalty: 0.5, ..small() }, ["entropy_penalty", "sac_discrete"]);
    refused(Config { policy_learning_rate: 0.1, ..dqn() }, ["policy_learning_rate", "sac_discrete"]);
    refused(Config { backup: Backup::Max, ..sac_discrete() }, ["backup", "sqn"]);
    refused(Config { temperature: Temperature::PerState, ..sac_discrete() }, ["temperature", "learned_exp"]);
    refused(Config { kl: true, entropy_in_target: false, ..sac_discrete() }, ["kl", "entropy_in_target"]);
    refused(Config { q_lambda: 0.5, ..small() }, ["q_lambda", "soft_pqn"]);
    refused(Config { batch_size: 5, ..soft_pqn() }, ["batch_size", "= 12"]);
    refused(Config { gradient_steps: 3, ..soft_pqn() }, ["gradient_steps", "= 2"]);
    refused(Config { buffer_size: 700, ..soft_pqn() }, ["buffer_size", "without replay"]);
    refused(Config { polyak: 0.1, ..soft_pqn() }, ["polyak", "target networks"]);
    refused(Config { lambda_backup: LambdaBackup::Max, ..soft_pqn() }, ["temperature", "fixed"]);
    refused(Config { kl: true, entropy_in_target: false, ..soft_pqn() }, ["kl", "switched off"]);
    refused(Config { temperature: Temperature::PerState, ..soft_pqn() }, ["temperature", "learned_exp"]);
    refused(Config { init_gain: 2.0, ..small() }, ["init_gain", "torch_default"]);
}

#[test]
fn every_variant_trains_to_finite_weights_on_both_executors() {
    let variants = [
        Config { backup: Backup::OnlinePolicy, kl: true, ..small() },
        Config { backup: Backup::Sampled, temperature: Temperature::LearnedExp, ..small() },
        Config { backup: Backup::Max, loss: Loss::Huber, max_grad_norm: 0.5, ..small() },
        Config { temperature: Temperature::Schedule, loss: Loss::HalfMse, ..small() },
        Config {
            exploration: Exploration::Greedy,
            epsilon: 0.5,
            epsilon_final: 0.1,
            epsilon_decay_steps: 900,
            ..small()
        },
        Config { dueling: true, layer_norm: true, ..small() },
        Config { activation: HiddenActivation::Tanh, dueling: true, ..small() },
        Config { polyak: 1.0, target_update_interval: 50, temperature: Temperature::Fixed, ..small() },
        Config { n_step: 3, twin: Twin::Mean, ..small() },
        Config { n_step: 3, n_step_entropy: true, kl: true, backup: Backup::Max, ..small() },
        Config { replay: Replay::Prioritized, n_step: 2, ..small() },
        Config { entropy_in_target: false, activation: HiddenActivation::Silu, ..small() },
        Config {
            backup: Backup::Sampled,
            temperature: Temperature::PerState,
            entropy_in_target: false,
            init: Init::Orthogonal,
            output_gain: 0.0,
            ..small()
        },
        Config { init: Init::He, dueling: true, replay: Replay::Prioritized, ..dqn() },
        Config { double_q: true, n_step: 5, exploration: Exploration::Greedy, epsilon: 0.2, ..dqn() },
        Config { algo: "munchausen".into(), alpha: 0.03, init: Init::Glorot, ..dqn() },
        soft_q(),
        Config { target_network: false, kl: true, n_step: 3, ..soft_q() },
        Config { value_transform: ValueTransform::SignedLog, loss: Loss::Huber, ..soft_q() },
        Config { action_input: true, layer_norm: true, activation: HiddenActivation::Silu, ..soft_q() },
        Config { action_input: true, ..small() },
        sac_discrete(),
        Config { kl: true, twin: Twin::Mean, entropy_penalty: 0.5, n_step: 3, ..sac_discrete() },
        Config {
            twin: Twin::Off,
            entropy_in_target: false,
            replay: Replay::Prioritized,
            dueling: true,
            ..sac_discrete()
        },
        Config { exploration: Exploration::Greedy, epsilon: 0.3, action_input: true, ..sac_discrete() },
    ];
    for variant in variants {
        for device in devices() {
            let config = Config { device, total_timesteps: 600, ..variant.clone() };
            let (weights, rows) = run(&config);
            assert!(weights.iter().all(|w| f32::from_bits(*w).is_finite()), "{config:?}");
            let last = rows.last().expect("rows");
            assert_eq!(last.updates, 100, "{config:?}");
            let start = self::weights(&mut Trainer::new(&config).expect("trainer"));
            assert_ne!(weights, start, "{config:?} learned nothing");
        }
    }
}

#[test]
fn rollouts_train_to_the_same_bits_on_both_executors() {
    let hard = Config {
        lambda_backup: LambdaBackup::Max,
        temperature: Temperature::Fixed,
        exploration: Exploration::Greedy,
        epsilon: 0.3,
        ..soft_pqn()
    };
    let variants = [
        soft_pqn(),
        Config { kl: true, n_step_entropy: true, layer_norm: true, q_lambda: 0.9, ..soft_pqn() },
        Config {
            entropy_in_target: false,
            temperature: Temperature::Schedule,
            learning_starts: 0,
            ..soft_pqn()
        },
        Config { optimizer: OptimizerChoice::Radam, max_grad_norm: 0.5, batch_size: 12, ..soft_pqn() },
        Config { optimizer: OptimizerChoice::RadamOptax, max_grad_norm: 0.5, ..hard.clone() },
        Config { q_lambda: 0.0, dueling: true, num_envs: 1, batch_size: 1, ..hard },
    ];
    for variant in variants {
        let runs: Vec<_> = devices()
            .into_iter()
            .map(|device| run(&Config { device, total_timesteps: 600, ..variant.clone() }))
            .collect();
        let (weights, rows) = &runs[0];
        assert!(weights.iter().all(|w| f32::from_bits(*w).is_finite()), "{variant:?}");
        // Rollouts after the warm-up, each with its updates.
        let rollout = u64::from(variant.rollout());
        let rollouts = (600 - variant.learning_starts).div_ceil(rollout);
        assert_eq!(
            rows.last().expect("rows").updates,
            rollouts * u64::from(variant.gradient_steps),
            "{variant:?}"
        );
        let start = self::weights(
            &mut Trainer::new(&Config { device: "cpu".into(), ..variant.clone() }).expect("trainer"),
        );
        assert_ne!(*weights, start, "{variant:?} learned nothing");
        assert!(
            runs.iter().all(|(other, _)| other == weights),
            "{variant:?}: the same bits on every executor"
        );
    }
}

#[test]
fn a_policy_network_learns_with_an_optimiser_of_its_own_and_acts_without_alpha() {
    let of = |config: &Config| {
        let mut trainer = Trainer::new(config).expect("trainer");
        trainer.run(&mut |_| Ok(())).expect("run");
        ["weights", "policy_weights", "replay"].map(|name| trainer.read_buffer(name).expect("a buffer"))
    };
    let runs: Vec<_> = devices().into_iter().map(|device| of(&Config { device, ..sac_discrete() })).collect();
    assert!(runs.iter().all(|run| *run == runs[0]), "the same bits on every executor");
    // So slow a policy leaves the first update's Qs alone, and is left where it was.
    let env = envs::find("cartpole").expect("cartpole");
    let first = |policy_learning_rate: f64, alpha: f64| {
        let config =
            Config { policy_learning_rate, alpha, temperature: Temperature::Fixed, ..sac_discrete() };
        let plan = agents::plan(&config, env).expect("plan");
        let mut executor = open(&plan, "cpu");
        let [reset, act, learn] = [&plan.reset, &plan.act(), &plan.learn()]
            .map(|recording| executor.prepare(recording).expect("a program"));
        executor.submit(&[(reset, 1), (act, 110), (learn, 1)], None).expect("submit");
        let acted = executor.read(plan.shards[0].replay.id).expect("replay");
        (plan.weights_of(0, &mut *executor).expect("weights"), acted)
    };
    let [slow, fast, hot] = [first(1e-12, 0.2), first(1e-2, 0.2), first(1e-12, 50.0)];
    assert_eq!(slow.0[0], fast.0[0]);
    assert_ne!(slow.0[1], fast.0[1]);
    // The 10 steps after the warm-up were drawn from the same policy at either temperature.
    assert_eq!(slow.1, hot.1);
}

#[test]
fn schedules_and_hard_updates_do_what_they_say() {
    let config = Config {
        device: "cpu".into(),
        temperature: Temperature::Schedule,
        alpha: 0.5,
        alpha_final: 0.05,
        alpha_decay_steps: 1_000,
        epsilon: 1.0,
        epsilon_final: 0.1,
        epsilon_decay_steps: 1_000,
        polyak: 1.0,
        target_update_interval: 400,
        ..small()
    };
    let (weights, rows) = run(&config);
    let last = rows.last().expect("rows");
    assert!((last.alpha - 0.05).abs() < 1e-6 && (last.epsilon - 0.1).abs() < 1e-6, "{last:?}");
    // At step 600 of 1,000 the geometric schedule is at 0.5 * 0.1^0.6.
    assert!((rows[1].alpha - 0.5 * 0.1f64.powf(0.6)).abs() < 1e-3, "{:?}", rows[1]);
    // 400 updates: the last one copied both online nets into the targets.
    let half = weights.len() / 2;
    assert_eq!(weights[..half], weights[half..]);
}

#[test]
fn a_non_finite_loss_freezes_the_last_good_weights_and_ends_the_run() {
    for device in devices() {
        let env = envs::find("cartpole").expect("cartpole");
        let config = Config { device: device.clone(), reward_scale: 1.0, ..small() };
        let plan = agents::plan(&config, env).expect("plan");
        let mut executor = open(&plan, &device);
        let act = executor.prepare(&plan.act()).expect("act");
        let learn = executor.prepare(&plan.learn()).expect("learn");
        let reset = executor.prepare(&plan.reset).expect("reset");
        executor.submit(&[(reset, 1), (act, 50), (learn, 3)], None).expect("submit");
        let good = executor.read(plan.shards[0].groups[0].weights.id).expect("weights");
        // A poisoned replay: every reward is infinite.
        let index = plan.buffers.decls.iter().position(|decl| decl.name == "replay").expect("replay");
        let replay = BufferId(index as u32);
        let mut words: Vec<u32> = read_as(&mut *executor, replay).expect("replay");
        let layout = env.transition();
        for transition in words.chunks_mut(layout.words()) {
            transition[layout.reward_at()] = f32::INFINITY.to_bits();
        }
        write_as(&mut *executor, replay, &words).expect("poison");
        executor.submit(&[(learn, 5)], None).expect("submit");
        let agents: Vec<Agent> = read_as(&mut *executor, plan.shards[0].records.id).expect("agents");
        assert_eq!(agents[0].nonfinite, 4, "{device}: named by its update");
        assert_eq!(agents[0].updates, 3, "{device}: no further update counts");
        assert_eq!(
            executor.read(plan.shards[0].groups[0].weights.id).expect("weights"),
            good,
            "{device}: weights are kept"
        );
    }

    // Rewards near the largest f32 make the squared error overflow in a real run.
    let config = Config { device: "cpu".into(), reward_scale: 1e30, ..small() };
    let mut trainer = Trainer::new(&config).expect("trainer");
    let error = trainer.run(&mut |_| Ok(())).expect_err("diverges");
    assert_eq!(error.exit_code(), 5, "{error}");
    let weights = trainer.weights().expect("weights");
    assert!(weights.iter().all(|tensor| tensor.values.iter().all(|w| w.is_finite())));
}

#[test]
fn truncation_bootstraps_and_termination_does_not() {
    // A balanced pole that nobody touches for long: put lanes one step before the limit, and one beyond the track.
    for device in devices() {
        let env = envs::find("cartpole").expect("cartpole");
        let config = Config { device: device.clone(), num_envs: 2, buffer_size: 4, batch_size: 4, ..small() };
        let plan = agents::plan(&config, env).expect("plan");
        let mut executor = open(&plan, &device);
        let reset = executor.prepare(&plan.reset).expect("reset");
        let act = executor.prepare(&plan.act()).expect("act");
        executor.submit(&[(reset, 1)], None).expect("submit");
        let id = |name: &str| {
            let index = plan.buffers.decls.iter().position(|decl| decl.name == name).expect("buffer");
            BufferId(index as u32)
        };
        let mut lanes: Vec<Lane> = read_as(&mut *executor, id("env_lanes")).expect("lanes");
        lanes.iter_mut().for_each(|lane| (lane.episode_step, lane.episode_return) = (499, 499.0));
        write_as(&mut *executor, id("env_lanes"), &lanes).expect("lanes");
        let states = [[0.0f32; 4], [2.399, 10.0, 0.0, 0.0]];
        write_as(&mut *executor, id("env_state"), &states).expect("states");
        write_as(&mut *executor, id("env_obs"), &states).expect("obs");
        executor.submit(&[(act, 1)], None).expect("submit");
        let replay: Vec<u32> = read_as(&mut *executor, id("replay")).expect("replay");
        let obs: Vec<f32> = read_as(&mut *executor, id("env_obs")).expect("obs");
        let lanes: Vec<Lane> = read_as(&mut *executor, id("env_lanes")).expect("lanes");
        let layout = env.transition();
        let (truncated, both) = replay[..2 * layout.words()].split_at(layout.words());
        assert_eq!(
            truncated[layout.ended_at()],
            TRUNCATED,
            "{device}: truncation alone is not stored as terminal"
        );
        assert_eq!(both[layout.ended_at()], TERMINATED, "{device}: termination at the limit is terminal");
        let final_x = f32::from_bits(both[layout.next_obs_at()]);
        assert!(final_x > 2.4, "{device}: the true final observation is stored, not the reset one");
        assert!(obs.iter().all(|x| x.abs() < 0.05), "{device}: acting goes on from the reset observation");
        for lane in lanes {
            assert_eq!((lane.episodes, lane.first_return, lane.episode_step), (1, 500.0, 0), "{device}");
        }
    }
}

/// The fused path sums in the order of the layered one: whole runs end with the same bits, for every algorithm.
#[test]
fn the_fused_path_gives_the_bits_of_the_layered_one() {
    let narrow = Config { hidden: vec![20, 12], ..small() };
    let cases = [
        narrow.clone(),
        Config { backup: Backup::OnlinePolicy, activation: HiddenActivation::Tanh, ..narrow.clone() },
        Config { env: "catch".into(), hidden: vec![36], max_grad_norm: 0.5, ..narrow.clone() },
        Config {
            algo: "dqn".into(),
            hidden: vec![8, 16, 12],
            temperature: Temperature::Fixed,
            ..narrow.clone()
        },
        Config { algo: "munchausen".into(), temperature: Temperature::Fixed, ..narrow.clone() },
        Config { hidden: vec![20, 12], entropy_penalty: 0.5, ..sac_discrete() },
        Config { agents: 3, sweep: vec!["learning_rate=0.001,0.01,0.0001".into()], ..narrow },
    ];
    for device in devices() {
        for config in &cases {
            let on = |path| run(&Config { device: device.clone(), path, ..config.clone() });
            let (layered, layered_rows) = on(PathChoice::Layered);
            let (fused, fused_rows) = on(PathChoice::Fused);
            assert!(layered.iter().any(|word| *word != 0), "{device}: {config:?}");
            assert_eq!(layered, fused, "{device}: {config:?}");
            assert_eq!(layered_rows, fused_rows, "{device}: {config:?}");
        }
    }
}

#[test]
fn a_fused_iteration_is_a_few_dispatches_and_a_network_that_cannot_be_fused_is_refused() {
    let env = envs::find("cartpole").expect("cartpole");
    let fused = Config { hidden: vec![120, 84], path: PathChoice::Fused, ..Config::default() };
    let count = |config: &Config| agents::plan(config, env).expect("a plan").once(|_| true).dispatches.len();
    assert_eq!(count(&Config { path: PathChoice::Layered, ..fused.clone() }), 19);
    assert_eq!(count(&fused), 12);
    for config in [
        Config { hidden: vec![256], ..fused.clone() },
        Config { layer_norm: true, ..fused.clone() },
        Config { hidden: vec![30], ..fused.clone() },
    ] {
        let error = agents::plan(&config, env).map(|_| ()).expect_err("refused").to_string();
        assert!(error.contains("path") && error.contains("layered"), "{error}");
    }
}

#[test]
fn evaluations_are_played_in_worlds_of_their_own() {
    let env_param = vec!["gravity=uniform(5,15)".to_owned()];
    let config = Config { env_param, num_envs: 32, eval_episodes: 32, ..small() };
    let env = envs::open(&config.env, &config.env_values().expect("values")).expect("environment");
    let plan = agents::plan(&config, env).expect("plan");
    let [trained, evaluated] = ["env_params", "eval_params"].map(|name| {
        let index = plan.buffers.decls.iter().position(|decl| decl.name == name).expect(name);
        let contents = plan.init.iter().find(|(buffer, _)| buffer.0 as usize == index).expect(name);
        contents.1.chunks(env.param_words() as usize).map(<[u32]>::to_vec).collect::<Vec<_>>()
    });
    assert_eq!((trained.len(), evaluated.len()), (32, 32));
    assert!(evaluated.iter().all(|world| !trained.contains(world)));
}

#[test]
fn a_run_is_solved_where_a_second_set_of_episodes_says_so_at_its_end_too() {
    let run = |total_timesteps| {
        let config = Config {
            env: "catch".into(),
            device: "cpu".into(),
            eval_frequency: 0,
            total_timesteps,
            ..Config::default()
        };
        Trainer::new(&config).expect("trainer").run(&mut |_| Ok(())).expect("run")
    };
    let report = run(6_000);
    assert_eq!(report.best().solved_at_env_steps, Some(report.env_steps));
    assert_eq!(run(64).best().solved_at_env_steps, None);
}
