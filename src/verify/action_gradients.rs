//! The gradient that a recorded update of SAC leaves for its policy network, through the drawn action and the critics, against
//! central finite differences in f64 of the policy's loss, with the critics as that update left them, alpha and the noise held
//! fixed: `mean_b w_b (alpha ln pi(a~|s) - min_i Q_i(s, a~))`, `a~ = tanh(mean + sigma noise)`.

use crate::agents::continuous;
use crate::agents::learner::Learner;
use crate::agents::sac;
use crate::config::{Config, LogStdForm, Twin};
use crate::engine::executor::{Executor, read_later_as, write_as};
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::Result;
use crate::kernels::Activation;
use crate::nn::{Network, NetworkSpec};
use crate::shared::agent::{Agent, Lane};
use crate::verify::draw::Draw;
use crate::verify::gradients::{AGENTS, BATCH, KINK, command, judge, no_gradient_yet, slopes};
use crate::verify::network64::forward;
use crate::verify::report::Row;
use crate::verify::{ACTION_GRADIENTS, Options};

const OBS: u32 = 5;
const DIMS: u32 = 3;
const HIDDEN: [u32; 2] = [9, 7];

/// Parts of the gradient that cancel, such as those of equal critics, leave rounding of this size.
const PARTS: f64 = 1e-2;

/// All activations, with and without layer normalisation, forms of joining the twins and of `ln sigma`.
pub async fn check(executor: &mut dyn Executor, options: &Options) -> Result<Row> {
    let about = "a whole update of SAC against central finite differences in f64";
    let mut row = no_gradient_yet(ACTION_GRADIENTS, about);
    let mut index = 0;
    for activation in [Activation::Relu, Activation::Tanh, Activation::Silu] {
        for layer_norm in [false, true] {
            for twin in [Twin::Min, Twin::Mean, Twin::Off] {
                for log_std in [LogStdForm::Squashed, LogStdForm::Clamped] {
                    if options.case.is_none_or(|case| case == index) {
                        let config = Config { twin, log_std, batch_size: BATCH, ..Config::default() };
                        one(executor, options, &config, (activation, layer_norm), index, &mut row).await?;
                    }
                    index += 1;
                }
            }
        }
    }
    Ok(row)
}

/// What an update starts from.
struct Given {
    records: Vec<Agent>,
    critics: Vec<f32>,
    policy: Vec<f32>,
    /// `[agents, 2, batch, obs]`: `s`, then `s'`.
    obs: Vec<f32>,
    actions: Vec<f32>,
    /// `[agents, 2, batch, dims]`, first those at `s`.
    noise: Vec<f32>,
    rewards: Vec<f32>,
    discounts: Vec<f32>,
    importance: Vec<f32>,
    spaces: Vec<f32>,
}

impl Given {
    fn draw(draw: &mut Draw, (critic, policy): (&Network, &Network)) -> Given {
        let rows = (AGENTS * BATCH) as usize;
        let dims = DIMS as usize;
        let mut records = draw.agents(AGENTS);
        for record in &mut records {
            record.alpha = draw.magnitude(-1.0, 0.5);
        }
        let mut spaces = Vec::new();
        for _ in 0..AGENTS {
            spaces.extend(draw.floats(dims, 0.5, 2.0));
            spaces.extend(draw.floats(dims, -0.5, 0.5));
            spaces.extend([[1.0; DIMS as usize], [0.0; DIMS as usize]].concat());
        }
        Given {
            records,
            critics: draw.floats((AGENTS * 4 * critic.params()) as usize, -0.8, 0.8),
            policy: draw.floats((AGENTS * policy.params()) as usize, -0.8, 0.8),
            obs: draw.floats(2 * rows * OBS as usize, -1.0, 1.0),
            actions: draw.floats(rows * dims, -1.0, 1.0),
            noise: draw.floats(2 * rows * dims, -2.0, 2.0),
            rewards: draw.floats(rows, -1.0, 1.0),
            discounts: draw.floats(rows, 0.5, 1.0),
            importance: draw.floats(rows, 0.2, 2.0),
            spaces,
        }
    }

    /// The policy's loss; `critics` are those that it learns from, `[agents, 4, params]`. `clearance` is the smallest distance
    /// from a kink: of a relu, of a clamp, of the minimum.
    fn loss(
        &self,
        (critic, policy): (&Network, &Network),
        config: &Config,
        agent: usize,
        weights: &[f64],
        critics: &[f32],
        clearance: &mut f64,
    ) -> f64 {
        let (batch, obs, dims) = (BATCH as usize, OBS as usize, DIMS as usize);
        let of = |which: usize| -> Vec<f64> {
            let params = critic.params() as usize;
            critics[(agent * 4 + which) * params..][..params].iter().map(|w| f64::from(*w)).collect()
        };
        let twins = [of(0), of(1)];
        let alpha = f64::from(self.records[agent].alpha);
        let space = |part: usize, i: usize| f64::from(self.spaces[(agent * 4 + part) * dims + i]);
        let mut total = 0.0;
        for b in 0..batch {
            let wide = |values: &[f32], width: usize| -> Vec<f64> {
                values[(agent * 2 * batch + b) * width..][..width].iter().map(|x| f64::from(*x)).collect()
            };
            let (state, noise) = (wide(&self.obs, obs), wide(&self.noise, dims));
            let outputs = forward(policy, weights, &state, clearance);
            let mut seen = state;
            let mut log_pi = 0.0;
            for i in 0..dims {
                let (low, high, raw) = (config.log_std_min, config.log_std_max, outputs[dims + i]);
                let log_std = match config.log_std {
                    LogStdForm::Squashed => low + (high - low) / 2.0 * (raw.tanh() + 1.0),
                    LogStdForm::Clamped => {
                        *clearance = clearance.min((raw - low).abs()).min((raw - high).abs());
                        raw.clamp(low, high)
                    }
                };
                let u = outputs[i] + log_std.exp() * noise[i];
                seen.push(space(0, i) * u.tanh() + space(1, i));
                let density = -0.5 * noise[i] * noise[i] - log_std - 0.5 * std::f64::consts::TAU.ln();
                log_pi += density - (space(0, i) / u.cosh().powi(2)).ln();
            }
            let values = [0, 1].map(|which| forward(critic, &twins[which], &seen, clearance)[0]);
            let value = match config.twin {
                Twin::Min => {
                    *clearance = clearance.min((values[0] - values[1]).abs());
                    values[0].min(values[1])
                }
                Twin::Mean => 0.5 * (values[0] + values[1]),
                Twin::Off => values[0],
            };
            total += f64::from(self.importance[agent * batch + b]) * (alpha * log_pi - value);
        }
        total / f64::from(BATCH)
    }

    /// The policy's gradients and the critics after one recorded update.
    async fn update(
        &self,
        executor: &mut dyn Executor,
        config: &Config,
        (critic, policy): (&Network, &Network),
    ) -> Result<[Vec<f32>; 2]> {
        let mut buffers = Buffers::default();
        let (networks, others) = (sac::networks(config, critic), sac::policy(config, policy));
        let mut learner = Learner::new(&mut buffers, config.batch_size, &networks, &others, AGENTS);
        let lanes: Buffer<Lane> = buffers.add("lanes", u64::from(AGENTS), "");
        if let Some(drawn) = &mut learner.drawn {
            (drawn.given, drawn.log_std) = (true, continuous::log_std(config));
        }
        let mut recording = Recording::default();
        sac::update(&mut recording, config, &learner, lanes, 1)?;
        executor.allocate(&buffers)?;
        let (q, policy) = (&learner.q.group, &learner.others[0].group);
        for group in [q, policy] {
            let optimizer = (networks.optimizer)(config);
            write_as(executor, group.optimizers.id, &vec![optimizer; AGENTS as usize])?;
        }
        write_as(executor, learner.records.id, &self.records)?;
        write_as(executor, q.weights.id, &self.critics)?;
        write_as(executor, policy.weights.id, &self.policy)?;
        write_as(executor, learner.batch.obs.id, &self.obs)?;
        let actions: Vec<u32> = self.actions.iter().map(|action| action.to_bits()).collect();
        write_as(executor, learner.batch.actions.id, &actions)?;
        write_as(executor, learner.batch.rewards.id, &self.rewards)?;
        write_as(executor, learner.batch.discounts.id, &self.discounts)?;
        write_as(executor, learner.batch.importance.id, &self.importance)?;
        if let Some(drawn) = &learner.drawn {
            write_as(executor, drawn.noise.id, &self.noise)?;
            write_as(executor, drawn.spaces.id, &self.spaces)?;
        }
        let program = executor.prepare(&recording)?;
        executor.submit(&[(program, 1)], None)?;
        Ok([read_later_as(executor, policy.grads.id).await?, read_later_as(executor, q.weights.id).await?])
    }
}

/// One combination, at the first draw that keeps away from kinks.
async fn one(
    executor: &mut dyn Executor,
    options: &Options,
    config: &Config,
    (activation, layer_norm): (Activation, bool),
    index: usize,
    row: &mut Row,
) -> Result<()> {
    let net = |inputs, outputs| {
        let spec = NetworkSpec::mlp(inputs, &HIDDEN, outputs, activation);
        Network::new(&NetworkSpec { layer_norm, ..spec })
    };
    let (critic, policy) = (net(OBS + DIMS, 1), net(OBS, 2 * DIMS));
    let nets = (&critic, &policy);
    let params = policy.params() as usize;
    for attempt in 0..1000 {
        let mut draw = Draw::new(options.seed, ACTION_GRADIENTS, None, 1000 * index + attempt);
        let given = Given::draw(&mut draw, nets);
        let [got, critics] = given.update(executor, config, nets).await?;
        let start = |agent: usize| -> Vec<f64> {
            given.policy[agent * params..][..params].iter().map(|w| f64::from(*w)).collect()
        };
        let mut clearance = f64::INFINITY;
        for agent in 0..AGENTS as usize {
            given.loss(nets, config, agent, &start(agent), &critics, &mut clearance);
        }
        if clearance < KINK {
            continue;
        }
        let want: Vec<f64> = (0..AGENTS as usize)
            .flat_map(|agent| {
                let loss = |weights: &[f64]| {
                    given.loss(nets, config, agent, weights, &critics, &mut { f64::INFINITY })
                };
                slopes(start(agent), loss)
            })
            .collect();
        let norm = if layer_norm { ", layer norm" } else { "" };
        let inputs = format!("{activation:?}{norm}, {:?}, {:?}", config.twin, config.log_std);
        let command = command(executor, ACTION_GRADIENTS, options, index);
        judge(row, (&got, &want), (params, PARTS), (index, inputs, command));
        return Ok(());
    }
    // It does not happen with these sizes; it would show as a missing case.
    Ok(())
}
