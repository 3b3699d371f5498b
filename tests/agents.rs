//! Several agents on the CPU executor: one after the other on each thread over their own parts of the memory, or all of
//! them dispatch by dispatch. Both must give the same bits, for every kernel and for whole programs.

use softq::agents::{self, Plan};
use softq::config::{Backup, Config, Replay, Temperature};
use softq::engine::cpu::CpuExecutor;
use softq::engine::executor::Executor;
use softq::engine::recording::{BufferId, Buffers, Recording};
use softq::engine::share::Share;
use softq::envs;
use softq::shared::agent::Agent;
use softq::shared::layout::Layout;
use softq::verify::{self, Options};

/// Fewer threads than agents make every thread run whole agents; more make the agents share each dispatch.
const BY_AGENT: usize = 2;
const BY_DISPATCH: usize = 8;

/// All memory after `recordings`, each `repeat` times in one submission, on a pool of `threads`.
fn memory(
    threads: usize,
    buffers: &Buffers,
    init: &[(BufferId, Vec<u32>)],
    recordings: &[(&Recording, u32)],
) -> Vec<Vec<u32>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    pool.install(|| {
        let mut executor = CpuExecutor::new();
        executor.allocate(buffers).expect("memory");
        for (buffer, words) in init {
            executor.write(*buffer, words).expect("contents");
        }
        let programs: Vec<_> = recordings
            .iter()
            .map(|(recording, repeat)| (executor.prepare(recording).expect("program"), *repeat))
            .collect();
        executor.submit(&programs, None).expect("runs");
        (0..buffers.decls.len()).map(|id| executor.read(BufferId(id as u32)).expect("memory")).collect()
    })
}

#[test]
fn every_kernel_gives_an_agent_the_same_bits_alone() {
    for check in verify::checks() {
        // The solvers of a table share it.
        if check.kernel.name.starts_with("tabular") {
            continue;
        }
        let Layout::Struct { fields, .. } = check.kernel.params else { panic!("{}", check.kernel.name) };
        let Some(agents) = fields.iter().position(|field| field.name == "agents") else { continue };
        let (mut compared, mut changed) = (0, 0);
        for index in 0..2 * Options::default().cases {
            let mut case = check.draw(1, index);
            let count = case.params[agents];
            if count < 2 || count as usize >= BY_DISPATCH {
                continue;
            }
            // Without the slack behind each buffer, and with nothing missing from the last agent's part.
            let sizes = |some: u32| {
                let mut params = case.params.clone();
                params[agents] = some;
                (case.kernel.sizes)(&params, case.env)
            };
            let (one, two) = (sizes(1), sizes(2));
            for i in 0..case.bindings.len() {
                let words = case.scalars(i).len() as u64;
                let length = u64::from(count) * (two[i] - one[i]) * words;
                case.bindings[i].resize((length as usize).max(1), 0);
            }
            let (buffers, recording) = case.record().expect("a recording");
            assert!(Share::of(&recording).is_some(), "{}: {}", case.kernel.name, case.label);
            let init: Vec<_> = (0..).map(BufferId).zip(case.bindings.iter().cloned()).collect();
            let [alone, together] =
                [BY_AGENT, BY_DISPATCH].map(|threads| memory(threads, &buffers, &init, &[(&recording, 1)]));
            assert!(alone == together, "{}: {}", case.kernel.name, case.label);
            // A discount of 0 may leave everything as it was.
            changed += usize::from(alone != case.bindings);
            compared += 1;
        }
        assert!(changed >= 3, "{}: {changed} of {compared} cases wrote something", check.name());
    }
}

/// The program of `agents` agents with different seeds and learning rates.
fn population(agents: u32, config: &Config) -> Plan {
    let rates: Vec<String> = (1..=agents).map(|rate| format!("{}", f64::from(rate) * 1e-3)).collect();
    let sweep = vec![format!("learning_rate={}", rates.join(","))];
    let env = envs::find("cartpole").expect("cartpole");
    agents::plan(&Config { sweep, ..config.clone() }, env).expect("a plan")
}

fn small() -> Config {
    Config {
        batch_size: 33,
        num_envs: 5,
        buffer_size: 200,
        learning_starts: 100,
        hidden: vec![24, 40],
        eval_episodes: 3,
        max_grad_norm: 1.0,
        ..Config::default()
    }
}

#[test]
fn a_population_trains_to_the_same_bits_whatever_the_threads() {
    let given = Config { temperature: Temperature::Schedule, n_step: 3, ..small() };
    for config in [
        small(),
        Config { backup: Backup::Sampled, ..small() },
        Config { backup: Backup::Max, dueling: true, layer_norm: true, ..small() },
        Config { n_step: 3, n_step_entropy: true, ..small() },
        Config { algo: "dqn".into(), replay: Replay::Prioritized, double_q: true, ..given.clone() },
        Config { algo: "soft_q".into(), ..given.clone() },
        Config { algo: "munchausen".into(), n_step: 1, ..given },
        Config { algo: "sac_discrete".into(), entropy_penalty: 0.5, n_step: 2, ..small() },
        Config {
            algo: "soft_pqn".into(),
            train_frequency: 6,
            batch_size: 15,
            gradient_steps: 4,
            buffer_size: Config::default().buffer_size,
            n_step_entropy: true,
            ..small()
        },
    ] {
        for agents in [2, 3, 7] {
            let all = population(agents, &config);
            let (act, learn) = (all.act(), all.learn());
            for recording in [&all.reset, &act, &learn, &all.shards[0].metrics] {
                let share = Share::of(recording).unwrap_or_else(|| panic!("{config:?}: not agent by agent"));
                assert_eq!(
                    (share.agents, share.recording.dispatches.len()),
                    (agents as usize, recording.dispatches.len())
                );
            }
            let metrics = &all.shards[0].metrics;
            let steps = [(&all.reset, 1), (&act, 40), (&learn, 30), (metrics, 1), (&act, 3)];
            let [alone, together] =
                [BY_AGENT, BY_DISPATCH].map(|threads| memory(threads, &all.buffers, &all.init, &steps));
            for (decl, (alone, together)) in all.buffers.decls.iter().zip(alone.iter().zip(&together)) {
                assert!(alone == together, "{agents} agents, {config:?}: '{}' differs", decl.name);
            }
            let records = &alone[all.shards[0].records.id.0 as usize];
            let updates: Vec<u32> =
                bytemuck::cast_slice::<u32, Agent>(records).iter().map(|agent| agent.updates).collect();
            assert_eq!(updates, vec![30; agents as usize]);
        }
    }
}

#[test]
fn memory_that_is_not_laid_out_agent_by_agent_is_left_whole() {
    let all = population(3, &small());
    let mut longer = all.shards[0].metrics.clone();
    longer.dispatches[0].bindings[1].words += 3 * size_of::<Agent>() as u64;
    assert!(Share::of(&longer).is_none(), "a buffer longer than its agents need has no agent's part");
    let mut mixed = all.shards[0].metrics.clone();
    let two = population(2, &small());
    mixed.dispatches.extend(two.shards[0].metrics.dispatches.clone());
    assert!(Share::of(&mixed).is_none(), "dispatches of 3 and of 2 agents");
    let one = population(1, &small());
    assert!(Share::of(&one.learn()).is_none(), "one agent has nobody to share with");
}
