//! Populations: every agent is the run that its settings would give alone, on every executor, however its memory is split.

mod common;

use softq::agents::{self, Capabilities, Plan};
use softq::config::{Backup, Config, Temperature};
use softq::engine::executor::{Executor, read_as};
use softq::envs;
use softq::gpu;
use softq::shared::agent::Agent;
use softq::train::event::Event;
use softq::train::run_dir::RunDir;
use softq::train::saved_run::{SavedRun, Which};
use softq::train::sinks::train_in;
use softq::train::trainer::Trainer;

fn small() -> Config {
    Config {
        total_timesteps: 900,
        num_envs: 3,
        learning_starts: 300,
        gradient_steps: 1,
        batch_size: 17,
        buffer_size: 700,
        hidden: vec![19, 13],
        log_frequency: 300,
        eval_frequency: 0,
        eval_episodes: 5,
        env_param: vec!["gravity=uniform(5,15)".into()],
        ..Config::default()
    }
}

/// Discrete SAC, whose policies have step sizes of their own.
fn policies() -> Config {
    let sweep = vec!["policy_learning_rate=1e-3,3e-4".into()];
    Config { algo: "sac_discrete".into(), entropy_penalty: 0.5, sweep, ..population() }
}

/// Soft PQN, whose agents mix their returns and take their steps differently.
fn rollouts() -> Config {
    Config {
        algo: "soft_pqn".into(),
        train_frequency: 4,
        batch_size: 4,
        gradient_steps: 6,
        buffer_size: Config::default().buffer_size,
        n_step_entropy: true,
        layer_norm: true,
        agents: 4,
        sweep: vec!["q_lambda=0.65,0.9".into(), "optimizer=adam,radam".into()],
        ..small()
    }
}

fn population() -> Config {
    Config { agents: 5, sweep: vec!["learning_rate=1e-3,3e-4".into()], ..small() }
}

fn devices() -> Vec<String> {
    let mut devices = vec!["cpu".to_owned()];
    devices.extend(common::gpu().map(|choice| choice.address));
    devices
}

/// Weights and learner state of every agent after some iterations.
fn train(plan: &Plan, device: &str) -> Vec<(Vec<u32>, Agent)> {
    let mut executor: Box<dyn Executor> = gpu::open(&gpu::choose(device).expect("choice")).expect("device");
    executor.allocate(&plan.buffers).expect("memory");
    for (buffer, words) in &plan.init {
        executor.write(*buffer, words).expect("init");
    }
    let reset = executor.prepare(&plan.reset).expect("reset");
    let act = executor.prepare(&plan.act()).expect("act");
    let iteration = executor.prepare(&plan.once(|_| true)).expect("iteration");
    executor.submit(&[(reset, 1), (act, 100), (iteration, 60)], None).expect("submit");
    let mut agents = Vec::new();
    for shard in &plan.shards {
        let records: Vec<Agent> = read_as(&mut *executor, shard.records.id).expect("records");
        for (agent, record) in (shard.first as usize..).zip(records) {
            let weights = plan.weights_of(agent, &mut *executor).expect("weights").concat();
            agents.push((weights.iter().map(|weight| weight.to_bits()).collect(), record));
        }
    }
    agents
}

#[test]
fn an_agent_of_a_population_is_the_run_of_its_own_settings() {
    let env = |config: &Config| envs::open("cartpole", &config.env_values().expect("values")).expect("env");
    for config in [population(), policies()] {
        let plan = agents::plan(&config, env(&config)).expect("plan");
        let members = config.members().expect("members");
        assert_eq!((plan.shards.len(), members.len()), (1, 5));
        for device in devices() {
            let together = train(&plan, &device);
            assert_ne!(together[0].0, together[1].0, "another learning rate");
            assert_ne!(together[0].0, together[2].0, "another seed");
            for (agent, member) in members.iter().enumerate() {
                let alone = train(&agents::plan(member, env(member)).expect("plan"), &device);
                assert_eq!(alone[0].1.updates, 60);
                assert!(together[agent] == alone[0], "{device}: agent {agent} differs from its run alone");
            }
        }
    }
}

#[test]
fn an_agent_that_learns_from_rollouts_is_the_run_of_its_own_settings() {
    let run = |config: &Config| {
        let mut trainer = Trainer::new(config).expect("trainer");
        trainer.run(&mut |_| Ok(())).expect("run");
        trainer.read_buffer("weights").expect("weights")
    };
    let members = rollouts().members().expect("members");
    for device in devices() {
        let together = run(&Config { device: device.clone(), ..rollouts() });
        let each = together.len() / members.len();
        let agents: Vec<&[u32]> = together.chunks(each).collect();
        for (agent, member) in members.iter().enumerate() {
            let alone = run(&Config { device: device.clone(), ..member.clone() });
            assert!(agents[agent] == alone, "{device}: agent {agent} differs from its run alone");
            assert!(agents[..agent].iter().all(|other| other != &agents[agent]), "{device}: {member:?}");
        }
    }
}

#[test]
fn shards_change_nothing_but_the_longest_buffer() {
    let config = population();
    let env = envs::open("cartpole", &config.env_values().expect("values")).expect("env");
    let whole = agents::plan(&config, env).expect("plan");
    let limit = whole.buffers.longest_bytes() / 2;
    let split = agents::plan_for(&config, env, Capabilities { hardware: false, max_buffer_bytes: limit })
        .expect("plan");
    let sizes: Vec<(u32, u32)> = split.shards.iter().map(|shard| (shard.first, shard.agents)).collect();
    assert_eq!(sizes, [(0, 2), (2, 2), (4, 1)]);
    assert!(split.buffers.longest_bytes() <= limit);
    assert!(split.buffers.decls.iter().any(|decl| decl.name == "replay of agents 2 and on"));
    for device in devices() {
        assert!(train(&whole, &device) == train(&split, &device), "{device}");
    }
    let config = policies();
    let whole = agents::plan(&config, env).expect("plan");
    let limit = whole.buffers.longest_bytes() / 2;
    let split = agents::plan_for(&config, env, Capabilities { hardware: false, max_buffer_bytes: limit });
    let split = split.expect("plan");
    assert_eq!(split.shards.len(), 3);
    for device in devices() {
        assert!(train(&whole, &device) == train(&split, &device), "{device}: with policies");
    }
}

#[test]
fn an_agent_that_diverges_is_left_behind_and_ranked_last() {
    for device in devices() {
        let config = Config { device, sweep: vec!["reward_scale=1e38,1".into()], ..small() };
        let mut trainer = Trainer::new(&config).expect("trainer");
        let mut warnings = Vec::new();
        let report = trainer
            .run(&mut |event| {
                if let Event::Warning(text) = event {
                    warnings.push(text.clone());
                }
                Ok(())
            })
            .expect("the other agent goes on");
        assert!(report.members[0].diverged_at_update.is_some(), "{:?}", report.members[0]);
        assert_eq!((report.members[1].diverged_at_update, report.best), (None, 1));
        assert_eq!(report.updates, 200);
        let told = warnings.iter().filter(|text| text.contains("agent 0 diverged")).count();
        assert_eq!(told, 1, "{warnings:?}");
        let best = trainer.weights().expect("weights");
        assert!(best.iter().all(|tensor| tensor.values.iter().all(|value| value.is_finite())));
    }
}

/// The weights of a population's best agent act with that agent's own settings.
#[test]
fn the_best_agent_plays_by_its_own_settings() {
    let root = tempfile::tempdir().expect("temporary directory");
    let config = Config {
        device: "cpu".into(),
        temperature: Temperature::PerState,
        backup: Backup::Sampled,
        entropy_in_target: false,
        agents: 2,
        sweep: vec!["target_entropy=0.05,0.68".into()],
        ..small()
    };
    for seed in 0..3 {
        let dir = root.path().join(seed.to_string());
        let mut trainer = Trainer::new(&Config { seed, ..config.clone() }).expect("trainer");
        let dir = RunDir::create(&dir).expect("directory");
        let report =
            train_in(&mut trainer, dir.clone(), &Default::default(), &mut |_| Ok(())).expect("trained");
        let load = |which| SavedRun::load(dir.path(), which).expect("loaded");
        let (last, own) = (load(Which::Last), load(Which::Agent(report.best)));
        assert_eq!(last.weights, own.weights);
        assert_eq!(last.config, own.config);
        let best = report.best_evaluated.expect("evaluated").agent;
        assert_eq!(load(Which::Best).config, load(Which::Agent(best)).config);
    }
}

#[test]
fn a_population_of_diverged_agents_ends_the_run() {
    let config = Config { device: "cpu".into(), agents: 2, reward_scale: 1e38, ..small() };
    let mut trainer = Trainer::new(&config).expect("trainer");
    let error = trainer.run(&mut |_| Ok(())).expect_err("nobody is left");
    assert_eq!(error.exit_code(), 5);
}

/// Of two agents the one whose episodes end is the better one, though the other's mean so far is higher: 10 steps of -0.1 beside -2.
#[test]
fn episodes_that_do_not_end_are_no_better_where_steps_cost() {
    let root = tempfile::tempdir().expect("temporary directory");
    let config = Config {
        env: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/costly_way.wgsl").into(),
        algo: "dqn".into(),
        temperature: Temperature::Fixed,
        device: "cpu".into(),
        total_timesteps: 6_000,
        eval_frequency: 1_000,
        eval_episodes: 4,
        eval_max_steps: 10,
        hidden: vec![8],
        learning_rate: 1e-2,
        polyak: 0.2,
        stop_when_solved: false,
        agents: 2,
        sweep: vec!["gamma=0.5,0.99".into()],
        ..Config::default()
    };
    let mut trainer = Trainer::new(&config).expect("trainer");
    let dir = RunDir::create(root.path()).expect("directory");
    let report = train_in(&mut trainer, dir.clone(), &Default::default(), &mut |_| Ok(())).expect("trained");
    let [near, far] = &report.members[..] else { panic!("two agents") };
    assert!(near.cut && near.greedy.mean() > -1.5, "{:?}", near.greedy);
    assert!(!far.cut && far.greedy.mean() == -2.0, "{:?}", far.greedy);
    assert_eq!(report.best, 1);
    let best = report.best_evaluated.expect("evaluated");
    assert!(best.agent == 1 && best.mean == -2.0 && !best.cut, "{best:?}");
}
