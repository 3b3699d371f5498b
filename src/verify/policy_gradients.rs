//! The gradient that a recorded update of discrete SAC leaves for its policy network, against central finite differences in
//! f64 of the policy's loss, with the Q networks as that update left them, alpha, and the averaged policy held fixed:
//! `mean_b w_b sum_h [sum_a pi (alpha ln pi - min_i Q_i) + penalty / 2 (H_old - H)^2] / |A_h|`.

use crate::agents::learner::Learner;
use crate::agents::sac_discrete;
use crate::config::{Config, Twin};
use crate::engine::executor::{Executor, read_later_as, write_as};
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::Result;
use crate::nn::{Network, NetworkSpec};
use crate::shared::agent::{Agent, Lane};
use crate::verify::draw::Draw;
use crate::verify::gradients::{AGENTS, BATCH, KINK, command, judge, networks, no_gradient_yet, slopes};
use crate::verify::network64::forward;
use crate::verify::report::Row;
use crate::verify::{Options, POLICY_GRADIENTS};

/// The gradients for a row's outputs sum to 0. In a network that sees the action and evaluates it by the same weights, parts of
/// this size cancel, and their rounding stays.
const PARTS: f64 = 1e-2;

/// All networks, forms of joining the twins, with and without the penalty.
pub async fn check(executor: &mut dyn Executor, options: &Options) -> Result<Row> {
    let mut row = no_gradient_yet(
        POLICY_GRADIENTS,
        "a whole update of discrete SAC against central finite differences in f64",
    );
    let mut index = 0;
    for (name, spec) in networks() {
        for twin in [Twin::Min, Twin::Mean, Twin::Off] {
            for entropy_penalty in [0.0, 0.5] {
                if options.case.is_none_or(|case| case == index) {
                    let config = Config { twin, entropy_penalty, batch_size: BATCH, ..Config::default() };
                    one(executor, options, &config, (name, &spec), index, &mut row).await?;
                }
                index += 1;
            }
        }
    }
    Ok(row)
}

/// What an update starts from.
struct Given {
    records: Vec<Agent>,
    q: Vec<f32>,
    /// `[agents, nets, params]`: the policy, then its average where there is one.
    policy: Vec<f32>,
    nets: usize,
    obs: Vec<f32>,
    actions: Vec<u32>,
    rewards: Vec<f32>,
    discounts: Vec<f32>,
    importance: Vec<f32>,
}

impl Given {
    fn draw(draw: &mut Draw, net: &Network, config: &Config) -> Given {
        let rows = (AGENTS * BATCH) as usize;
        let nets = if config.entropy_penalty > 0.0 { 2 } else { 1 };
        let actions = (0..rows).flat_map(|_| net.heads.iter().map(|head| head.actions));
        let mut records = draw.agents(AGENTS);
        for record in &mut records {
            record.alpha = draw.magnitude(-1.0, 0.5);
        }
        Given {
            records,
            q: draw.floats((AGENTS * 4 * net.params()) as usize, -0.8, 0.8),
            policy: draw.floats((AGENTS * net.params()) as usize * nets, -0.8, 0.8),
            nets,
            obs: draw.floats(2 * rows * net.tensors()[0].width() as usize, -1.0, 1.0),
            actions: actions.map(|actions| draw.int(0, actions - 1)).collect(),
            rewards: draw.floats(rows, -1.0, 1.0),
            discounts: draw.floats(rows, 0.5, 1.0),
            importance: draw.floats(rows, 0.2, 2.0),
        }
    }

    /// `s` of a row.
    fn obs(&self, net: &Network, agent: usize, b: usize) -> Vec<f64> {
        let width = net.tensors()[0].width() as usize;
        let from = (agent * 2 * BATCH as usize + b) * width;
        self.obs[from..][..width].iter().map(|x| f64::from(*x)).collect()
    }

    /// Smallest distance of the policies from relu's kink.
    fn clearance(&self, net: &Network) -> f64 {
        let mut clearance = f64::INFINITY;
        for agent in 0..AGENTS as usize {
            let weights = weights_of(&self.policy, net, self.nets, agent, 0);
            for b in 0..BATCH as usize {
                forward(net, &weights, &self.obs(net, agent, b), &mut clearance);
            }
        }
        clearance
    }

    /// The policy's loss; `q` are the Q networks that it learns from, `[agents, 4, params]`.
    fn loss(&self, net: &Network, config: &Config, agent: usize, weights: &[f64], q: &[f32]) -> f64 {
        // The policy keeps away from kinks, and nothing else is differentiated.
        let mut clearance = f64::INFINITY;
        let mut values =
            |weights: &[f64], b: usize| forward(net, weights, &self.obs(net, agent, b), &mut clearance);
        let [first, second] = [0, 1].map(|which| weights_of(q, net, 4, agent, which));
        let old = weights_of(&self.policy, net, self.nets, agent, self.nets - 1);
        let alpha = f64::from(self.records[agent].alpha);
        let mut total = 0.0;
        for b in 0..BATCH as usize {
            let [now, old, first, second] =
                [weights, &old[..], &first[..], &second[..]].map(|weights| values(weights, b));
            for head in &net.heads {
                let columns = head.offset as usize..(head.offset + head.actions) as usize;
                let log_pi = log_softmax(&now[columns.clone()]);
                let joined = columns.clone().map(|a| match config.twin {
                    Twin::Min => first[a].min(second[a]),
                    Twin::Mean => 0.5 * (first[a] + second[a]),
                    Twin::Off => first[a],
                });
                let expected: f64 =
                    log_pi.iter().zip(joined).map(|(log_pi, m)| log_pi.exp() * (alpha * log_pi - m)).sum();
                let gap = entropy(&log_softmax(&old[columns])) - entropy(&log_pi);
                let loss = expected + config.entropy_penalty / 2.0 * gap * gap;
                let weight = f64::from(self.importance[agent * BATCH as usize + b]);
                total += weight * loss / f64::from(head.actions);
            }
        }
        total / f64::from(BATCH)
    }

    /// The policy's gradients and the Q networks after one recorded update.
    async fn update(
        &self,
        executor: &mut dyn Executor,
        config: &Config,
        net: &Network,
    ) -> Result<[Vec<f32>; 2]> {
        let mut buffers = Buffers::default();
        let (networks, others) = (sac_discrete::networks(config, net), sac_discrete::policy(config, net));
        let learner = Learner::new(&mut buffers, config.batch_size, &networks, &others, AGENTS);
        let lanes: Buffer<Lane> = buffers.add("lanes", u64::from(AGENTS), "");
        let mut recording = Recording::default();
        sac_discrete::update(&mut recording, config, &learner, lanes, 1)?;
        executor.allocate(&buffers)?;
        let (q, policy) = (&learner.q.group, &learner.others[0].group);
        for group in [q, policy] {
            // Nobody else has set them; zeros would divide by zero.
            let optimizer = (networks.optimizer)(config);
            write_as(executor, group.optimizers.id, &vec![optimizer; AGENTS as usize])?;
        }
        write_as(executor, learner.records.id, &self.records)?;
        write_as(executor, q.weights.id, &self.q)?;
        write_as(executor, policy.weights.id, &self.policy)?;
        write_as(executor, learner.batch.obs.id, &self.obs)?;
        write_as(executor, learner.batch.actions.id, &self.actions)?;
        write_as(executor, learner.batch.rewards.id, &self.rewards)?;
        write_as(executor, learner.batch.discounts.id, &self.discounts)?;
        write_as(executor, learner.batch.importance.id, &self.importance)?;
        let program = executor.prepare(&recording)?;
        executor.submit(&[(program, 1)], None)?;
        Ok([read_later_as(executor, policy.grads.id).await?, read_later_as(executor, q.weights.id).await?])
    }
}

/// Weights in f64 of network `which` of `nets`.
fn weights_of(all: &[f32], net: &Network, nets: usize, agent: usize, which: usize) -> Vec<f64> {
    let params = net.params() as usize;
    all[(agent * nets + which) * params..][..params].iter().map(|w| f64::from(*w)).collect()
}

fn log_softmax(z: &[f64]) -> Vec<f64> {
    let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let log_sum = z.iter().map(|z| (z - top).exp()).sum::<f64>().ln();
    z.iter().map(|z| z - top - log_sum).collect()
}

fn entropy(log_pi: &[f64]) -> f64 {
    -log_pi.iter().map(|log_pi| log_pi.exp() * log_pi).sum::<f64>()
}

/// One combination, at the first draw that keeps away from kinks.
async fn one(
    executor: &mut dyn Executor,
    options: &Options,
    config: &Config,
    (name, spec): (&str, &NetworkSpec),
    index: usize,
    row: &mut Row,
) -> Result<()> {
    let net = Network::new(spec);
    let drawn = (0..1000).find_map(|attempt| {
        let seed = 1000 * index + attempt;
        let given = Given::draw(&mut Draw::new(options.seed, POLICY_GRADIENTS, None, seed), &net, config);
        (given.clearance(&net) >= KINK).then_some(given)
    });
    // A thousand draws without a clear one does not happen with these sizes; it would show as a missing case.
    let Some(given) = drawn else { return Ok(()) };
    let [got, q] = given.update(executor, config, &net).await?;
    let want: Vec<f64> = (0..AGENTS as usize)
        .flat_map(|agent| {
            let start = weights_of(&given.policy, &net, given.nets, agent, 0);
            slopes(start, |weights| given.loss(&net, config, agent, weights, &q))
        })
        .collect();
    let inputs = format!("{name}, {:?}, entropy penalty {}", config.twin, config.entropy_penalty);
    let command = command(executor, POLICY_GRADIENTS, options, index);
    judge(row, (&got, &want), (net.params() as usize, PARTS), (index, inputs, command));
    Ok(())
}
