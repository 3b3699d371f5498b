//! The training program of the Q family around an algorithm's update: environments, replay, acting, evaluation, initial
//! contents, for one agent or a population.

use crate::agents::acting::{Behaviour, Choice, Purpose, Stage, record};
use crate::agents::architecture::{self, network};
use crate::agents::continuous;
use crate::agents::experience::Ring;
use crate::agents::head_temperatures::{self, HeadTemperatures};
use crate::agents::hyper;
use crate::agents::learner::{Learner, Networks};
use crate::agents::phases::{on_policy, with_replay};
use crate::agents::plan::{Episodes, Phase, Plan, Shard};
use crate::agents::reference::{self, Beside, Reference};
use crate::agents::rules;
use crate::agents::{Algorithm, Capabilities};
use crate::config::{ActionHeads, Config, Exploration, HeadWeights, PathChoice, Temperature, ValueTransform};
use crate::engine::env::Env;
use crate::engine::memory;
use crate::engine::recording::{BufferDecl, BufferId, Buffers, Recording};
use crate::envs;
use crate::error::{Error, Result};
use crate::kernels::metrics;
use crate::nn::Group;
use crate::shared::rng::agent_seed;

/// Refuses members that no device could run.
pub fn check(algorithm: &Algorithm, config: &Config, members: &[Config], env: &Env) -> Result<()> {
    let heads = env.actions.heads();
    if algorithm.continuous && !heads.is_empty() {
        return Err(Error::invalid(
            "env",
            &env.id,
            format!("an environment whose actions are real numbers for --algo {}", algorithm.name),
            format!(
                "Its action space is {}; sac_discrete is the same algorithm for choices, and `softq envs` lists Box environments.",
                env.actions
            ),
        ));
    }
    if !algorithm.continuous && heads.is_empty() {
        return Err(Error::invalid(
            "env",
            &env.id,
            format!("an environment with discrete actions for --algo {}", algorithm.name),
            format!(
                "Its action space is {}: --algo sac is for it; {}`softq envs` lists those with discrete actions.",
                env.actions,
                envs::discrete_relative(env)
                    .map(|short| format!("'{short}' is the same with a choice of actions, and "))
                    .unwrap_or_default()
            ),
        ));
    }
    // Without a sweep they differ in their seeds alone.
    for member in if config.sweep.is_empty() { &members[..1] } else { members } {
        // What holds for the smallest head holds for all.
        member.validate(env.actions.size())?;
        rules::check(algorithm, member)?;
        reference::check(member)?;
        continuous::check_target_entropy(member, &env.actions)?;
        head_temperatures::check(member, heads.len())?;
    }
    if config.head_weights == HeadWeights::DiEngine && heads.len() < 2 {
        return Err(Error::invalid(
            "head_weights",
            config.head_weights.word(),
            "equal with one action per step",
            "There is nothing to weigh it against.",
        ));
    }
    let branching = config.action_heads == ActionHeads::Branching;
    if branching && heads.len() > 1 && config.value_transform != ValueTransform::None {
        return Err(Error::invalid(
            "value_transform",
            config.value_transform.word(),
            "none with action_heads = branching",
            "The mean over the heads is one of values, not of their logarithms.",
        ));
    }
    if config.action_input && (heads.len() > 1 || config.dueling || branching) {
        return Err(Error::invalid(
            "action_input",
            true,
            "false with several heads or dueling ones",
            "A network of one output has nothing to split.",
        ));
    }
    architecture::check(config, env)?;
    networks(algorithm, config, env, false).map(|_| ())
}

/// The program of `members`, one configuration per agent, which differ in hyperparameters and seeds alone.
pub fn plan(
    algorithm: Algorithm,
    config: &Config,
    members: &[Config],
    (env, device): (&'static Env, Capabilities),
    reference: Option<&Reference>,
) -> Result<Plan> {
    check(&algorithm, config, members, env)?;
    if reference.is_some() != reference::is_named(config) {
        let allowed = "the policy that the plan is made relative to";
        return Err(Error::invalid(
            "reference",
            &config.reference,
            allowed,
            "Read it before the plan is made.",
        ));
    }
    let reference = reference.map(|reference| Reference {
        // Whatever the path of the agents' own networks, which may be of another shape.
        net: reference.net.clone().on(PathChoice::Auto, device.hardware).unwrap_or(reference.net.clone()),
        ..reference.clone()
    });
    let (q, others) = networks(&algorithm, config, env, device.hardware)?;
    let plan = empty(&algorithm, config, &q, &others);
    let mut builder = Builder { algorithm, config, env, q, others, reference, plan };
    // Every buffer grows with the agents, so the longest one of a single agent says how many fit.
    builder.shard(0, &members[..1])?;
    let longest = builder.plan.buffers.decls.iter().map(|decl| decl.words * 4).max().unwrap_or(4);
    let per_shard = (device.max_buffer_bytes / longest).clamp(1, members.len() as u64) as usize;
    if members.len() > 1 {
        builder.plan = empty(&algorithm, config, &builder.q, &builder.others);
        for (index, shard) in members.chunks(per_shard).enumerate() {
            builder.shard((index * per_shard) as u32, shard)?;
        }
    }
    builder.plan.members = members.to_vec();
    builder.plan.reference = builder.reference;
    Ok(builder.plan)
}

/// The algorithm's groups of networks, each on the path that the settings and the device ask for.
fn networks(
    algorithm: &Algorithm,
    config: &Config,
    env: &Env,
    hardware: bool,
) -> Result<(Networks, Vec<Networks>)> {
    let net = match algorithm.actor.noisy {
        true => architecture::sampler(config, env),
        false => network(config, env),
    };
    let critic = architecture::critic(config, env);
    let hardware = hardware && !algorithm.continuous;
    let on_path = |mut networks: Networks| {
        networks.group.net = networks.group.net.on(config.path, hardware).map_err(|why| {
            let allowed = "auto or layered for this network";
            Error::invalid("path", "fused", allowed, format!("About the fused path: {why}."))
        })?;
        Ok(networks)
    };
    let others = (algorithm.others)(config, &net).into_iter().map(on_path).collect::<Result<_>>()?;
    Ok((on_path((algorithm.networks)(config, &critic))?, others))
}

fn empty(algorithm: &Algorithm, config: &Config, q: &Networks, others: &[Networks]) -> Plan {
    let phase =
        |name, repeats, env_steps| Phase { name, recording: Recording::default(), repeats, env_steps };
    let mut phases = vec![phase("vector step", config.train_frequency, config.num_envs)];
    phases.extend(algorithm.returns.map(|_| phase("pass over the rollout", 1, 0)));
    phases.push(phase("update", config.gradient_steps, 0));
    Plan {
        buffers: Buffers::default(),
        init: Vec::new(),
        groups: [q].into_iter().chain(others).map(|networks| networks.group.clone()).collect(),
        reference: None,
        members: Vec::new(),
        shards: Vec::new(),
        experience: match algorithm.returns {
            Some(_) => ("rollout", config.rollout()),
            None => ("replay", config.capacity()),
        },
        reset: Recording::default(),
        phases,
        evaluations: std::array::from_fn(|_| Episodes::default()),
    }
}

/// Weights and optimisers of a group before the first update.
fn initial_group(group: &Group, networks: &Networks, members: &[Config]) -> [(BufferId, Vec<u32>); 2] {
    let weights: Vec<f32> = members.iter().flat_map(|member| group.spec.init(member.seed)).collect();
    let optimizers: Vec<_> = members.iter().map(networks.optimizer).collect();
    [
        (group.weights.id, bytemuck::cast_slice(&weights).to_vec()),
        (group.optimizers.id, bytemuck::cast_slice(&optimizers).to_vec()),
    ]
}

/// The weights of a reference policy, once for each agent.
fn initial_reference((reference, group): (&Reference, &Group), agents: usize) -> (BufferId, Vec<u32>) {
    (group.weights.id, bytemuck::cast_slice(&reference.weights).repeat(agents))
}

/// The agents' records, and the weights of samples that nothing else sets.
fn initial_records(learner: &Learner, members: &[Config]) -> [(BufferId, Vec<u32>); 2] {
    let heads: Vec<u32> = learner.net().heads.iter().map(|head| head.actions).collect();
    let record = |member: &Config| match learner.drawn {
        Some(drawn) => hyper::agent_of_dimensions(member, drawn.dims),
        None => hyper::agent_of_heads(member, &heads),
    };
    let records: Vec<_> = members.iter().map(record).collect();
    let ones = vec![1.0f32; learner.batch.importance.len as usize];
    [
        (learner.records.id, bytemuck::cast_slice(&records).to_vec()),
        (learner.batch.importance.id, bytemuck::cast_slice(&ones).to_vec()),
    ]
}

/// What updates on real-valued actions read and nothing else sets.
fn initial_actions(
    learner: &Learner,
    (config, env): (&Config, &Env),
    agents: usize,
) -> Vec<(BufferId, Vec<u32>)> {
    let mut contents = Vec::new();
    if let Some(drawn) = learner.drawn {
        let spaces = continuous::space(config, &env.actions).repeat(agents);
        contents.push((drawn.spaces.id, bytemuck::cast_slice(&spaces).to_vec()));
    }
    if let Some(values) = learner.state_values {
        let ones = vec![1.0f32; values.discounts.len as usize];
        contents.push((values.discounts.id, bytemuck::cast_slice(&ones).to_vec()));
    }
    if let (Some(particles), Some(after)) = (&learner.particles, &learner.after) {
        contents.extend(particles.init(&after.q));
    }
    contents
}

/// The temperatures of the later heads, where each has its own.
fn initial_temperatures(
    temperatures: HeadTemperatures,
    learner: &Learner,
    members: &[Config],
) -> (BufferId, Vec<u32>) {
    let heads: Vec<u32> = learner.net().heads.iter().map(|head| head.actions).collect();
    let all: Vec<_> = members.iter().flat_map(|member| HeadTemperatures::initial(member, &heads)).collect();
    (temperatures.buffer.id, bytemuck::cast_slice(&all).to_vec())
}

/// How an action is drawn where none is preferred.
fn drawn(algorithm: &Algorithm, config: &Config) -> Choice {
    match (algorithm.actor.policy, config.temperature) {
        (true, _) => Choice::Policy,
        (false, Temperature::PerState) => Choice::OwnTemperature,
        (false, _) => Choice::Softmax,
    }
}

/// Tells the buffers of every shard but the first from those of the others.
fn name_shard(first: u32, decls: &mut [BufferDecl]) {
    if first > 0 {
        for decl in decls {
            decl.name += &format!(" of agents {first} and on");
        }
    }
}

/// Records all evaluations of one agent's policy on a stage that keeps nothing.
fn evaluate(
    evaluations: &mut [Episodes],
    (env, learner): (&'static Env, &Learner),
    stage: &Stage,
    (drawn, ring): (Choice, Ring),
) -> Result<()> {
    let purposes = [Purpose::Evaluate, Purpose::Confirm, Purpose::FinalGreedy, Purpose::FinalSoftmax];
    for (episodes, purpose) in evaluations.iter_mut().zip(purposes) {
        let choice = if purpose == Purpose::FinalSoftmax { drawn } else { Choice::Argmax };
        let behaviour = Behaviour { purpose, choice, explore: None, noise_hold: 1, ring };
        let acting = record(env, learner.records, stage, behaviour)?;
        episodes.reset.append(acting.reset);
        episodes.act.append(acting.act);
    }
    Ok(())
}

/// Adds shards to a plan.
struct Builder<'a> {
    algorithm: Algorithm,
    config: &'a Config,
    env: &'static Env,
    q: Networks,
    others: Vec<Networks>,
    reference: Option<Reference>,
    plan: Plan,
}

/// What the memory of a shard begins with.
struct Contents<'a> {
    config: &'a Config,
    env: &'static Env,
    learner: &'a Learner,
    members: &'a [Config],
}

impl<'a> Contents<'a> {
    /// The weights of its networks.
    fn of_groups(
        &self,
        groups: impl Iterator<Item = (&'a Group, &'a Networks)>,
        plan: &mut Plan,
    ) -> Result<()> {
        for (group, networks) in groups {
            memory::check_contents(group.weights.id, &plan.buffers)?;
            plan.init.extend(initial_group(group, networks, self.members));
        }
        Ok(())
    }

    /// Records, fixed actions, temperatures of later heads, parameters of environments.
    fn of_rest(&self, temperatures: Option<HeadTemperatures>, stages: [&Stage; 2], plan: &mut Plan) {
        let Contents { config, env, learner, members } = *self;
        plan.init.extend(initial_records(learner, members));
        plan.init.extend(initial_actions(learner, (config, env), members.len()));
        plan.init.extend(temperatures.map(|of| initial_temperatures(of, learner, members)));
        // Evaluations are played in worlds of their own, where parameters are drawn.
        for (worlds, stage) in (0..).zip(stages) {
            let seeds: Vec<u32> = members.iter().map(|member| agent_seed(member.seed, worlds)).collect();
            plan.init.push(stage.lane_params(env, &seeds));
        }
    }
}

impl Builder<'_> {
    fn shard(&mut self, first: u32, members: &[Config]) -> Result<()> {
        let Builder { algorithm, config, env, q, others, reference, plan } = self;
        let (config, env) = (*config, *env);
        let (agents, num_envs) = (members.len() as u32, config.num_envs);
        let buffers = &mut plan.buffers;
        let first_buffer = buffers.decls.len();
        let mut learner = Learner::new(buffers, config.batch_size, q, others, agents);
        learner.one_target = config.action_heads == ActionHeads::Branching;
        learner.conventions.later_head_weight = hyper::later_head_weight(config, learner.net().heads.len());
        let log_std = continuous::log_std(config);
        if let Some(drawn) = &mut learner.drawn {
            drawn.log_std = log_std;
        }
        let temperatures = HeadTemperatures::new(buffers, config, learner.net().heads.len(), agents);
        learner.head_temperatures = temperatures;
        let groups: Vec<Group> =
            [&learner.q].into_iter().chain(&learner.others).map(|of| of.group.clone()).collect();
        let actor = (&groups[algorithm.actor.group], algorithm.actor.net);
        let frozen = reference
            .as_ref()
            .map(|reference| (reference, Group::frozen(buffers, "reference_", &reference.group(), agents)));
        let frozen = frozen.as_ref().map(|(reference, group)| (*reference, group));
        if let Some(frozen) = frozen {
            let inputs = learner.batch.inputs_of_networks();
            learner.reference = Some(Beside::new(buffers, "", frozen, (inputs, 1), "Lower --batch-size."));
        }

        // The replay buffer D, or a rollout.
        let hint = match algorithm.returns {
            Some(_) => "Lower --train-frequency or --num-envs.",
            None => "Lower --buffer-size.",
        };
        let ring = Ring::new(buffers, env.transition(), agents, (plan.experience.1, num_envs), hint);
        let unused = Ring::none(buffers, env, agents, config.eval_episodes);

        // Act, step, store.
        let hint = "Lower --num-envs.";
        let mut stage = Stage::new(buffers, "env", env, actor, num_envs, hint);
        if let Some(frozen) = frozen {
            stage.relative_to(buffers, "env", frozen, hint);
        }
        stage.head_temperatures = temperatures;
        stage.log_std = log_std;
        let warm_up = config.learning_starts.div_ceil(u64::from(num_envs)).min(u64::from(u32::MAX)) as u32;
        let drawn = drawn(algorithm, config);
        let behaviour = Behaviour {
            purpose: Purpose::Train,
            choice: if config.exploration == Exploration::Greedy { Choice::Argmax } else { drawn },
            explore: Some(warm_up),
            noise_hold: config.noise_hold,
            ring,
        };
        let train = record(env, learner.records, &stage, behaviour)?;
        plan.reset.append(train.reset);
        let lanes = stage.lanes();
        let phases = match algorithm.returns {
            Some(returns) => {
                on_policy((algorithm, returns), config, buffers, &learner, ring, train.act, lanes)?
            }
            None => with_replay(algorithm, config, buffers, &mut learner, &ring, train.act, lanes)?,
        };
        for (phase, recording) in plan.phases.iter_mut().zip(phases) {
            phase.recording.append(recording);
        }

        let metrics_out = buffers.add("metrics", u64::from(agents), "");
        let mut statistics = Recording::default();
        let params = metrics::Params { num_lanes: num_envs, agents };
        metrics::record(&mut statistics, params, learner.records, stage.lanes(), metrics_out)?;

        let hint = "Lower --eval-episodes.";
        let mut eval = Stage::new(buffers, "eval", env, actor, config.eval_episodes, hint);
        if let Some(frozen) = frozen {
            eval.relative_to(buffers, "eval", frozen, hint);
        }
        eval.head_temperatures = temperatures;
        eval.log_std = log_std;
        evaluate(&mut plan.evaluations, (env, &learner), &eval, (drawn, unused))?;

        let networks = [&*q].into_iter().chain(&*others);
        let contents = Contents { config, env, learner: &learner, members };
        contents.of_groups(groups.iter().zip(networks), plan)?;
        plan.init.extend(frozen.map(|frozen| initial_reference(frozen, members.len())));
        contents.of_rest(temperatures, [&stage, &eval], plan);
        name_shard(first, &mut plan.buffers.decls[first_buffer..]);
        plan.shards.push(Shard {
            first,
            agents,
            groups,
            records: learner.records,
            head_temperatures: temperatures,
            metrics: statistics,
            metrics_out,
            eval_lanes: eval.lanes(),
            stage,
            replay: ring.replay,
        });
        Ok(())
    }
}
