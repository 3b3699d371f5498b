//! A second group of networks with an optimiser of its own is said in an agent file alone; here is one.

use crate::agents::learner::{Learner, Networks};
use crate::agents::{Actor, Algorithm, Capabilities, Plan, hyper, q_plan, sqn};
use crate::config::Config;
use crate::engine::cpu::CpuExecutor;
use crate::engine::executor::{Executor, read_as, write_as};
use crate::engine::recording::{Buffer, BufferId, Buffers, Recording};
use crate::envs;
use crate::error::Result;
use crate::kernels::{Activation, dense_forward, td_error};
use crate::nn::{AdamForm, Evaluations, Group, GroupSpec, Inputs, Network, NetworkSpec};
use crate::shared::agent::{Agent, Lane, TdError};
use crate::shared::optimizer::Optimizer;

/// SQN beside which two critics of another shape learn the same targets, faster, clipped and without targets of their own.
const WITH_CRITICS: Algorithm = Algorithm { others: critics, update, ..sqn::ALGORITHM };

fn critics(_: &Config, q: &Network) -> Vec<Networks> {
    let spec =
        NetworkSpec { layer_norm: true, ..NetworkSpec::mlp(4, &[24, 12], q.outputs(), Activation::Tanh) };
    vec![Networks {
        group: GroupSpec { name: "critic", net: Network::new(&spec), online: 2, targets: false, stream: 1 },
        optimizer: |config| Optimizer { learning_rate: 3e-3, max_grad_norm: 0.5, ..hyper::optimizer(config) },
        slots: vec![(0, 0), (1, 0)],
        after: Vec::new(),
        sees_action: false,
        particles: None,
    }]
}

fn update(
    rec: &mut Recording,
    config: &Config,
    learner: &Learner,
    lanes: Buffer<Lane>,
    count: u32,
) -> Result<()> {
    sqn::update(rec, config, learner, lanes, count)?;
    let Learner { records, batch, targets, errors, .. } = *learner;
    regress(rec, &learner.others[0], records, (batch.actions, targets, batch.importance, errors))
}

/// Forward, the squared error of the taken actions' values, backward, a step.
fn regress(
    rec: &mut Recording,
    critics: &Evaluations,
    records: Buffer<Agent>,
    (actions, targets, importance, errors): (Buffer<u32>, Buffer<f32>, Buffer<f32>, Buffer<TdError>),
) -> Result<()> {
    critics.forward(rec)?;
    let params = td_error::Params {
        batch: critics.pass.batch,
        actions: critics.group.spec.net.outputs(),
        slots: critics.pass.slots(),
        grad_slots: critics.pass.gradients,
        q_stride: critics.group.spec.net.outputs(),
        heads: 1,
        head_weight: 1.0,
        largest_weight: f32::MAX,
        agents: critics.group.agents,
        ..td_error::Params::default()
    };
    let dq = critics.output_deltas().expect("a gradient flows");
    td_error::record(rec, params, records, critics.outputs(), actions, targets, importance, dq, errors)?;
    critics.backward(rec)?;
    critics.group.step(rec, records, AdamForm::default())
}

/// The same critics with nothing else in memory.
struct Alone {
    executor: CpuExecutor,
    critics: Evaluations,
    records: Buffer<Agent>,
    given: (Buffer<u32>, Buffer<f32>, Buffer<f32>),
    recording: Recording,
}

impl Alone {
    fn new(config: &Config, members: &[Config], networks: &Networks) -> Alone {
        let (batch, agents) = (config.batch_size, members.len() as u32);
        let rows = u64::from(batch * agents);
        let mut buffers = Buffers::default();
        let values = buffers.add("obs", rows * 4, "");
        let group = Group::new(&mut buffers, "", &networks.group, agents);
        let inputs = Inputs { values, count: 1, batch };
        let critics = Evaluations::new(&mut buffers, "", &group, inputs, &networks.slots, 2, "");
        let records = buffers.add("agents", u64::from(agents), "");
        let given =
            (buffers.add("actions", rows, ""), buffers.add("y", rows, ""), buffers.add("ones", rows, ""));
        let errors = buffers.add("errors", 2 * rows, "");
        let mut recording = Recording::default();
        regress(&mut recording, &critics, records, (given.0, given.1, given.2, errors)).expect("a recording");
        let mut executor = CpuExecutor::new();
        executor.allocate(&buffers).expect("memory");
        let weights: Vec<f32> = members.iter().flat_map(|member| networks.group.init(member.seed)).collect();
        let optimizers: Vec<Optimizer> = members.iter().map(networks.optimizer).collect();
        write_as(&mut executor, group.weights.id, &weights).expect("weights");
        write_as(&mut executor, group.optimizers.id, &optimizers).expect("optimizers");
        write_as(&mut executor, given.2.id, &vec![1.0f32; rows as usize]).expect("ones");
        Alone { executor, critics, records, given, recording }
    }

    /// An update on the batch that lies in `memory`.
    fn update(&mut self, memory: &mut Memory) {
        let batch = self.critics.pass.batch as usize * 4;
        // States alone, without the next ones that lie behind them.
        let obs: Vec<u32> = memory
            .read("batch_obs")
            .chunks(2 * batch)
            .flat_map(|of_agent| of_agent[..batch].to_vec())
            .collect();
        self.executor.write(self.critics.activations.tensors[0].id, &obs).expect("obs");
        self.executor.write(self.given.0.id, &memory.read("actions")).expect("actions");
        self.executor.write(self.given.1.id, &memory.read("targets")).expect("targets");
        self.executor.write(self.records.id, &memory.read("agents")).expect("agents");
        let program = self.executor.prepare(&self.recording).expect("a program");
        self.executor.submit(&[(program, 1)], None).expect("an update");
    }
}

/// A plan at work.
struct Memory {
    plan: Plan,
    executor: CpuExecutor,
}

impl Memory {
    fn of(algorithm: Algorithm, config: &Config) -> Memory {
        let env = envs::find("cartpole").expect("cartpole");
        let members = config.members().expect("members");
        let plan =
            q_plan::plan(algorithm, config, &members, (env, Capabilities::default()), None).expect("a plan");
        let mut executor = CpuExecutor::new();
        executor.allocate(&plan.buffers).expect("memory");
        for (buffer, words) in &plan.init {
            executor.write(*buffer, words).expect("contents");
        }
        let mut memory = Memory { plan, executor };
        memory.run(|plan| plan.reset.clone(), 1);
        memory.run(|plan| plan.act(), 30);
        memory
    }

    fn run(&mut self, recording: fn(&Plan) -> Recording, times: u32) {
        let program = self.executor.prepare(&recording(&self.plan)).expect("a program");
        self.executor.submit(&[(program, times)], None).expect("a submission");
    }

    fn read(&mut self, name: &str) -> Vec<u32> {
        let at = self.plan.buffers.decls.iter().position(|decl| decl.name == name).expect(name);
        self.executor.read(BufferId(at as u32)).expect("contents")
    }
}

#[test]
fn a_second_group_learns_as_if_alone_and_leaves_the_first_undisturbed() {
    let config = Config {
        agents: 2,
        hidden: vec![16, 8],
        batch_size: 24,
        num_envs: 4,
        buffer_size: 200,
        eval_episodes: 1,
        ..Config::default()
    };
    let members = config.members().expect("members");
    let mut both = Memory::of(WITH_CRITICS, &config);
    let mut q_alone = Memory::of(sqn::ALGORITHM, &config);
    let networks = critics(&config, &both.plan.groups[0].net).remove(0);
    let mut alone = Alone::new(&config, &members, &networks);
    let start = both.read("critic_weights");
    for update in 1..=20 {
        for memory in [&mut both, &mut q_alone] {
            memory.run(|plan| plan.act(), 1);
            memory.run(|plan| plan.learn(), 1);
        }
        alone.update(&mut both);
        for name in ["weights", "adam_m", "adam_v", "optimizers", "grads", "replay"] {
            assert_eq!(both.read(name), q_alone.read(name), "update {update}: '{name}' of q");
        }
        let Group { weights, grads, adam_m, adam_v, .. } = alone.critics.group;
        for (name, buffer) in [("weights", weights), ("grads", grads), ("adam_m", adam_m), ("adam_v", adam_v)]
        {
            let want = alone.executor.read(buffer.id).expect("contents");
            assert_eq!(
                both.read(&format!("critic_{name}")),
                want,
                "update {update}: '{name}' of the critics"
            );
        }
    }
    assert_ne!(both.read("critic_weights"), start, "the critics learned");
    let optimizers: Vec<Optimizer> =
        read_as(&mut both.executor, both.plan.shards[0].groups[1].optimizers.id).expect("optimizers");
    assert_eq!(optimizers.iter().map(|o| (o.steps, o.learning_rate)).collect::<Vec<_>>(), [(20, 3e-3); 2]);
    assert!(optimizers.iter().any(|o| o.grad_scale < 1.0), "their gradients were clipped by their own norm");
}

#[test]
fn saving_and_loading_walk_over_the_groups() {
    let config = Config { hidden: vec![8], num_envs: 2, eval_episodes: 1, ..Config::default() };
    let mut memory = Memory::of(WITH_CRITICS, &config);
    let names: Vec<String> =
        memory.plan.groups.iter().flat_map(GroupSpec::tensors).map(|tensor| tensor.name).collect();
    for name in ["q0.layer0.weight", "target_q1.layer1.bias", "critic0.norm0.scale", "critic1.layer2.weight"]
    {
        assert!(names.iter().any(|known| known == name), "{name} of {names:?}");
    }
    assert!(!names.iter().any(|name| name.starts_with("target_critic")), "{names:?}");
    let weights = memory.plan.weights_of(0, &mut memory.executor).expect("weights");
    let lengths: Vec<usize> = weights.iter().map(Vec::len).collect();
    assert_eq!(lengths, memory.plan.groups.iter().map(GroupSpec::words).collect::<Vec<_>>());
    let changed: Vec<Vec<f32>> = weights.iter().map(|of| of.iter().map(|w| w + 1.0).collect()).collect();
    memory.plan.set_weights(&changed, &mut memory.executor).expect("written");
    assert_eq!(memory.plan.weights_of(0, &mut memory.executor).expect("weights"), changed);
}

#[test]
fn an_algorithm_says_who_acts() {
    let config = Config { hidden: vec![8], num_envs: 2, eval_episodes: 1, ..Config::default() };
    let second_critic =
        Algorithm { actor: Actor { group: 1, net: 1, policy: false, noisy: false }, ..WITH_CRITICS };
    let q = Memory::of(WITH_CRITICS, &config).plan;
    let critic = Memory::of(second_critic, &config).plan;
    for plan in [&q, &critic] {
        let first = plan.act().dispatches[0].clone();
        let group = &plan.shards[0].groups[usize::from(std::ptr::eq(plan, &critic))];
        assert!(first.bindings.iter().any(|buffer| buffer.id == group.weights.id), "{first:?}");
    }
    let slot_net = |plan: &Plan| {
        let params: dense_forward::Params =
            bytemuck::pod_read_unaligned(bytemuck::cast_slice(&plan.act().dispatches[0].params));
        params.slot_net
    };
    assert_eq!((slot_net(&q), slot_net(&critic)), (0, 1));
}
