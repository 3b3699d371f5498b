//! Kernels of whole iterations: valid for every algorithm and environment, translated for every driver, and bit for bit what the
//! kernels one by one leave, however many iterations a dispatch runs.

mod common;

use rayon::prelude::*;
use softq::agents::{self, Plan};
use softq::config::{Config, PathChoice, Replay, Temperature};
use softq::engine::env::Env;
use softq::engine::executor::{Executor, Program};
use softq::engine::merge::{Arenas, Merged, merge};
use softq::engine::recording::{BufferId, Recording};
use softq::engine::translate::{Language, translate};
use softq::engine::variant::parse;
use softq::envs;
use softq::gpu;
use softq::train::presets;
use softq::train::trainer::Trainer;

/// Storage buffers and bytes of workgroup memory of every device with WebGPU, and those of all that are known to have more.
const CORE: (usize, u32) = (8, 16_384);
const COMMON: (usize, u32) = (10, 32_768);

fn preset(env: &str, algo: &str) -> Option<Config> {
    let mut table = presets::preset(env, algo)?;
    table.insert("env".into(), env.into());
    table.insert("algo".into(), algo.into());
    Some(table.try_into().expect("preset keys are config keys"))
}

/// Every preset that can be merged, on both paths of its networks.
fn mergeable() -> Vec<Config> {
    let all = envs::registry().iter().flat_map(|env| {
        agents::ALGORITHMS.iter().filter_map(|algo| {
            let fits = algo.continuous == (env.actions.outputs() == 0);
            // Its bandwidth takes workgroups of 256.
            preset(&env.id, algo.name).filter(|_| fits && algo.name != "soft_q_svgd")
        })
    });
    let paths = |config: Config| {
        [PathChoice::Layered, PathChoice::Fused].map(|path| Config { path, ..config.clone() })
    };
    all.flat_map(paths).collect()
}

fn merged(name: &str, plan: &Plan, env: &'static Env) -> Merged {
    let phases: Vec<(&Recording, u32)> =
        plan.phases.iter().map(|phase| (&phase.recording, phase.repeats)).collect();
    merge(&phases, &Arenas::of(&plan.buffers, env)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_preset_is_a_kernel_for_every_driver() {
    let judged: Vec<(usize, u32)> = mergeable()
        .into_par_iter()
        .filter_map(|config| {
            let env = envs::open(&config.env, &config.env_values().expect("pairs")).expect("environment");
            // Not every network goes on the fused path.
            let plan = agents::plan(&Config { agents: 3, ..config.clone() }, env).ok()?;
            let name = format!("{} {} {:?}", config.env, config.algo, config.path);
            let merged = merged(&name, &plan, env);
            let (module, _) = parse(&merged.text).unwrap_or_else(|error| panic!("{name}: {error}"));
            for language in [Language::Spirv, Language::Msl, Language::Hlsl, Language::Glsl] {
                translate(&name, &merged.text, language).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
            assert_eq!(merged.agents, 3, "{name}");
            assert_eq!(merged.dispatches as usize, plan.dispatches(), "{name}");
            let mut layouts = naga::proc::Layouter::default();
            layouts.update(module.to_ctx()).expect("sizes");
            let memory: u32 = module
                .global_variables
                .iter()
                .filter(|(_, variable)| variable.space == naga::AddressSpace::WorkGroup)
                .map(|(_, variable)| layouts[variable.ty].size)
                .sum();
            assert!(
                merged.types.len() <= COMMON.0 && memory <= COMMON.1,
                "{name}: {}, {memory}",
                merged.types.len()
            );
            Some((merged.types.len(), memory))
        })
        .collect();
    let core = judged.iter().filter(|(buffers, memory)| *buffers <= CORE.0 && *memory <= CORE.1).count();
    println!("{} kernels, {core} of them within WebGPU's core limits", judged.len());
    assert!(judged.len() >= 100 && core >= 50, "{} kernels, {core} within core limits", judged.len());
}

/// The memory after the start, some steps without updates, and iterations in groups of these sizes.
fn memory_after(executor: &mut dyn Executor, plan: &Plan, groups: &[u32]) -> Vec<Vec<u32>> {
    executor.allocate(&plan.buffers).expect("memory");
    for (buffer, words) in &plan.init {
        executor.write(*buffer, words).expect("contents");
    }
    let mut prepare = |recording: &Recording| executor.prepare(recording).expect("program");
    let reset = prepare(&plan.reset);
    let metrics = prepare(&plan.shards[0].metrics);
    let phases: Vec<(Program, u32)> =
        plan.phases.iter().map(|phase| (prepare(&phase.recording), phase.repeats)).collect();
    executor.submit(&[(reset, 1)], None).expect("reset");
    // Not at all is a number of times, too.
    executor.submit(&[(phases[0].0, 0)], None).expect("no steps");
    executor.submit(&[(phases[0].0, 7)], None).expect("steps");
    for count in groups {
        let iterations: Vec<_> = std::iter::repeat_n(&phases, *count as usize).flatten().copied().collect();
        executor.submit(&iterations, None).expect("iterations");
    }
    executor.submit(&[(metrics, 1)], None).expect("statistics");
    let buffers = 0..plan.buffers.decls.len() as u32;
    buffers.map(|buffer| executor.read(BufferId(buffer)).expect("contents")).collect()
}

fn assert_same(plan: &Plan, name: &str, want: &[Vec<u32>], got: &[Vec<u32>]) {
    for ((decl, want), got) in plan.buffers.decls.iter().zip(want).zip(got) {
        let different = want.iter().zip(got).filter(|(want, got)| want != got).count();
        assert_eq!(different, 0, "{name}: {different} of {} words of {}", want.len(), decl.name);
    }
    assert!(want.iter().flatten().any(|word| *word != 0), "{name}: nothing was computed");
}

/// A population in worlds of their own, whose sizes are no multiples of anything.
fn population() -> Config {
    Config {
        num_envs: 3,
        gradient_steps: 2,
        batch_size: 17,
        buffer_size: 60,
        hidden: vec![19, 13],
        eval_episodes: 2,
        env_param: vec!["gravity=uniform(5,15)".into()],
        agents: 3,
        sweep: vec!["learning_rate=1e-3,3e-4".into()],
        n_step: 3,
        ..Config::default()
    }
}

#[test]
fn iterations_leave_the_bits_of_the_kernels_one_by_one() {
    let Some(choice) = common::gpu() else { return };
    let fused = Config {
        hidden: vec![20, 12],
        path: PathChoice::Fused,
        algo: "munchausen".into(),
        temperature: Temperature::Fixed,
        n_step: 1,
        ..population()
    };
    for (name, config) in [("layered", population()), ("fused", fused)] {
        let env = envs::open(&config.env, &config.env_values().expect("pairs")).expect("environment");
        let plan = agents::plan(&config, env).expect("plan");
        let mut plain = gpu::open(&choice).expect("device");
        let want = memory_after(&mut *plain, &plan, &[5, 1, 3]);
        drop(plain);
        let mut merging = gpu::open_merging(&choice, env).expect("device");
        let got = memory_after(&mut *merging, &plan, &[5, 1, 3]);
        assert_same(&plan, name, &want, &got);
        // The programs by themselves, and a group of nine as dispatches of eight and one.
        let got = memory_after(&mut *merging, &plan, &[1; 9]);
        assert_same(&plan, &format!("{name}, one by one"), &want, &got);
        let got = memory_after(&mut *merging, &plan, &[9]);
        assert_same(&plan, &format!("{name}, all at once"), &want, &got);
    }
}

#[test]
fn what_cannot_be_merged_says_why() {
    let error = |config: Config| {
        let env = envs::open(&config.env, &Default::default()).expect("environment");
        let plan = agents::plan(&config, env).expect("plan");
        let phases: Vec<(&Recording, u32)> =
            plan.phases.iter().map(|phase| (&phase.recording, phase.repeats)).collect();
        merge(&phases, &Arenas::of(&plan.buffers, env)).expect_err("refused").to_string()
    };
    let prioritized = error(Config {
        algo: "dqn".into(),
        replay: Replay::Prioritized,
        temperature: Temperature::Fixed,
        ..Config::default()
    });
    assert!(prioritized.contains("priority_insert") && prioritized.contains("256"), "{prioritized}");
    let choice = gpu::choose("cpu").expect("always there");
    let refused = gpu::open_merging(&choice, envs::find("catch").expect("built in")).err().expect("no GPU");
    assert_eq!(refused.exit_code(), 2);
    assert!(refused.to_string().contains("--device"), "{refused}");
}

/// An environment whose functions use the names of bindings, params and of the kernel itself for what is theirs.
const NAMES: &str = "
// Names.
const OBS_SIZE = 2u;
const NUM_ACTIONS = 2u;
const MAX_EPISODE_STEPS = 9u;
struct State { at: f32, lanes: f32 }
fn merged(p: vec2f) -> f32 { return p.x + p.y; }
fn load_fours(weights: f32) -> f32 { let q = array<f32, 2>(weights, 1.0); return q[0] * q[1]; }
fn reset(rng: ptr<function, Rng>) -> State { return State(rng_uniform(rng), 0.0); }
fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    var replay: array<f32, 2>;
    replay[0] = f32(action) - 0.5;
    replay[1] = rng_uniform(rng);
    let arena_f32 = merged(vec2f(replay[0], replay[1]));
    (*state).lanes = load_fours((*state).at);
    (*state).at += 0.1 * arena_f32;
    return Outcome(-abs((*state).at), abs((*state).at) > 2.0);
}
fn observe(state: State) -> array<f32, OBS_SIZE> {
    var obs: array<f32, OBS_SIZE>;
    let p = vec2f(state.at, state.lanes);
    obs[0] = p.x;
    obs[1] = p.y;
    return obs;
}
";

#[test]
fn names_of_an_environment_stay_its_own() {
    let Some(choice) = common::gpu() else { return };
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("names.wgsl");
    std::fs::write(&path, NAMES).expect("file");
    let env = envs::open(path.to_str().expect("text"), &Default::default()).expect("environment");
    let config = Config {
        hidden: vec![8],
        batch_size: 8,
        num_envs: 2,
        gradient_steps: 1,
        buffer_size: 40,
        eval_episodes: 1,
        agents: 2,
        ..Config::default()
    };
    let plan = agents::plan(&config, env).expect("plan");
    let want = memory_after(&mut *gpu::open(&choice).expect("device"), &plan, &[4]);
    let got = memory_after(&mut *gpu::open_merging(&choice, env).expect("device"), &plan, &[4]);
    assert_same(&plan, "names", &want, &got);
}

#[test]
fn a_run_goes_on_without_it_where_there_is_no_device() {
    let Some(choice) = common::gpu() else { return };
    let dir = tempfile::tempdir().expect("temporary directory");
    let run = dir.path().join("run");
    let softq = |line: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_softq"))
            .args(line.split(' '))
            .current_dir(dir.path())
            .output()
            .expect("softq");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let settings = "--hidden 8 --batch-size 8 --gradient-steps 1 --num-envs 2 --learning-starts 20 --eval-episodes 1 \
                    --eval-frequency 0 --stop-when-solved false --quiet --run-dir run";
    let train =
        format!("train catch --megakernel true --device {} --total-timesteps 60 {settings}", choice.address);
    for refused in ["--profile", "--replay prioritized"] {
        let (code, message) = softq(&format!("{train} {refused}"));
        assert!(
            code == Some(2) && !run.exists() && message.contains("megakernel = true"),
            "{refused}: {message}"
        );
    }
    let (code, message) = softq(&train);
    assert_eq!(code, Some(0), "{message}");
    let (code, message) = softq("train --resume run --total-timesteps 90 --device cpu --quiet");
    assert!(code == Some(0) && message.contains("without it on cpu"), "{message}");
    let (code, message) = softq("eval run --episodes 2 --device cpu");
    assert_eq!(code, Some(0), "{message}");
}

/// The loops of a file count from 0 in every reset and step, with the observation behind it: nothing is cut that `check-env` lets pass,
/// on a device, in a kernel of whole iterations and on the CPU executor.
#[test]
fn loops_of_a_world_count_anew_in_every_step() {
    let Some(choice) = common::gpu() else { return };
    let small = Config {
        env: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/worlds/loops_of_both.wgsl").into(),
        algo: "dqn".into(),
        temperature: Temperature::Fixed,
        path: PathChoice::Layered,
        num_envs: 4,
        hidden: vec![8],
        batch_size: 8,
        gradient_steps: 1,
        buffer_size: 256,
        learning_starts: 64,
        total_timesteps: 256,
        eval_frequency: 0,
        eval_episodes: 4,
        stop_when_solved: false,
        ..Config::default()
    };
    let weights = |device: &str, megakernel: bool| {
        let config = Config { device: device.into(), megakernel, ..small.clone() };
        let mut trainer = Trainer::new(&config).expect("trainer");
        trainer.run(&mut |_| Ok(())).expect("trained");
        trainer.weights().expect("weights")
    };
    let wanted = weights("cpu", false);
    for megakernel in [false, true] {
        assert_eq!(weights(&choice.address, megakernel), wanted, "megakernel = {megakernel}");
    }
}
