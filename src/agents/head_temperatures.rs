//! A temperature for every head of a multi-discrete action. The agent's record has that of the first head; those of the others
//! lie here, and take its place while something that knows one temperature works on their head.

use crate::agents::hyper;
use crate::config::{Config, Temperature};
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::{Error, Result};
use crate::kernels::{exchange_temperature, scale_head};
use crate::nn::Evaluations;
use crate::shared::agent::Agent;
use crate::shared::head_temperature::HeadTemperature;

/// Those of the later heads `[agents, heads - 1]`.
#[derive(Clone, Copy, Debug)]
pub struct HeadTemperatures {
    /// Where they lie.
    pub buffer: Buffer<HeadTemperature>,
    heads: u32,
    agents: u32,
}

/// Refuses a temperature per head where there is nothing to tell apart.
pub fn check(config: &Config, heads: usize) -> Result<()> {
    if !config.alpha_per_head {
        return Ok(());
    }
    if heads < 2 {
        let hint = "There is one temperature for one action.";
        return Err(Error::invalid("alpha_per_head", true, "false with one action per step", hint));
    }
    match config.temperature {
        Temperature::Learned | Temperature::LearnedExp => Ok(()),
        other => Err(Error::invalid(
            "alpha_per_head",
            true,
            format!("false with temperature = {}", other.word()),
            "Only temperatures that are learned come to differ: set --temperature learned.",
        )),
    }
}

impl HeadTemperatures {
    /// Declares those of `agents`, where the settings ask for them.
    pub fn new(
        buffers: &mut Buffers,
        config: &Config,
        heads: usize,
        agents: u32,
    ) -> Option<HeadTemperatures> {
        if !config.alpha_per_head {
            return None;
        }
        let heads = heads as u32;
        let later = u64::from(agents) * u64::from(heads.saturating_sub(1));
        let buffer = buffers.add("head_temperatures", later, "Train fewer agents.");
        Some(HeadTemperatures { buffer, heads, agents })
    }

    /// Those of an agent before its first update; `heads` are the actions of each.
    pub fn initial(config: &Config, heads: &[u32]) -> Vec<HeadTemperature> {
        let later = heads.iter().skip(1);
        later
            .map(|actions| {
                let Agent { log_alpha, alpha, target_entropy, .. } = hyper::agent(config, *actions);
                HeadTemperature { log_alpha, alpha, target_entropy, ..HeadTemperature::default() }
            })
            .collect()
    }

    /// Records `work` with the temperature of `head` in the records; `measure` sets their entropy to that of the head.
    pub fn with_head(
        &self,
        rec: &mut Recording,
        (records, entropies, batch): (Buffer<Agent>, Buffer<f32>, u32),
        (head, measure): (u32, bool),
        work: impl FnOnce(&mut Recording) -> Result<()>,
    ) -> Result<()> {
        let HeadTemperatures { buffer, heads, agents } = *self;
        let params = exchange_temperature::Params { batch, heads, head, measure: measure.into(), agents };
        if head > 0 || measure {
            exchange_temperature::record(rec, params, records, buffer, entropies)?;
        }
        work(rec)?;
        if head > 0 {
            let back = exchange_temperature::Params { measure: 0, ..params };
            exchange_temperature::record(rec, back, records, buffer, entropies)?;
        }
        Ok(())
    }

    /// Makes the values of one evaluation ready for acting by the first head's temperature.
    pub fn scale(&self, rec: &mut Recording, records: Buffer<Agent>, values: &Evaluations) -> Result<()> {
        let net = &values.group.spec.net;
        for (head, columns) in (0..).zip(&net.heads).skip(1) {
            let params = scale_head::Params {
                rows: values.pass.batch,
                actions: columns.actions,
                q_stride: net.outputs(),
                q_offset: columns.offset,
                heads: self.heads,
                head,
                agents: self.agents,
            };
            scale_head::record(rec, params, records, self.buffer, values.outputs())?;
        }
        Ok(())
    }
}
