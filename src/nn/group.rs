//! Groups of networks: some networks of one shape that share an optimiser, perhaps each with a target that follows it.
//!
//! A [`GroupSpec`] says what a group is and how its parameters are laid out, a [`Group`] is one in memory, and
//! [`Evaluations`] are passes of some of its networks over some inputs. Whoever saves, loads or plays agents walks over
//! groups and their [`GroupSpec::tensors`]; nobody else knows a layout.
//!
//! One step of learning, of a network that is a line:
//!
//! ```
//! use softq::engine::cpu::CpuExecutor;
//! use softq::engine::executor::{Executor, read_as, write_as};
//! use softq::engine::recording::{Buffers, Recording};
//! use softq::kernels::Activation;
//! use softq::nn::{AdamForm, Evaluations, Group, GroupSpec, Inputs, Network, NetworkSpec};
//! use softq::shared::agent::Agent;
//! use softq::shared::optimizer::Optimizer;
//!
//! let net = Network::new(&NetworkSpec::mlp(2u32, &[], 1, Activation::Relu));
//! let spec = GroupSpec { name: "q", net, online: 1, targets: false, stream: 0 };
//! let mut buffers = Buffers::default();
//! let agents = buffers.add::<Agent>("agents", 1, "");
//! let group = Group::new(&mut buffers, "", &spec, 1);
//! // One row of one input. Its only slot is network 0 on input 0, and a gradient flows through it.
//! let inputs = Inputs { values: buffers.add("inputs", 2, ""), count: 1, batch: 1 };
//! let evaluations = Evaluations::new(&mut buffers, "", &group, inputs, &[(0, 0)], 1, "");
//! let slope = evaluations.output_deltas().expect("a gradient flows");
//!
//! let mut recording = Recording::default();
//! evaluations.forward(&mut recording)?;
//! evaluations.backward(&mut recording)?;
//! group.step(&mut recording, agents, AdamForm::default())?;
//!
//! let mut executor = CpuExecutor::new();
//! executor.allocate(&buffers)?;
//! let adam = Optimizer {
//!     learning_rate: 0.25,
//!     one_minus_beta1: 0.1,
//!     one_minus_beta2: 0.001,
//!     ln_beta1: 0.9f32.ln(),
//!     ln_beta2: 0.999f32.ln(),
//!     adam_eps: 1e-8,
//!     ..Optimizer::default()
//! };
//! write_as(&mut executor, group.optimizers.id, &[adam])?;
//! write_as(&mut executor, inputs.values.id, &[2.0f32, 0.0])?;
//! write_as(&mut executor, group.weights.id, &[1.0f32, 1.0, 0.5])?;
//! write_as(&mut executor, slope.id, &[1.0f32])?;
//! let program = executor.prepare(&recording)?;
//! executor.submit(&[(program, 1)], None)?;
//! assert_eq!(read_as::<f32>(&mut executor, evaluations.outputs().id)?, [2.5]);
//! assert_eq!(read_as::<f32>(&mut executor, group.grads.id)?[..3], [2.0, 0.0, 1.0]);
//! // Adam's first step is the learning rate, against the sign of the gradient.
//! let weights: Vec<f32> = read_as(&mut executor, group.weights.id)?;
//! assert!((weights[0] - 0.75).abs() < 1e-3 && weights[1] == 1.0 && (weights[2] - 0.25).abs() < 1e-3);
//! # Ok::<(), softq::Error>(())
//! ```

use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::Result;
use crate::kernels::{adam, grad_norm};
use crate::nn::{Activations, Network, Pass, Wanted};
use crate::shared::agent::Agent;
use crate::shared::optimizer::Optimizer;

/// What a group consists of.
///
/// ```
/// use softq::kernels::Activation;
/// use softq::nn::{GroupSpec, GroupTensor, Network, NetworkSpec};
///
/// let net = Network::new(&NetworkSpec::mlp(4u32, &[8], 2, Activation::Relu));
/// let group = GroupSpec { name: "q", net, online: 2, targets: true, stream: 0 };
/// assert_eq!(group.nets(), 4, "two that learn, and a target for each");
/// let tensors: Vec<GroupTensor> = group.tensors();
/// let online = &tensors[0];
/// assert_eq!((online.name.as_str(), &online.shape[..]), ("q0.layer0.weight", &[4, 8][..]));
/// // Targets start as copies of the networks that learn.
/// let target = tensors.iter().find(|tensor| tensor.name == "target_q0.layer0.weight").expect("a target");
/// let weights = group.init(1);
/// assert_eq!(weights.len(), group.words());
/// assert_eq!(weights[target.offset..][..target.len()], weights[online.offset..][..online.len()]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSpec {
    /// Name: tensors are `{name}0.layer0.weight`, `target_{name}0.layer0.weight`, ...
    pub name: &'static str,
    /// Shape of each network.
    pub net: Network,
    /// Networks that learn.
    pub online: u32,
    /// Whether a target follows each of them.
    pub targets: bool,
    /// Initial weights of different groups come from different streams; 0 for an agent's first group.
    pub stream: u32,
}

/// A named block of a group's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTensor {
    /// Name, e.g. `q0.layer0.weight`.
    pub name: String,
    /// Dimensions; weights are `[in, out]`.
    pub shape: Vec<usize>,
    /// First element in the group's `[nets, params]`.
    pub offset: usize,
}

impl GroupTensor {
    /// Elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl GroupSpec {
    /// Networks, targets included: the online ones, then as many targets or none.
    pub fn nets(&self) -> u32 {
        self.online * (1 + u32::from(self.targets))
    }

    /// Parameters of all its networks.
    pub fn words(&self) -> usize {
        self.nets() as usize * self.net.params() as usize
    }

    /// All its named tensors, net after net.
    pub fn tensors(&self) -> Vec<GroupTensor> {
        let kinds = ["", "target_"].iter().flat_map(|kind| (0..self.online).map(move |net| (kind, net)));
        let mut tensors = Vec::new();
        for (index, (kind, net)) in kinds.take(self.nets() as usize).enumerate() {
            for parameter in self.net.parameters() {
                tensors.push(GroupTensor {
                    name: format!("{kind}{}{net}.{}", self.name, parameter.name),
                    shape: parameter.shape.iter().map(|dim| *dim as usize).collect(),
                    offset: index * self.net.params() as usize + parameter.offset as usize,
                });
            }
        }
        tensors
    }

    /// Initial weights `[nets, params]`: random online networks, targets as their copies.
    pub fn init(&self, seed: u64) -> Vec<f32> {
        // Streams lie 2^64 / golden ratio apart: no two agents' nearby seeds meet.
        let start =
            seed.wrapping_mul(2).wrapping_add(u64::from(self.stream).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let net = |net: u32| self.net.init(start.wrapping_add(u64::from(net)));
        let mut weights: Vec<f32> = (0..self.online).flat_map(net).collect();
        if self.targets {
            weights.extend_from_within(..);
        }
        weights
    }
}

/// Forms of Adam that other implementations use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AdamForm {
    /// Adam adds eps to the uncorrected root of `v` (TensorFlow 1).
    pub eps_inside: bool,
    /// Weight decay is added to the gradient (PyTorch's `Adam`) instead of shrinking the weights (`AdamW`).
    pub l2: bool,
}

/// A group in memory, of one or several agents.
#[derive(Clone, Debug)]
pub struct Group {
    /// What it consists of.
    pub spec: GroupSpec,
    /// Agents.
    pub agents: u32,
    /// Optimisers `[agents]`.
    pub optimizers: Buffer<Optimizer>,
    /// `[agents, nets, params]`
    pub weights: Buffer<f32>,
    /// `[agents, online, params]`
    pub grads: Buffer<f32>,
    /// Adam's first moment `[agents, online, params]`.
    pub adam_m: Buffer<f32>,
    /// Adam's second moment `[agents, online, params]`.
    pub adam_v: Buffer<f32>,
}

impl Group {
    /// Declares the memory of `spec` for `agents` agents; `prefix` tells its buffers from those of other groups.
    pub fn new(buffers: &mut Buffers, prefix: &str, spec: &GroupSpec, agents: u32) -> Group {
        const HIDDEN: &str = "Use smaller hidden layers.";
        let params = u64::from(agents) * u64::from(spec.net.params());
        let mut vector =
            |name: &str, nets: u32| buffers.add(format!("{prefix}{name}"), params * u64::from(nets), HIDDEN);
        Group {
            agents,
            weights: vector("weights", spec.nets()),
            grads: vector("grads", spec.online),
            adam_m: vector("adam_m", spec.online),
            adam_v: vector("adam_v", spec.online),
            optimizers: buffers.add(format!("{prefix}optimizers"), u64::from(agents), "Train fewer agents."),
            spec: spec.clone(),
        }
    }

    /// Declares the memory of networks that nothing changes: weights alone, and a word for each of the rest.
    pub fn frozen(buffers: &mut Buffers, prefix: &str, spec: &GroupSpec, agents: u32) -> Group {
        let weights = u64::from(agents) * spec.words() as u64;
        let mut stub = |name: &str| buffers.add(format!("{prefix}{name}"), 0, "");
        let [grads, adam_m, adam_v] = ["grads", "adam_m", "adam_v"].map(&mut stub);
        Group {
            agents,
            weights: buffers.add(format!("{prefix}weights"), weights, "Train fewer agents."),
            grads,
            adam_m,
            adam_v,
            optimizers: buffers.add(format!("{prefix}optimizers"), 0, ""),
            spec: spec.clone(),
        }
    }

    /// Takes one step with the gradients: clips them, applies Adam to the online nets and moves targets towards them. An agent
    /// of `records` whose gradients are not finite is frozen with all its groups.
    pub fn step(&self, rec: &mut Recording, records: Buffer<Agent>, form: AdamForm) -> Result<()> {
        let Group { agents, optimizers, weights, grads, adam_m, adam_v, .. } = *self;
        let count = self.spec.online * self.spec.net.params();
        grad_norm::record(rec, grad_norm::Params { count, agents }, records, optimizers, grads)?;
        let params = adam::Params {
            count,
            targets: self.spec.targets.into(),
            eps_inside: form.eps_inside.into(),
            l2: form.l2.into(),
            agents,
        };
        adam::record(rec, params, records, optimizers, grads, weights, adam_m, adam_v)
    }
}

/// Passes of a group's networks over some inputs, with their tensors.
#[derive(Clone, Debug)]
pub struct Evaluations {
    /// The group.
    pub group: Group,
    /// Which nets on which inputs.
    pub pass: Pass,
    /// All tensors `[agents, slots, batch, width]`.
    pub activations: Activations,
    /// Gradients of those tensors `[agents, gradients, batch, width]`; none where no gradient flows.
    pub deltas: Vec<Buffer<f32>>,
}

/// What [`Evaluations`] are made of.
#[derive(Clone, Copy, Debug)]
pub struct Inputs {
    /// `[agents, inputs, batch, width]`
    pub values: Buffer<f32>,
    /// Inputs per agent.
    pub count: u32,
    /// Rows of each.
    pub batch: u32,
}

impl Evaluations {
    /// Declares evaluations of `slots`, each a net and an input, whose tensors are named `{prefix}activation1`, ... A
    /// gradient flows through the first `gradients` slots, which must be nets 0, 1, ... in order.
    pub fn new(
        buffers: &mut Buffers,
        prefix: &str,
        group: &Group,
        inputs: Inputs,
        slots: &[(u32, u32)],
        gradients: u32,
        hint: &'static str,
    ) -> Evaluations {
        let parts = (buffers, prefix, group, inputs, hint);
        Evaluations::declare(parts, slots, gradients, Wanted::Parameters)
    }

    /// The same whose gradient, through all `slots`, is that of their input: [`Evaluations::input_gradient`].
    pub fn towards_input(
        buffers: &mut Buffers,
        prefix: &str,
        group: &Group,
        inputs: Inputs,
        slots: &[(u32, u32)],
        hint: &'static str,
    ) -> Evaluations {
        let parts = (buffers, prefix, group, inputs, hint);
        Evaluations::declare(parts, slots, slots.len() as u32, Wanted::Input)
    }

    fn declare(
        (buffers, prefix, group, inputs, hint): (&mut Buffers, &str, &Group, Inputs, &'static str),
        slots: &[(u32, u32)],
        gradients: u32,
        wanted: Wanted,
    ) -> Evaluations {
        let net = &group.spec.net;
        let pass = Pass {
            agents: group.agents,
            batch: inputs.batch,
            nets: group.spec.nets(),
            slot_net: slots.iter().map(|slot| slot.0).collect(),
            slot_input: slots.iter().map(|slot| slot.1).collect(),
            inputs: inputs.count,
            gradients,
        };
        let name = format!("{prefix}activation");
        let activations = Activations::new(buffers, &name, net, &pass, inputs.values, hint);
        let deltas = match gradients {
            0 => Vec::new(),
            _ => pass.deltas(buffers, &format!("{prefix}delta"), net, wanted, hint),
        };
        Evaluations { group: group.clone(), pass, activations, deltas }
    }

    /// The networks' outputs `[agents, slots, batch, outputs]`.
    pub fn outputs(&self) -> Buffer<f32> {
        self.activations.outputs()
    }

    /// Gradients of the outputs `[agents, gradients, batch, outputs]`, to be filled in before [`Evaluations::backward`].
    /// `None` where no gradient flows.
    pub fn output_deltas(&self) -> Option<Buffer<f32>> {
        self.deltas.last().copied()
    }

    /// Evaluates all slots.
    pub fn forward(&self, rec: &mut Recording) -> Result<()> {
        self.pass.forward(rec, &self.group.spec.net, self.group.weights, &self.activations)
    }

    /// From the gradients of the outputs to those of the online networks' parameters.
    pub fn backward(&self, rec: &mut Recording) -> Result<()> {
        self.differentiate(rec, Wanted::Parameters)
    }

    /// From the gradients of the outputs to those of the inputs, one for each slot `[agents, slots, batch, width]`.
    pub fn input_gradient(&self, rec: &mut Recording) -> Result<Buffer<f32>> {
        self.differentiate(rec, Wanted::Input)?;
        Ok(self.deltas[0])
    }

    fn differentiate(&self, rec: &mut Recording, wanted: Wanted) -> Result<()> {
        let Group { spec, weights, grads, .. } = &self.group;
        let Evaluations { pass, activations, deltas, .. } = self;
        pass.backward(rec, &spec.net, *weights, activations, deltas, *grads, pass.gradients, wanted)
    }
}
