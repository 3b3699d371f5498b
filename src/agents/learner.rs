//! What every algorithm of the Q family shares: the memory of an update and the steps that are the same in all of them.
//!
//! An algorithm's first group is `q`: the online networks `Q_1 (, Q_2)`, then as many targets `Q'_1 (, Q'_2)`. It evaluates
//! some of them ([`Learner::evaluate`]), computes its targets `y` by a target rule ([`Learner::backup`]), and hands the
//! rest back: the TD error ([`Learner::td_error`]), the gradient step with the targets' averaging
//! ([`Learner::improve`]), the end of the update ([`Learner::finish`]) and, where there is a temperature, its step
//! ([`Learner::temperature_step`]). Its other groups, each with an optimiser of its own, wait in [`Learner::others`].

use crate::agents::acting::Purpose;
use crate::agents::continuous::{Drawn, StateValues};
use crate::agents::experience::{Batch, Priorities};
use crate::agents::head_temperatures::HeadTemperatures;
use crate::agents::hyper;
use crate::agents::particles::{Counts, Particles};
use crate::agents::reference::Beside;
use crate::config::{Config, Temperature};
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::engine::rule::Rule;
use crate::error::Result;
use crate::kernels::{backup, entropy_bonus, join_heads, td_error, temperature_step, update_end};
use crate::nn::{AdamForm, Evaluations, Group, GroupSpec, Inputs, Network};
use crate::shared::agent::{Agent, Lane, TdError};
use crate::shared::optimizer::Optimizer;
use crate::shared::rng::STREAMS;

/// Where implementations differ in what an update computes. Settings change the weights of heads alone; the rest is for
/// replaying the updates of others.
#[derive(Clone, Copy, Debug)]
pub struct Conventions {
    /// Form of Adam.
    pub adam: AdamForm,
    /// A rule that samples takes each action from here, `[agents, batch, heads]`, instead of drawing it.
    pub given_actions: Option<Buffer<u32>>,
    /// Weight of every head but the first (whose weight is 1) in loss and temperature; 1 counts all heads alike.
    pub later_head_weight: f32,
}

impl Default for Conventions {
    fn default() -> Self {
        Conventions { adam: AdamForm::default(), given_actions: None, later_head_weight: 1.0 }
    }
}

/// Name of a group of networks of state values beside critics.
pub const VALUE_GROUP: &str = "value";

/// A group of networks that an algorithm learns, its optimiser, and what one update evaluates of it.
#[derive(Clone, Debug)]
pub struct Networks {
    /// The group.
    pub group: GroupSpec,
    /// Its optimiser before the first step.
    pub optimizer: fn(&Config) -> Optimizer,
    /// Net and input of each evaluation; input 0 is `s_t`, 1 is `s_{t+m}`, and 2 and on are states between them. The first
    /// `online` ones are the online nets in order: the gradient flows through them.
    pub slots: Vec<(u32, u32)>,
    /// The same of evaluations that follow the group's step and so see its new weights, for a policy to learn from.
    pub after: Vec<(u32, u32)>,
    /// They are critics of a state and an action: their inputs are those of [`Drawn`], and those after the step have a gradient
    /// for the action in place of one for their parameters.
    pub sees_action: bool,
    /// A sampling network learns from these critics, by so many particles per state.
    pub particles: Option<Counts>,
}

impl Networks {
    /// The group `q` of `online` networks and as many targets, with the optimiser that the settings describe.
    pub fn q(net: &Network, online: u32, slots: Vec<(u32, u32)>) -> Networks {
        let group = GroupSpec { name: "q", net: net.clone(), online, targets: true, stream: 0 };
        Networks {
            group,
            optimizer: hyper::optimizer,
            slots,
            after: Vec::new(),
            sees_action: false,
            particles: None,
        }
    }
}

/// How the targets of an update are made: the rule, where its sources are among the evaluations, and what it is asked for.
/// A rule reads the sources and options that its file names; the others do not matter.
#[derive(Clone, Copy, Debug)]
pub struct Bootstrap {
    /// The rule.
    pub rule: &'static Rule,
    /// Evaluation of `Q'_1(s')`.
    pub target_1: u32,
    /// Evaluation of `Q'_2(s')`, or that of `Q'_1(s')` to use it alone.
    pub target_2: u32,
    /// Evaluation of `Q_1(s')`.
    pub online: u32,
    /// Evaluation of `Q'_1(s)`.
    pub current: u32,
    /// `alpha H` is part of the value.
    pub entropy: bool,
    /// `alpha ln|A|` is taken off.
    pub kl: bool,
    /// The mean of the twins in place of their minimum.
    pub mean: bool,
    /// Each state has its own temperature.
    pub per_state: bool,
    /// The network learns `sign(x) ln(1 + |x|)` of its values.
    pub signed_log: bool,
}

impl Bootstrap {
    /// `rule` with one target network, evaluated by `target`.
    pub fn new(rule: &'static Rule, target: u32) -> Bootstrap {
        Bootstrap {
            rule,
            target_1: target,
            target_2: target,
            online: 0,
            current: 0,
            entropy: true,
            kl: false,
            mean: false,
            per_state: false,
            signed_log: false,
        }
    }
}

/// The values that a policy learns from, and what comes of it.
pub struct After {
    /// Evaluations of `q` after its step.
    pub q: Evaluations,
    /// The policy's loss `[agents, batch, heads]`.
    pub losses: Buffer<f32>,
}

/// Everything one update reads and writes.
pub struct Learner {
    /// Deviations from softq's own conventions; none by default.
    pub conventions: Conventions,
    /// Several heads have one target, the mean of theirs.
    pub one_target: bool,
    /// Agents.
    pub agents: u32,
    /// What it reads of experience.
    pub batch: Batch,
    /// The group `q` and its evaluations.
    pub q: Evaluations,
    /// What a policy learns from; `None` where none does.
    pub after: Option<After>,
    /// The algorithm's other groups and their evaluations.
    pub others: Vec<Evaluations>,
    /// The actions that a policy draws, where they are real numbers.
    pub drawn: Option<Drawn>,
    /// What a network of state values learns, where there is one.
    pub state_values: Option<StateValues>,
    /// The particles of a sampling network.
    pub particles: Option<Particles>,
    /// The temperatures of the later heads, where each has its own.
    pub head_temperatures: Option<HeadTemperatures>,
    /// The reference policy at `s_{t+m}`; `None` for the uniform one.
    pub reference: Option<Beside>,
    /// Hyperparameters and learner state `[agents]`.
    pub records: Buffer<Agent>,
    /// Where prioritized replay keeps its priorities; `None` for uniform replay.
    pub priorities: Option<Priorities>,
    /// `y` `[agents, batch, heads]`
    pub targets: Buffer<f32>,
    /// `H(pi(s'))` `[agents, batch, heads]`
    pub entropies: Buffer<f32>,
    /// `Q_i(s, a) - y` and its loss `[agents, online, batch, heads]`
    pub errors: Buffer<TdError>,
}

impl Learner {
    /// Declares the memory of an update of `q` and perhaps `others`, on observations of equal width.
    pub fn new(buffers: &mut Buffers, rows: u32, q: &Networks, others: &[Networks], agents: u32) -> Learner {
        const BATCH: &str = "Lower --batch-size.";
        let net = &q.group.net;
        let heads = net.heads.len() as u32;
        let head_rows = u64::from(agents) * u64::from(rows) * u64::from(heads);
        let states = [q].into_iter().chain(others).filter(|of| !of.sees_action);
        let slots = states.clone().flat_map(|of| of.slots.iter().chain(&of.after));
        let last_input = slots.map(|slot| slot.1).max();
        let inputs = last_input.unwrap_or(0).max(1) + 1;
        let width = |networks: &Networks| networks.group.net.tensors()[0].width();
        // The columns behind the observation are an action's dimensions; a sampling network has as many outputs.
        let sampled = others.first().filter(|_| q.particles.is_some()).map(|of| of.group.net.outputs());
        let obs_size = match sampled {
            Some(dims) => width(q) - dims,
            None => states.map(width).next().unwrap_or(width(q)),
        };
        let dims = if q.sees_action { width(q) - obs_size } else { 0 };
        let batch =
            Batch::new(buffers, (agents, rows), inputs, obs_size, if dims > 0 { dims } else { heads });
        let drawn = q.sees_action.then(|| Drawn::new(buffers, (agents, rows), obs_size, dims));
        let inputs = batch.inputs_of_networks();
        let of_q = drawn.map_or(inputs, |drawn| drawn.inputs_of_critics());
        let valued = others.iter().any(|of| of.group.name == VALUE_GROUP);
        let state_values = valued.then(|| StateValues::new(buffers, (agents, rows)));
        let (after_slots, sees_action, counts) = (&q.after, q.sees_action, q.particles);
        let evaluations = |buffers: &mut Buffers, prefix: &str, networks: &Networks, inputs: Inputs| {
            let Networks { group, slots, .. } = networks;
            let group = Group::new(buffers, prefix, group, agents);
            Evaluations::new(buffers, prefix, &group, inputs, slots, group.spec.online, BATCH)
        };
        let q = evaluations(buffers, "", q, of_q);
        let particles =
            counts.map(|counts| Particles::new(buffers, &q.group, (agents, rows), (obs_size, dims), counts));
        let of_others = particles.as_ref().map_or(inputs, Particles::inputs_of_sampler);
        let of_after = particles.as_ref().map_or(of_q, Particles::inputs_of_asked);
        let others = others
            .iter()
            .map(|of| evaluations(buffers, &format!("{}_", of.group.name), of, of_others))
            .collect();
        let after = (!after_slots.is_empty()).then(|| After {
            q: match sees_action {
                true => Evaluations::towards_input(buffers, "after_", &q.group, of_after, after_slots, BATCH),
                false => Evaluations::new(buffers, "after_", &q.group, inputs, after_slots, 0, BATCH),
            },
            losses: buffers.add("policy_losses", head_rows, BATCH),
        });
        Learner {
            conventions: Conventions::default(),
            one_target: false,
            agents,
            after,
            drawn,
            state_values,
            particles,
            batch,
            records: buffers.add("agents", u64::from(agents), "Train fewer agents."),
            priorities: None,
            head_temperatures: None,
            reference: None,
            targets: buffers.add("targets", head_rows, BATCH),
            entropies: buffers.add("entropies", head_rows, BATCH),
            errors: buffers.add("errors", head_rows * u64::from(q.group.spec.online), BATCH),
            q,
            others,
        }
    }

    /// Shape of the Q networks.
    pub fn net(&self) -> &Network {
        &self.q.group.spec.net
    }

    /// Evaluations per row of a batch.
    pub fn slots(&self) -> u32 {
        self.q.pass.slots()
    }

    /// The action values `[agents, slots, batch, outputs]`.
    pub fn q(&self) -> Buffer<f32> {
        self.q.outputs()
    }

    /// Runs the evaluations of the Q networks on the batch. Those of next states are relative to the reference policy.
    pub fn evaluate(&self, rec: &mut Recording) -> Result<()> {
        self.q.forward(rec)?;
        match &self.reference {
            Some(reference) => reference.add(rec, self.records, &self.q, self.q.pass.gradients),
            None => Ok(()),
        }
    }

    /// Adds the entropy of `between` states of each window to its reward; the online net's evaluations there are the last.
    pub fn entropy_bonus(&self, rec: &mut Recording, between: u32, kl: bool) -> Result<()> {
        let net = self.net();
        let Learner { records, batch, .. } = self;
        for columns in &net.heads {
            let params = entropy_bonus::Params {
                batch: self.batch.rows,
                actions: columns.actions,
                slots: self.slots(),
                first_slot: self.slots() - between,
                between,
                kl: kl.into(),
                q_stride: net.outputs(),
                q_offset: columns.offset,
                agents: self.agents,
            };
            entropy_bonus::record(rec, params, *records, self.q(), batch.discounts, batch.rewards)?;
        }
        Ok(())
    }

    /// `y` of every row and head by a target rule.
    pub fn backup(&self, rec: &mut Recording, bootstrap: &Bootstrap) -> Result<()> {
        self.backup_of(
            rec,
            bootstrap,
            [self.batch.rewards, self.batch.discounts],
            [self.targets, self.entropies],
        )?;
        self.join_heads(rec)
    }

    /// Makes the targets of a row one, where the heads are to have one.
    pub fn join_heads(&self, rec: &mut Recording) -> Result<()> {
        let heads = self.net().heads.len() as u32;
        if !self.one_target || heads == 1 {
            return Ok(());
        }
        join_heads::record(
            rec,
            join_heads::Params { rows: self.agents * self.batch.rows, heads },
            self.targets,
        )
    }

    /// The same for given rewards and discounts; targets and entropies go where they are wanted.
    pub fn backup_of(
        &self,
        rec: &mut Recording,
        bootstrap: &Bootstrap,
        [rewards, discounts]: [Buffer<f32>; 2],
        [targets, entropies]: [Buffer<f32>; 2],
    ) -> Result<()> {
        let net = self.net();
        let actions = self.conventions.given_actions.unwrap_or(self.batch.actions);
        for (head, columns) in (0..).zip(&net.heads) {
            let params = backup::Params {
                batch: self.batch.rows,
                actions: columns.actions,
                slots: self.slots(),
                target_1: bootstrap.target_1,
                target_2: bootstrap.target_2,
                online: bootstrap.online,
                current: bootstrap.current,
                q_stride: net.outputs(),
                q_offset: columns.offset,
                heads: net.heads.len() as u32,
                head,
                stream: Purpose::Train as u32 * STREAMS,
                discount_slots: self.batch.inputs - 1,
                given: self.conventions.given_actions.is_some().into(),
                entropy: bootstrap.entropy.into(),
                kl: bootstrap.kl.into(),
                mean: bootstrap.mean.into(),
                per_state: bootstrap.per_state.into(),
                signed_log: bootstrap.signed_log.into(),
                agents: self.agents,
            };
            let (rule, records, q) = (bootstrap.rule, self.records, self.q());
            self.with_head(rec, (head, false), |rec| {
                backup::record(rec, rule, params, records, q, actions, rewards, discounts, targets, entropies)
            })?;
        }
        Ok(())
    }

    /// The loss of `Q_i(s, a) - y` for every online net, and its gradient for their outputs, head by head.
    pub fn td_error(&self, rec: &mut Recording, config: &Config) -> Result<()> {
        self.td_error_within(rec, config, [0.0, f32::MAX])
    }

    /// The same with importance weights clipped to `[least, largest]`.
    pub fn td_error_within(
        &self,
        rec: &mut Recording,
        config: &Config,
        [least_weight, largest_weight]: [f32; 2],
    ) -> Result<()> {
        let Some(dq) = self.q.output_deltas() else { return Ok(()) };
        let net = self.net();
        // A critic that sees the action has one value of it.
        let actions = self.drawn.map_or(self.batch.actions, |drawn| drawn.columns);
        for (head, columns) in (0..).zip(&net.heads) {
            let params = td_error::Params {
                batch: self.batch.rows,
                actions: columns.actions,
                slots: self.slots(),
                grad_slots: self.q.pass.gradients,
                q_stride: net.outputs(),
                q_offset: columns.offset,
                heads: net.heads.len() as u32,
                head,
                head_weight: if head == 0 { 1.0 } else { self.conventions.later_head_weight },
                least_weight,
                largest_weight,
                loss: config.loss as u32,
                agents: self.agents,
            };
            td_error::record(
                rec,
                params,
                self.records,
                self.q(),
                actions,
                self.targets,
                self.batch.importance,
                dq,
                self.errors,
            )?;
        }
        Ok(())
    }

    /// One Adam over all online Q networks with the gradient of the TD error, and the targets' step towards them.
    pub fn improve(&self, rec: &mut Recording) -> Result<()> {
        self.q.backward(rec)?;
        self.q.group.step(rec, self.records, self.conventions.adam)
    }

    /// Ends the update: statistics, counter, priorities.
    pub fn finish(&self, rec: &mut Recording) -> Result<()> {
        let (grad_slots, heads) = (self.q.pass.gradients, self.net().heads.len() as u32);
        let params = update_end::Params {
            batch: self.batch.rows,
            grad_slots,
            heads,
            later_head_weight: self.conventions.later_head_weight,
            agents: self.agents,
        };
        let optimizers = self.q.group.optimizers;
        update_end::record(rec, params, self.records, optimizers, self.entropies, self.targets, self.errors)?;
        match &self.priorities {
            Some(priorities) => {
                priorities.update(rec, self.records, self.errors, (grad_slots, heads), &self.batch)
            }
            None => Ok(()),
        }
    }

    /// Records `work` on `head` with its own temperature in the records, where it has one.
    fn with_head(
        &self,
        rec: &mut Recording,
        head: (u32, bool),
        work: impl FnOnce(&mut Recording) -> Result<()>,
    ) -> Result<()> {
        match &self.head_temperatures {
            Some(own) => own.with_head(rec, (self.records, self.entropies, self.batch.rows), head, work),
            None => work(rec),
        }
    }

    /// Moves the temperature as `temperature` says, by the entropy of the update that has just ended.
    pub fn temperature_step(
        &self,
        rec: &mut Recording,
        temperature: Temperature,
        lanes: Buffer<Lane>,
        num_lanes: u32,
    ) -> Result<()> {
        self.temperature_step_of(rec, temperature, 1.0, lanes, num_lanes)
    }

    /// The same for `share` times the objective.
    pub fn temperature_step_of(
        &self,
        rec: &mut Recording,
        temperature: Temperature,
        share: f32,
        lanes: Buffer<Lane>,
        num_lanes: u32,
    ) -> Result<()> {
        let params = temperature_step::Params {
            heads: self.net().heads.len() as u32,
            later_head_weight: self.conventions.later_head_weight,
            share,
            num_lanes,
            mode: match temperature {
                Temperature::Fixed | Temperature::PerState => 0,
                Temperature::Learned => 1,
                Temperature::LearnedExp => 2,
                Temperature::Schedule => 3,
            },
            eps_inside: self.conventions.adam.eps_inside.into(),
            agents: self.agents,
        };
        let step = |rec: &mut Recording, params| {
            temperature_step::record(rec, params, self.records, self.q.group.optimizers, lanes)
        };
        if self.head_temperatures.is_none() {
            return step(rec, params);
        }
        for head in 0..params.heads {
            let alone = temperature_step::Params { heads: 1, ..params };
            self.with_head(rec, (head, true), |rec| step(rec, alone))?;
        }
        Ok(())
    }
}
