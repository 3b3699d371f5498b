//! Soft Q-learning's sampler on a task of one step whose action values are known: a network that turns noise into actions learns
//! by Stein variational gradient descent alone, and its samples are compared with the exact density; the soft value of uniform
//! actions is compared with the exact integral.
//!
//! The density is that of the authors' code, which adds the tanh's log determinant where it moves squashed actions:
//! `p(a|s)` proportional to `exp(Q(s, a) / alpha) (1 - a^2)`.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use softq::engine::cpu::CpuExecutor;
use softq::engine::executor::{Executor, Program, read_as, write_as};
use softq::engine::recording::{Buffer, Buffers, Recording};
use softq::kernels::{Activation, soft_value, svgd_bandwidth, svgd_gradient, svgd_kernel, svgd_score};
use softq::nn::{AdamForm, Evaluations, Group, GroupSpec, Inputs, Network, NetworkSpec};
use softq::shared::agent::Agent;
use softq::shared::normal::normal;
use softq::shared::optimizer::Optimizer;
use softq::shared::rng::Rng;

const STATES: usize = 3;
/// Batch rows: every state as often as the others.
const BATCH: usize = 12;
const FIXED: usize = 16;
const UPDATED: usize = 16;
const ROWS: usize = BATCH * (FIXED + UPDATED);
/// The state one-hot, then the noise.
const WIDTH: usize = STATES + 1;
const ALPHA: f32 = 0.5;

/// `Q(s, a)`: two peaks of unequal height, one beside the middle, none.
fn q(state: usize, a: f64) -> f64 {
    match state {
        0 => 0.2 * a - 8.0 * (a * a - 0.36).powi(2),
        1 => -3.0 * (a - 0.4).powi(2),
        _ => 0.0,
    }
}

fn slope(state: usize, a: f64) -> f64 {
    match state {
        0 => 0.2 - 32.0 * a * (a * a - 0.36),
        1 => -6.0 * (a - 0.4),
        _ => 0.0,
    }
}

/// The sampler, its optimiser, and the kernels that teach it.
struct Sampler {
    executor: CpuExecutor,
    network: Evaluations,
    inputs: Buffer<f32>,
    actions: Buffer<f32>,
    values: Buffer<f32>,
    dq: Buffer<f32>,
    slopes: Buffer<f32>,
    gradients: Buffer<f32>,
    /// Forward; kernel and scores; gradient; backward and a step.
    programs: [Program; 4],
    step: u32,
}

impl Sampler {
    fn new() -> Sampler {
        let mut buffers = Buffers::default();
        let inputs = buffers.add("inputs", (ROWS * WIDTH) as u64, "");
        let net = Network::new(&NetworkSpec::mlp(WIDTH as u32, &[32, 32], 1, Activation::Tanh));
        let spec = GroupSpec { name: "sampler", net, online: 1, targets: false, stream: 0 };
        let group = Group::new(&mut buffers, "", &spec, 1);
        let given = Inputs { values: inputs, count: 1, batch: ROWS as u32 };
        let network = Evaluations::new(&mut buffers, "", &group, given, &[(0, 0)], 1, "");
        let records = buffers.add("agents", 1, "");
        let mut add = |name: &str, count: usize| -> Buffer<f32> { buffers.add(name, count as u64, "") };
        let (actions, gradients) = (add("actions", ROWS), add("gradients", ROWS));
        let [values, dq, scores, log_densities] =
            ["values", "dq", "scores", "log_densities"].map(|name| add(name, BATCH * FIXED));
        let [medians, bandwidths] = ["medians", "bandwidths"].map(|name| add(name, BATCH));
        let [kappas, slopes] = ["kappas", "slopes"].map(|name| add(name, BATCH * FIXED * UPDATED));
        let (batch, fixed, updated, dims, agents) = (BATCH as u32, FIXED as u32, UPDATED as u32, 1, 1);

        let mut recordings: [Recording; 4] = Default::default();
        network.forward(&mut recordings[0]).expect("forward");
        let params = svgd_bandwidth::Params { batch, fixed, updated, dims, least: 1e-3, agents };
        svgd_bandwidth::record(&mut recordings[1], params, actions, medians, bandwidths).expect("recorded");
        let params = svgd_kernel::Params { batch, fixed, updated, dims, agents };
        svgd_kernel::record(&mut recordings[1], params, actions, bandwidths, kappas, slopes)
            .expect("recorded");
        let params =
            svgd_score::Params { batch, fixed, updated, dims, dq_stride: 1, dq_offset: 0, eps: 1e-6, agents };
        svgd_score::record(&mut recordings[1], params, records, actions, values, dq, scores, log_densities)
            .expect("recorded");
        // Ascent, as the mean over the updated particles of a loss.
        let scale = -1.0 / (BATCH * UPDATED) as f32;
        let params = svgd_gradient::Params { batch, fixed, updated, dims, scale, squashed: 1, agents };
        svgd_gradient::record(&mut recordings[2], params, actions, scores, kappas, slopes, gradients)
            .expect("recorded");
        network.backward(&mut recordings[3]).expect("backward");
        group.step(&mut recordings[3], records, AdamForm::default()).expect("a step");

        let mut executor = CpuExecutor::new();
        executor.allocate(&buffers).expect("memory");
        let programs = recordings.map(|recording| executor.prepare(&recording).expect("a program"));
        write_as(&mut executor, group.weights.id, &spec.init(1)).expect("weights");
        write_as(&mut executor, records.id, &[Agent { alpha: ALPHA, ..Agent::default() }]).expect("agent");
        let optimizer = Optimizer {
            one_minus_beta1: 0.1,
            one_minus_beta2: 1e-3,
            ln_beta1: 0.9f32.ln(),
            ln_beta2: 0.999f32.ln(),
            adam_eps: 1e-8,
            grad_scale: 1.0,
            ..Optimizer::default()
        };
        write_as(&mut executor, group.optimizers.id, &[optimizer]).expect("optimizer");
        Sampler { executor, network, inputs, actions, values, dq, slopes, gradients, programs, step: 0 }
    }

    /// Sets the step size of what follows.
    fn learn_at(&mut self, learning_rate: f32) {
        let optimizers = self.network.group.optimizers.id;
        let now: Vec<Optimizer> = read_as(&mut self.executor, optimizers).expect("optimizer");
        let next = Optimizer { learning_rate, ..now[0] };
        write_as(&mut self.executor, optimizers, &[next]).expect("optimizer");
    }

    fn state_of(row: usize) -> usize {
        row / (FIXED + UPDATED) % STATES
    }

    fn run(&mut self, program: usize) {
        self.executor.submit(&[(self.programs[program], 1)], None).expect("a submission");
    }

    /// Actions of fresh noise `[BATCH, FIXED + UPDATED]`.
    fn draw(&mut self) -> Vec<f32> {
        let mut inputs = vec![0.0f32; ROWS * WIDTH];
        for (row, input) in inputs.chunks_exact_mut(WIDTH).enumerate() {
            input[Sampler::state_of(row)] = 1.0;
            input[STATES] = normal(&mut Rng::new(9, 0, self.step, row as u32));
        }
        self.step += 1;
        write_as(&mut self.executor, self.inputs.id, &inputs).expect("noise");
        self.run(0);
        let outputs: Vec<f32> = read_as(&mut self.executor, self.network.outputs().id).expect("outputs");
        outputs.iter().map(|u| u.tanh()).collect()
    }

    /// One update; without `apart` nothing keeps the particles from each other.
    fn update(&mut self, apart: bool) {
        let actions = self.draw();
        let fixed = actions.chunks_exact(FIXED + UPDATED).enumerate();
        let asked: Vec<(usize, f64)> = fixed
            .flat_map(|(b, row)| row[..FIXED].iter().map(move |a| (b % STATES, f64::from(*a))))
            .collect();
        let of = |q: fn(usize, f64) -> f64| {
            asked.iter().map(|(state, a)| q(*state, *a) as f32).collect::<Vec<f32>>()
        };
        write_as(&mut self.executor, self.actions.id, &actions).expect("actions");
        write_as(&mut self.executor, self.values.id, &of(q)).expect("values");
        write_as(&mut self.executor, self.dq.id, &of(slope)).expect("gradients");
        self.run(1);
        if !apart {
            let zeros = vec![0.0f32; BATCH * FIXED * UPDATED];
            write_as(&mut self.executor, self.slopes.id, &zeros).expect("slopes");
        }
        self.run(2);
        let gradients: Vec<f32> = read_as(&mut self.executor, self.gradients.id).expect("gradients");
        let deltas = self.network.output_deltas().expect("a gradient flows");
        write_as(&mut self.executor, deltas.id, &gradients).expect("deltas");
        self.run(3);
    }

    /// Largest distance between the distribution of many samples and the exact one, for each state.
    fn distances(&mut self) -> [f64; STATES] {
        let mut samples = vec![Vec::new(); STATES];
        for _ in 0..25 {
            for (row, a) in self.draw().iter().enumerate() {
                samples[Sampler::state_of(row)].push(f64::from(*a));
            }
        }
        std::array::from_fn(|state| kolmogorov(&mut samples[state], state))
    }
}

/// Points of the grid for exact integrals.
const GRID: usize = 20_000;

/// `integral of f over [-1, x]` at every point of the grid, by the rule of the midpoints.
fn integral(f: impl Fn(f64) -> f64) -> Vec<f64> {
    let width = 2.0 / GRID as f64;
    let mut sum = 0.0;
    (0..GRID)
        .map(|i| {
            sum += width * f(-1.0 + (i as f64 + 0.5) * width);
            sum
        })
        .collect()
}

/// Distance of Kolmogorov and Smirnov from the exact distribution.
fn kolmogorov(samples: &mut [f64], state: usize) -> f64 {
    let mass = integral(|a| (q(state, a) / f64::from(ALPHA)).exp() * (1.0 - a * a));
    let total = mass[GRID - 1];
    samples.sort_by(f64::total_cmp);
    let n = samples.len() as f64;
    let distance = |(i, a): (usize, &f64)| {
        let place = (((a + 1.0) / 2.0 * GRID as f64) as usize).min(GRID - 1);
        let exact = mass[place] / total;
        (exact - i as f64 / n).abs().max((exact - (i + 1) as f64 / n).abs())
    };
    samples.iter().enumerate().map(distance).fold(0.0, f64::max)
}

#[test]
fn the_sampler_learns_the_density_of_a_known_energy() {
    let mut sampler = Sampler::new();
    let before = sampler.distances();
    // Slower in the end, so that what remains is not the noise of the last steps.
    for (updates, learning_rate) in [(4_000, 2e-3), (4_000, 3e-4)] {
        sampler.learn_at(learning_rate);
        for _ in 0..updates {
            sampler.update(true);
        }
    }
    let after = sampler.distances();
    println!("before {before:?}, after {after:?}");
    assert!(before.iter().all(|distance| *distance > 0.15), "{before:?}");
    assert!(after.iter().all(|distance| *distance < 0.06), "{after:?}");
}

#[test]
fn without_the_force_between_particles_it_collapses() {
    let mut sampler = Sampler::new();
    sampler.learn_at(2e-3);
    for _ in 0..1_000 {
        sampler.update(false);
    }
    let distances = sampler.distances();
    println!("{distances:?}");
    assert!(distances.iter().all(|distance| *distance > 0.25), "{distances:?}");
}

#[test]
fn the_soft_value_of_uniform_actions_is_the_integral() {
    const PARTICLES: usize = 16_384;
    let alpha = f64::from(ALPHA);
    let mut buffers = Buffers::default();
    let agents = buffers.add("agents", 1, "");
    let mut add = |name: &str, count: usize| -> Buffer<f32> { buffers.add(name, count as u64, "") };
    let [action_values, log_weights] = ["q", "log_weights"].map(|name| add(name, STATES * PARTICLES));
    let [rewards, discounts, values, targets] =
        ["rewards", "discounts", "values", "targets"].map(|name| add(name, STATES));
    let params = soft_value::Params {
        batch: STATES as u32,
        particles: PARTICLES as u32,
        slots: 1,
        target_1: 0,
        target_2: 0,
        agents: 1,
    };
    let mut rec = Recording::default();
    soft_value::record(
        &mut rec,
        params,
        agents,
        action_values,
        log_weights,
        rewards,
        discounts,
        values,
        targets,
    )
    .expect("recorded");
    let mut executor = CpuExecutor::new();
    executor.allocate(&buffers).expect("memory");
    let program = executor.prepare(&rec).expect("a program");
    write_as(&mut executor, agents.id, &[Agent { alpha: ALPHA, ..Agent::default() }]).expect("agent");
    let mut rng = StdRng::seed_from_u64(2);
    // A proposal that is not uniform: half of the actions in [0, 1], three eighths in [-1/2, 0], the others below.
    let propose = |rng: &mut StdRng, uniform: bool| -> (f64, f64) {
        match (uniform, rng.random_range(0..8)) {
            (true, _) => (rng.random_range(-1.0..1.0), 0.5),
            (false, 0..4) => (rng.random_range(0.0..1.0), 0.5),
            (false, 4..7) => (rng.random_range(-0.5..0.0), 0.75),
            (false, _) => (rng.random_range(-1.0..-0.5), 0.25),
        }
    };
    for uniform in [true, false] {
        let (mut given, mut weights) = (Vec::new(), Vec::new());
        for state in 0..STATES {
            for _ in 0..PARTICLES {
                let (a, density) = propose(&mut rng, uniform);
                given.push(q(state, a) as f32);
                weights.push(-density.ln() as f32);
            }
        }
        write_as(&mut executor, action_values.id, &given).expect("values");
        write_as(&mut executor, log_weights.id, &weights).expect("weights");
        executor.submit(&[(program, 1)], None).expect("a submission");
        let got: Vec<f32> = read_as(&mut executor, values.id).expect("values");
        for (state, got) in got.iter().enumerate() {
            let exact = alpha * integral(|a| (q(state, a) / alpha).exp())[GRID - 1].ln();
            // Four standard errors of a mean of so many weights, whose spread is up to twice their mean.
            let bound = 4.0 * alpha * 2.0 / (PARTICLES as f64).sqrt();
            assert!((f64::from(*got) - exact).abs() < bound, "state {state}: {got} {exact} +- {bound}");
        }
    }
}
