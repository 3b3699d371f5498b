//! A reference policy `pi_bar`: the entropy of the objective is relative to it, so that far from it nothing is free.
//!
//! ```text
//! V(s)    = alpha ln sum_a pi_bar(a|s) exp(Q(s, a) / alpha) = max_pi sum_a pi(a) Q(s, a) - alpha KL(pi || pi_bar)
//! pi(a|s) = pi_bar(a|s) exp((Q(s, a) - V(s)) / alpha)
//! ```
//! With `z = Q + alpha ln pi_bar` these are `alpha logsumexp(z / alpha)` and `softmax(z / alpha)`. So wherever a target or an
//! action is read off values, `add_reference` first makes `z` of them, and the rules and the acting stay as they are. With a
//! uniform `pi_bar` this is the KL form.

use crate::config::{Config, Temperature};
use crate::engine::executor::{Executor, read_as, write_as};
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::{Error, Result};
use crate::kernels::add_reference;
use crate::nn::{Evaluations, Group, GroupSpec, Inputs, Network};
use crate::shared::agent::Agent;

/// The word for no reference but the uniform policy, about which `kl` decides.
pub const UNIFORM: &str = "uniform";

/// A frozen policy: the softmax of a network's outputs.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Settings that describe the network's shape.
    pub config: Config,
    /// The network.
    pub net: Network,
    /// Its weights.
    pub weights: Vec<f32>,
    /// Temperature of the softmax: `alpha` of a network of action values, 1 for logits.
    pub temperature: f32,
}

/// Whether `config` names a reference other than the uniform policy.
pub fn is_named(config: &Config) -> bool {
    config.reference != UNIFORM
}

/// Refuses settings that mean nothing relative to a reference.
pub fn check(config: &Config) -> Result<()> {
    if !is_named(config) {
        return Ok(());
    }
    let beside = "with a reference policy";
    let refuse = |field: &str, value: String, allowed: &str, hint: &str| {
        Err(Error::invalid(field, value, format!("{allowed} {beside}"), hint))
    };
    if config.kl {
        let hint =
            "The KL form is the entropy relative to the uniform policy, which is a reference of its own.";
        return refuse("kl", "true".into(), "false", hint);
    }
    if !config.entropy_in_target {
        let hint = "What is relative to the reference is the entropy in the target, which is switched off.";
        return refuse("entropy_in_target", "false".into(), "true", hint);
    }
    if config.n_step_entropy {
        let hint = "It adds plain entropy for the states between the ends of a window.";
        return refuse("n_step_entropy", "true".into(), "false", hint);
    }
    match config.temperature {
        Temperature::Fixed | Temperature::Schedule => Ok(()),
        other => refuse(
            "temperature",
            format!("\"{}\"", other.word()),
            "fixed or schedule",
            "The larger alpha, the closer is the policy to the reference, whatever entropy that has; so no entropy says how \
             close it should be. Set --temperature fixed and --alpha.",
        ),
    }
}

impl Reference {
    /// Weights `[params]` of `net`, whose shape `config` describes.
    pub fn new(config: Config, net: Network, weights: Vec<f32>, temperature: f32) -> Result<Reference> {
        if weights.len() != net.params() as usize {
            let allowed = format!("{}, as its settings describe", net.params());
            let hint = "Name the directory of a run.";
            return Err(Error::invalid("reference", format!("{} weights", weights.len()), allowed, hint));
        }
        Ok(Reference { config, net, weights, temperature })
    }

    /// Its networks as a group: one that nothing changes.
    pub fn group(&self) -> GroupSpec {
        GroupSpec { name: "reference", net: self.net.clone(), online: 1, targets: false, stream: 0 }
    }

    /// Its outputs divided by the temperature, for `observations` `[rows, width]`: `pi_bar` is their softmax.
    pub fn logits(&self, executor: &mut dyn Executor, observations: &[f32]) -> Result<Vec<f32>> {
        let width = self.net.tensors()[0].width();
        let batch = (observations.len() / width as usize) as u32;
        let mut buffers = Buffers::default();
        let values = buffers.add("obs", observations.len() as u64, "");
        let group = Group::frozen(&mut buffers, "reference_", &self.group(), 1);
        let inputs = Inputs { values, count: 1, batch };
        let evaluations = Evaluations::new(&mut buffers, "reference_", &group, inputs, &[(0, 0)], 0, "");
        let mut recording = Recording::default();
        evaluations.forward(&mut recording)?;
        executor.allocate(&buffers)?;
        write_as(executor, values.id, observations)?;
        write_as(executor, group.weights.id, &self.weights)?;
        let program = executor.prepare(&recording)?;
        executor.submit(&[(program, 1)], None)?;
        let outputs: Vec<f32> = read_as(executor, evaluations.outputs().id)?;
        Ok(outputs.into_iter().map(|output| output / self.temperature).collect())
    }
}

/// A reference beside the evaluations of an agent's networks.
#[derive(Clone)]
pub struct Beside {
    evaluations: Evaluations,
    temperature: f32,
}

impl Beside {
    /// Declares the evaluation of `reference`, whose weights lie in `group`, on input `input` of `inputs`.
    pub fn new(
        buffers: &mut Buffers,
        prefix: &str,
        (reference, group): (&Reference, &Group),
        (inputs, input): (Inputs, u32),
        hint: &'static str,
    ) -> Beside {
        let prefix = format!("{prefix}reference_");
        let evaluations = Evaluations::new(buffers, &prefix, group, inputs, &[(0, input)], 0, hint);
        Beside { evaluations, temperature: reference.temperature }
    }

    /// Adds `alpha ln pi_bar` to the outputs of `values` from slot `first_slot` on.
    pub fn add(
        &self,
        rec: &mut Recording,
        records: Buffer<Agent>,
        values: &Evaluations,
        first_slot: u32,
    ) -> Result<()> {
        self.evaluations.forward(rec)?;
        let net = &values.group.spec.net;
        for columns in &net.heads {
            let params = add_reference::Params {
                batch: values.pass.batch,
                actions: columns.actions,
                slots: values.pass.slots(),
                first_slot,
                q_stride: net.outputs(),
                q_offset: columns.offset,
                temperature: self.temperature,
                agents: values.group.agents,
            };
            add_reference::record(rec, params, records, self.evaluations.outputs(), values.outputs())?;
        }
        Ok(())
    }
}
