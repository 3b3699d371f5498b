//! `svgd_*`: soft Q-learning for continuous actions as its authors' code computes it, through the kernels: SVGD's kernel with the
//! median bandwidth, the action gradient, and the soft value of uniform actions with the target that follows from it.

use serde_json::Value;

use crate::engine::executor::Program;
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::kernels::{soft_value, svgd_bandwidth, svgd_gradient, svgd_kernel, svgd_score};
use crate::shared::agent::Agent;
use crate::verify::conformance::case::{Case, number_at};
use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::report::{Outcome, malformed, unsupported};
use crate::verify::conformance::torch_losses::{HALF_MSE, evaluate};

/// The authors' least bandwidth, where a file does not name one.
const LEAST_BANDWIDTH: f64 = 1e-3;

/// Every set of the file by name.
fn sets(case: &Case) -> Outcome<Vec<(&str, &Value)>> {
    match case.config().get("sets").and_then(Value::as_object) {
        Some(sets) if !sets.is_empty() => Ok(sets.iter().map(|(name, set)| (name.as_str(), set)).collect()),
        _ => malformed("config has no 'sets'"),
    }
}

/// Particles of `rows` states as the kernels have them, and the kernel over them.
struct Particles {
    rows: usize,
    fixed: usize,
    updated: usize,
    dims: usize,
    /// `[rows, fixed + updated, dims]`
    actions: Vec<f32>,
}

/// Shape of a tensor of three axes.
fn three(case: &Case, name: &str) -> Outcome<[usize; 3]> {
    match case.shape(name)? {
        [rows, count, dims] => Ok([*rows, *count, *dims]),
        other => malformed(format!("tensor '{name}' is {other:?}, expected three axes")),
    }
}

impl Particles {
    /// From the fixed particles and the others of every row.
    fn new(case: &Case, fixed: &str, updated: &str) -> Outcome<Particles> {
        let [rows, count, dims] = three(case, fixed)?;
        let [_, others, _] = three(case, updated)?;
        let x = case.f32(fixed)?.chunks_exact(count * dims);
        let y = case.f32_of(updated, &[rows, others, dims])?.chunks_exact(others * dims);
        let actions = x.zip(y).flat_map(|(x, y)| [x, y].concat()).collect();
        Ok(Particles { rows, fixed: count, updated: others, dims, actions })
    }

    /// `[rows, fixed + updated, dims]` cut into the two.
    fn split(&self, values: &[f32]) -> [Vec<f32>; 2] {
        let rows = || values.chunks_exact((self.fixed + self.updated) * self.dims);
        let at = self.fixed * self.dims;
        [
            rows().flat_map(|row| row[..at].to_vec()).collect(),
            rows().flat_map(|row| row[at..].to_vec()).collect(),
        ]
    }

    fn counts(&self) -> [u32; 4] {
        // Tensors of a file are far below 2^32 values.
        [self.rows, self.fixed, self.updated, self.dims].map(|size| size as u32)
    }
}

/// Bandwidth and kernel of particles, recorded over buffers.
struct Memory {
    actions: Buffer<f32>,
    medians: Buffer<f32>,
    bandwidths: Buffer<f32>,
    kappas: Buffer<f32>,
    slopes: Buffer<f32>,
}

impl Memory {
    fn new(
        buffers: &mut Buffers,
        recording: &mut Recording,
        particles: &Particles,
        least: f32,
    ) -> Outcome<Memory> {
        let [batch, fixed, updated, dims] = particles.counts();
        let most = svgd_bandwidth::MOST_PAIRS;
        if fixed.saturating_mul(updated) > most {
            return unsupported(format!("{fixed} times {updated} particles are more than {most} pairs"));
        }
        let pairs = (particles.rows * particles.fixed * particles.updated) as u64;
        let mut add = |name: &str, count: u64| -> Buffer<f32> { buffers.add(name, count, "") };
        let memory = Memory {
            actions: add("actions", particles.actions.len() as u64),
            medians: add("medians", u64::from(batch)),
            bandwidths: add("bandwidths", u64::from(batch)),
            kappas: add("kappas", pairs),
            slopes: add("slopes", pairs * u64::from(dims)),
        };
        let Memory { actions, medians, bandwidths, kappas, slopes } = memory;
        let params = svgd_bandwidth::Params { batch, fixed, updated, dims, least, agents: 1 };
        svgd_bandwidth::record(recording, params, actions, medians, bandwidths)?;
        let params = svgd_kernel::Params { batch, fixed, updated, dims, agents: 1 };
        svgd_kernel::record(recording, params, actions, bandwidths, kappas, slopes)?;
        Ok(memory)
    }
}

/// SVGD's kernel and its gradient for given particles.
pub fn replay_kernel(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    for (name, set) in sets(case)? {
        let particles = Particles::new(case, &format!("{name}.xs"), &format!("{name}.ys"))?;
        let least = number_at(set, &["h_min"])? as f32;
        let (mut buffers, mut recording) = (Buffers::default(), Recording::default());
        let memory = Memory::new(&mut buffers, &mut recording, &particles, least)?;
        let program = device.prepare(&buffers, &recording)?;
        device.write(memory.actions, &particles.actions)?;
        device.run(program)?;
        let Particles { rows, fixed, updated, dims, .. } = particles;
        let results: [(&str, Buffer<f32>, &[usize]); 4] = [
            ("median_sq", memory.medians, &[rows]),
            ("h", memory.bandwidths, &[rows]),
            ("kernel", memory.kappas, &[rows, fixed, updated]),
            ("gradient", memory.slopes, &[rows, fixed, updated, dims]),
        ];
        for (part, buffer, shape) in results {
            compare(case, comparison, name, part, shape, &device.read(buffer)?)?;
        }
    }
    Ok(())
}

/// One tensor of a set against what the kernels made of it.
fn compare(
    case: &Case,
    comparison: &mut Comparison,
    set: &str,
    part: &str,
    shape: &[usize],
    got: &[f32],
) -> Outcome<()> {
    let name = format!("{set}.{part}");
    comparison.tensor(part, &name, got, case.f32_of(&name, shape)?, case.tolerance(&name)?)
}

/// The action gradient of soft Q-learning for given action values and their gradients.
pub fn replay_action_gradient(
    case: &Case,
    device: &mut Device<'_>,
    comparison: &mut Comparison,
) -> Outcome<()> {
    let eps = case.number(&["eps"])? as f32;
    for (name, set) in sets(case)? {
        let tensor = |part: &str| format!("{name}.{part}");
        let [rows, count, dims] = three(case, &tensor("actions"))?;
        // How the code divides the policy's actions: the updated ones are the last of them.
        let ratio = number_at(set, &["kernel_update_ratio"])?;
        let updated = (count as f64 * ratio) as usize;
        if !(1..count).contains(&updated) {
            return malformed(format!("config.sets.{name}: {ratio} of {count} particles are {updated}"));
        }
        let fixed = count - updated;
        let actions = case.f32(&tensor("actions"))?.to_vec();
        let particles = Particles { rows, fixed, updated, dims, actions };
        let [fixed_actions, updated_actions] = particles.split(&particles.actions);
        compare(case, comparison, name, "fixed_actions", &[rows, fixed, dims], &fixed_actions)?;
        compare(case, comparison, name, "updated_actions", &[rows, updated, dims], &updated_actions)?;
        // The values' own function is there for engines that want to evaluate it.
        case.ignore(&tensor("q_coefficients"));
        let q = case.f32_of(&tensor("q_fixed"), &[rows, fixed])?;
        let dq = case.f32_of(&tensor("dq_da_fixed"), &[rows, fixed, dims])?;
        let least = case.number_or(&["h_min"], LEAST_BANDWIDTH)? as f32;
        let chain = Chain::new(device, &particles, least, eps)?;
        let [kappas, log_p, scores, gradients] = chain.run(device, &particles, q, dq)?;
        compare(case, comparison, name, "kernel", &[rows, fixed, updated], &kappas)?;
        compare(case, comparison, name, "log_p", &[rows, fixed], &log_p)?;
        compare(case, comparison, name, "grad_log_p", &[rows, fixed, dims], &scores)?;
        let [_, action_gradient] = particles.split(&gradients);
        compare(case, comparison, name, "action_gradient", &[rows, updated, dims], &action_gradient)?;
        compare(case, comparison, name, "policy_gradient", &[rows, count, dims], &gradients)?;
    }
    Ok(())
}

/// All kernels of the action gradient.
struct Chain {
    memory: Memory,
    q: Buffer<f32>,
    dq: Buffer<f32>,
    scores: Buffer<f32>,
    log_densities: Buffer<f32>,
    gradients: Buffer<f32>,
    program: Program,
}

impl Chain {
    fn new(device: &mut Device<'_>, particles: &Particles, least: f32, eps: f32) -> Outcome<Chain> {
        let [batch, fixed, updated, dims] = particles.counts();
        let (mut buffers, mut recording) = (Buffers::default(), Recording::default());
        let memory = Memory::new(&mut buffers, &mut recording, particles, least)?;
        let agents = buffers.add("agents", 1, "");
        let asked = u64::from(batch) * u64::from(fixed);
        let mut add = |name: &str, count: u64| -> Buffer<f32> { buffers.add(name, count, "") };
        let (q, log_densities) = (add("q", asked), add("log_densities", asked));
        let [dq, scores] = ["dq", "scores"].map(|name| add(name, asked * u64::from(dims)));
        let gradients = add("gradients", particles.actions.len() as u64);
        let params =
            svgd_score::Params { batch, fixed, updated, dims, dq_stride: dims, dq_offset: 0, eps, agents: 1 };
        svgd_score::record(&mut recording, params, agents, memory.actions, q, dq, scores, log_densities)?;
        let params =
            svgd_gradient::Params { batch, fixed, updated, dims, scale: 1.0, squashed: 0, agents: 1 };
        let Memory { actions, kappas, slopes, .. } = memory;
        svgd_gradient::record(&mut recording, params, actions, scores, kappas, slopes, gradients)?;
        let program = device.prepare(&buffers, &recording)?;
        // The code has no temperature: it scales rewards instead.
        device.write(agents, &[Agent { alpha: 1.0, ..Agent::default() }])?;
        Ok(Chain { memory, q, dq, scores, log_densities, gradients, program })
    }

    /// Kernel, log densities, their gradients, and the gradients of all particles.
    fn run(
        &self,
        device: &mut Device<'_>,
        particles: &Particles,
        q: &[f32],
        dq: &[f32],
    ) -> Outcome<[Vec<f32>; 4]> {
        device.write(self.memory.actions, &particles.actions)?;
        device.write(self.q, q)?;
        device.write(self.dq, dq)?;
        device.run(self.program)?;
        let [kappas, log_densities] = [self.memory.kappas, self.log_densities].map(|b| device.read(b));
        let [scores, gradients] = [self.scores, self.gradients].map(|b| device.read(b));
        Ok([kappas?, log_densities?, scores?, gradients?])
    }
}

/// The soft value by importance sampling, the target, and the loss.
pub fn replay_soft_value(case: &Case, device: &mut Device<'_>, comparison: &mut Comparison) -> Outcome<()> {
    for (name, set) in sets(case)? {
        let tensor = |part: &str| format!("{name}.{part}");
        let [rows, particles] = case.matrix(&tensor("q_samples"))?;
        let [count, dims] = case.matrix(&tensor("uniform_actions"))?;
        if count != particles {
            return malformed(format!("'{name}' has {count} actions and values of {particles}"));
        }
        let of = |part: &str| case.f32_of(&tensor(part), &[rows]);
        let (reward, done, q) = (of("reward")?, of("done")?, of("q")?);
        let scale = number_at(set, &["reward_scale"])? as f32;
        let discount = number_at(set, &["discount"])? as f32;
        let rewards: Vec<f32> = reward.iter().map(|reward| scale * reward).collect();
        let discounts: Vec<f32> = done.iter().map(|done| (1.0 - done) * discount).collect();
        // Actions uniform in [-1, 1]^dims.
        let log_weights = vec![dims as f32 * std::f32::consts::LN_2; rows * particles];
        let q_samples = case.f32_of(&tensor("q_samples"), &[rows, particles])?;
        let inputs = [q_samples, &log_weights, &rewards, &discounts];
        let [values, targets] = soft_values(device, [rows, particles].map(|size| size as u32), inputs)?;
        compare(case, comparison, name, "next_value", &[rows], &values)?;
        compare(case, comparison, name, "y", &[rows], &targets)?;
        let loss = evaluate(device, HALF_MSE, 1.0, [q, &targets, &vec![1.0; rows]])?.mean;
        compare(case, comparison, name, "bellman_residual", &[1], &[loss])?;
        // The taken actions and the functions behind the given values.
        for part in ["action", "q_coefficients", "next_q_coefficients"] {
            case.ignore(&tensor(part));
        }
    }
    Ok(())
}

/// Values and targets of rows of action values, weights, rewards and discounts.
fn soft_values(
    device: &mut Device<'_>,
    [batch, particles]: [u32; 2],
    inputs: [&[f32]; 4],
) -> Outcome<[Vec<f32>; 2]> {
    let (mut buffers, mut recording) = (Buffers::default(), Recording::default());
    let agents = buffers.add("agents", 1, "");
    let mut add = |name: &str, count: usize| -> Buffer<f32> { buffers.add(name, count as u64, "") };
    let names = ["q", "log_weights", "rewards", "discounts"];
    let [q, log_weights, rewards, discounts] =
        std::array::from_fn(|index| add(names[index], inputs[index].len()));
    let [values, targets] = ["values", "targets"].map(|name| add(name, batch as usize));
    let params = soft_value::Params { batch, particles, slots: 1, target_1: 0, target_2: 0, agents: 1 };
    soft_value::record(&mut recording, params, agents, q, log_weights, rewards, discounts, values, targets)?;
    let program = device.prepare(&buffers, &recording)?;
    device.write(agents, &[Agent { alpha: 1.0, ..Agent::default() }])?;
    for (buffer, input) in [q, log_weights, rewards, discounts].into_iter().zip(inputs) {
        device.write(buffer, input)?;
    }
    device.run(program)?;
    Ok([device.read(values)?, device.read(targets)?])
}
