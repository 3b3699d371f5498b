//! The GPU suite: every kernel on a real adapter against its CPU twin and an f64 reference, gradients against finite
//! differences, a training run against the twins, and the tools that find a divergence. One device serves all tests.
//!
//! Without an adapter the tests fail with the hint what to install; `SOFTQ_NO_GPU=1` leaves them out, loudly.

mod common;

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, OnceLock};

use softq::agents::{self, Plan};
use softq::bench::workload;
use softq::config::Config;
use softq::engine::compose::compose;
use softq::engine::cpu::CpuExecutor;
use softq::engine::debug::{check_each, switch_at};
use softq::engine::executor::Executor;
use softq::engine::kernel::{Access, Kernel, MAX_LOOP_ITERATIONS, TwinCall};
use softq::engine::recording::{Buffers, Recording};
use softq::error::Error;
use softq::gpu::{GpuDevice, GpuExecutor};
use softq::kernels::{
    conv2d_backward_input, conv2d_backward_weights, conv2d_forward, dense_backward_input,
    dense_backward_weights, dense_forward, env_reset, grad_norm, log_softmax, td_error,
};
use softq::shared::agent::Agent;
use softq::shared::layout::{Layout, Scalar};
use softq::shared::optimizer::Optimizer;
use softq::verify::case::{Case, SENTINEL};
use softq::verify::check::{run_case, run_twin};
use softq::verify::{self, ACTION_GRADIENTS, GRADIENTS, Options, POLICY_GRADIENTS, Row, TRAINING};

/// The shared device, or `None` where `SOFTQ_NO_GPU=1` asks to go without.
fn gpu() -> Option<MutexGuard<'static, GpuExecutor>> {
    static GPU: OnceLock<Option<Mutex<GpuExecutor>>> = OnceLock::new();
    let gpu = GPU.get_or_init(|| {
        let choice = common::gpu()?;
        eprintln!("GPU tests run on {} ({})", choice.address, choice.adapter);
        let device = pollster::block_on(GpuDevice::open(&choice.address)).expect("the device opens");
        Some(Mutex::new(GpuExecutor::new(device)))
    });
    // A test that failed while it held the device left nothing behind that the next one reads.
    gpu.as_ref().map(|gpu| gpu.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
}

/// Whether the adapter is the one on which everything was measured to be bit-equal to the twins: Mesa 22.3's llvmpipe
/// rounds `+ - * / sqrt` correctly and fuses nothing. Other devices are held to the bounds of the WGSL rules.
fn is_exact() -> bool {
    static EXACT: OnceLock<bool> = OnceLock::new();
    *EXACT.get_or_init(|| common::gpu().is_some_and(|choice| choice.adapter.contains("llvmpipe Mesa 22.3")))
}

/// One run over everything, shared by the tests that look at different columns of it.
fn rows() -> Option<&'static [Row]> {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    let mut gpu = gpu()?;
    let options = Options { exact: is_exact(), ..Options::default() };
    let rows =
        ROWS.get_or_init(|| verify::run(&mut *gpu, &options, &mut |_| Ok(())).expect("verification runs"));
    Some(rows)
}

/// Fails with what `row` found against `reference`.
fn demand(row: &Row, reference: &str) {
    let failures: Vec<_> = row.failures.iter().filter(|failure| failure.reference == reference).collect();
    assert!(failures.is_empty(), "{}: {failures:#?}", row.name);
}

#[test]
fn every_kernel_matches_its_twin() {
    let Some(rows) = rows() else { return };
    for check in verify::checks() {
        let row = rows.iter().find(|row| row.name == check.name()).expect("a row per check");
        demand(row, "twin");
        let twin = row.twin.expect("compared with the twin");
        assert!(twin.words > 1000, "{}: {} words", row.name, twin.words);
        assert!(!is_exact() || twin.differing == 0, "{}: {twin:?}", row.name);
    }
}

#[test]
fn every_kernel_matches_the_f64_reference() {
    let Some(rows) = rows() else { return };
    for row in rows {
        demand(row, "f64");
        assert!(row.passed, "{row:#?}");
        // Words that are left out prove nothing; they must stay rare.
        let words = row.oracle.or(row.twin).map_or(0, |errors| errors.words);
        let rare = match row.name.as_str() {
            // A picture has no equation: twin and shader are compared.
            "env_draw" => 100,
            // Half of the cases are long rollouts, which rounding may lead anywhere.
            "env_rollout" => 75,
            // So are steps after an action that rounding has touched.
            "act_box" => 75,
            _ => 1,
        };
        let percent = row.left_out * 100;
        assert!(percent <= rare * words, "{}: {} of {words} words left out", row.name, row.left_out);
    }
}

#[test]
fn every_twin_matches_the_f64_reference() {
    let rows =
        verify::run(&mut CpuExecutor::new(), &Options { seed: 1, ..Options::default() }, &mut |_| Ok(()))
            .expect("verification runs");
    for row in rows {
        assert!(row.passed, "{row:#?}");
    }
}

#[test]
fn gradients_match_finite_differences() {
    let Some(rows) = rows() else { return };
    let row = rows.iter().find(|row| row.name == GRADIENTS).expect("a row");
    assert!(row.passed, "{row:#?}");
    // 12 networks x 4 backups x 3 losses, 2 agents x 2 nets.
    assert_eq!(row.cases, 144);
    assert!(row.oracle.is_some_and(|errors| errors.words > 144 * 4 * 50 && errors.share > 0.0), "{row:#?}");
}

#[test]
fn gradients_of_a_policy_match_finite_differences() {
    let Some(rows) = rows() else { return };
    let row = rows.iter().find(|row| row.name == POLICY_GRADIENTS).expect("a row");
    assert!(row.passed, "{row:#?}");
    // 12 networks x 3 ways to join the twins x with and without the penalty, 2 agents.
    assert_eq!(row.cases, 72);
    assert!(row.oracle.is_some_and(|errors| errors.words > 60 * 2 * 50 && errors.share > 0.0), "{row:#?}");
}

#[test]
fn gradients_through_an_action_match_finite_differences() {
    let Some(rows) = rows() else { return };
    let row = rows.iter().find(|row| row.name == ACTION_GRADIENTS).expect("a row");
    assert!(row.passed, "{row:#?}");
    // 3 activations x with and without layer norm x 3 ways to join the twins x 2 forms of ln sigma, 2 agents.
    assert_eq!(row.cases, 36);
    assert!(row.oracle.is_some_and(|errors| errors.words > 36 * 2 * 50 && errors.share > 0.0), "{row:#?}");
}

#[test]
fn random_numbers_are_bit_equal() {
    let Some(rows) = rows() else { return };
    let row = rows.iter().find(|row| row.name == "probe_rng").expect("a row");
    for errors in [row.twin, row.oracle] {
        let errors = errors.expect("compared");
        assert!(errors.words > 300_000 && errors.differing == 0, "{errors:?}");
    }
}

#[test]
fn a_thousand_updates_stay_together() {
    let Some(rows) = rows() else { return };
    let row = rows.iter().find(|row| row.name == TRAINING).expect("a row");
    assert!(row.passed && row.cases == 100, "{row:#?}");
    let Some(mut gpu) = gpu() else { return };
    let row = verify::training::compare_run(&mut *gpu, 7, 1000).expect("runs");
    assert!(row.passed && row.cases == 1000, "{row:#?}");
    assert!(!is_exact() || row.twin.is_some_and(|errors| errors.differing == 0), "{row:#?}");
}

#[test]
fn cases_cover_at_least_25_shapes() {
    for check in verify::checks() {
        let name = check.name();
        let cases: Vec<Case> = (0..Options::default().cases).map(|index| check.draw(0, index)).collect();
        let shapes: HashSet<&[u32]> = cases.iter().map(|case| case.params.as_slice()).collect();
        assert!(shapes.len() >= 25, "{name}: {} shapes", shapes.len());
        let Layout::Struct { fields, .. } = check.kernel.params else { panic!("{name}: params") };
        let size = fields.iter().position(|field| {
            ["batch", "rows", "count", "num_lanes", "width", "states", "capacity"].contains(&field.name)
        });
        let size = size.expect("a batch, rows, count, capacity or num_lanes");
        let sizes: HashSet<u32> = cases.iter().map(|case| case.params[size]).collect();
        for wanted in [1, 63, 64, 65, 257] {
            assert!(sizes.contains(&wanted), "{name}: no case of size {wanted} among {sizes:?}");
        }
        assert!(sizes.iter().any(|size| *size > 1000), "{name}: no large case");
        if let Some(agents) = fields.iter().position(|field| field.name == "agents") {
            let agents: HashSet<u32> = cases.iter().map(|case| case.params[agents]).collect();
            assert!(agents.contains(&1) && agents.contains(&3), "{name}: {agents:?}");
        }
    }
}

/// A copy of a kernel under another name, since devices keep pipelines by name.
fn altered(kernel: &'static Kernel, name: &str, source: String) -> &'static Kernel {
    Box::leak(Box::new(Kernel {
        name: Box::leak(name.to_owned().into_boxed_str()),
        source: Box::leak(source.into_boxed_str()),
        ..*kernel
    }))
}

/// Faults of the kind that survive sloppy tests; each must fail against the twin and, on its own, against f64.
#[test]
fn faulty_shaders_are_found() {
    let Some(mut gpu) = gpu() else { return };
    let faults = [
        ("dense_forward", "if (row >= p.batch) {\n        return;\n    }\n    let sum", "let sum"),
        ("dense_forward", "if (column + 3u < p.out_dim)", "if (column + 3u < p.out_dim + 1u)"),
        (
            "dense_forward",
            "x2 = (x_base + min(row + 2u, last_row))",
            "x2 = (x_base + min(row + 1u, last_row))",
        ),
        ("dense_backward_weights", "k + 3u == p.in_dim", "k + 3u == p.out_dim"),
        ("dense_backward_input", "output > 0.0", "output >= 0.0"),
        ("conv2d_forward", "p2.left + kx),\n", "p1.left + kx),\n"),
        ("conv2d_forward", "place % p.out_width", "place % p.out_height"),
        ("conv2d_backward_weights", "row += 64u", "row += 63u"),
        (
            "conv2d_backward_weights",
            "rows_of_weights == vec4u(depth())",
            "rows_of_weights == vec4u(p.filters)",
        ),
        ("conv2d_backward_input", "output > 0.0", "output >= 0.0"),
        ("conv2d_backward_input", "kernel + stride - 1u", "kernel + stride"),
        ("conv2d_backward_input", "place_x / p.stride_x + 1u", "place_x / p.stride_x"),
        ("log_softmax", "softmax.top + alpha * softmax.log_sum", "softmax.top + softmax.log_sum"),
        (
            "backup",
            "row.discount = discounts[agent * p.discount_slots * p.batch + id.x];",
            "row.discount = 1.0;",
        ),
        ("join_heads", "sum / f32(p.heads)", "sum"),
        ("td_error", "slope = select(-delta, delta, e > 0.0)", "slope = delta"),
        ("td_error", "/ f32(p.batch)", ""),
        ("grad_norm", "i += 256u", "i += 255u"),
        ("adam", "h.steps % h.target_update_interval", "(h.steps + 1u) % h.target_update_interval"),
        ("adam", "(1u + p.targets) * p.count", "2u * p.count"),
        ("temperature_step", "select(1.0, a.alpha, p.mode == 2u)", "a.alpha"),
        ("metrics", "lanes[lane].window_length = 0.0;", ""),
        ("silu", "x < 0.0", "x > 0.0"),
        ("silu_backward", "1.0 + x * rest", "1.0 + x"),
        ("dueling", "raw[raw_at + a] - mean + value", "raw[raw_at + a] + value"),
        ("dueling_backward", "draw[value_at] = sum", "draw[value_at] = mean"),
        ("layer_norm", "squares / f32(p.width) + p.eps", "squares / f32(p.width)"),
        ("layer_norm_backward_input", "- normal * mean_weighted", ""),
        ("layer_norm_backward_weights", "shift += dy[dy_at];", "shift += dy[dy_at] * normal;"),
        ("env_probe", "state[row] = s;", ""),
        ("backup", "let out = row.index * p.heads + p.head;", "let out = row.index * p.heads;"),
        ("td_error", "p.head_weight * ", ""),
        ("adam", "g += h.weight_decay * w;", ""),
        ("lambda_returns", "if (back > 0u && ended == GOES_ON) {", "if (back > 0u) {"),
        ("lambda_returns", "if (ended != TERMINATED) {", "if (ended == GOES_ON) {"),
        ("lambda_returns", "later + next.bonus - next.value", "later - next.value"),
        ("lambda_returns", "later = reward;", ""),
        ("rollout_states", "+ next_obs_at(t)", ""),
        ("rollout_batch", "updates % parts * p.batch + id.x", "id.x"),
        ("rollout_batch", "updates / parts", "updates"),
        ("grad_norm", "rho <= 5.0", "rho <= 4.0"),
        ("grad_norm", "2.0 / o.one_minus_beta2 - 1.0", "2.0 / o.one_minus_beta2"),
        ("adam", "h.form == RADAM || ", ""),
        ("adam", "w -= h.learning_rate / h.correction1 * new_m;", "w -= h.learning_rate * new_m;"),
        ("temperature_step", "weights * a.target_entropy", "a.target_entropy"),
        ("replay_sample", "max(min(step, lane_rows), 1u)", "lane_rows"),
        ("replay_sample", "for (; taken < longest", "for (; taken < p.n_step"),
        (
            "replay_sample",
            "replay[last + ended_at(t)] == TERMINATED",
            "replay[last + ended_at(t)] != GOES_ON",
        ),
        ("replay_sample", "filled - min(p.n_step - 1u, filled - 1u)", "filled"),
        (
            "act_step",
            "replay[at + ended_at(t)] = ended;",
            "replay[at + ended_at(t)] = min(ended, TERMINATED);",
        ),
        (
            "act_step",
            "packed_element(x, i, t.obs_bits)",
            "packed_element(obs[lane * OBS_SIZE + i], i, t.obs_bits)",
        ),
        (
            "act_step",
            "if (lane_next(seed, p.stream, index, done.ended, &s, &l)) {",
            "if (!lane_next(seed, p.stream, index, done.ended, &s, &l)) {",
        ),
        ("act_box", "step / max(p.hold, 1u)", "step"),
        ("act_box", "tanh_f32(u) * range.z", "tanh_f32(u)"),
        ("critic_inputs", " - spaces[space + p.dims]", ""),
        ("critic_inputs", "select(0u, 1u, id.y == 1u)", "0u"),
        ("tanh_gaussian", "f32(p.dims) * HALF_LN_TAU", "HALF_LN_TAU"),
        ("tanh_gaussian", "p.stream + STREAM_POLICY + p.draw", "p.stream + STREAM_POLICY"),
        ("tanh_gaussian_backward", "(g * sigma * e - entropy)", "(g * e - entropy)"),
        ("tanh_gaussian_backward", " - entropy * log_slope_slope(u, scale, p.floor)", ""),
        ("action_backup", "agents[agent].alpha * log_prob", "log_prob"),
        ("action_loss", "1.0 - share", "share"),
        ("env_reset", "lanes[lane] = Lane();", ""),
    ];
    for (number, (name, right, wrong)) in faults.into_iter().enumerate() {
        let check = verify::checks().iter().find(|check| check.kernel.name == name).expect("a check");
        let shared = include_str!("../shaders/shared/act_lane.wgsl");
        let whole =
            check.kernel.source.replace("// import: act_lane", &format!("// included: act_lane\n{shared}"));
        assert!(whole.contains(right), "{name}: '{right}' is gone; pick another fault");
        let source = whole.replacen(right, wrong, 1);
        let kernel = altered(check.kernel, &format!("{name}_fault_{number}"), source);
        let mut found = HashSet::new();
        for index in 0..60 {
            let case = Case { kernel, ..check.draw(0, index) };
            let got = run_case(&mut *gpu, &case).expect("runs");
            if got != run_twin(&case) {
                found.insert("twin");
            }
            for (output, expected) in (check.oracle)(&case) {
                let got = &got[case.index(output)];
                if got.iter().zip(&expected).any(|(word, expect)| !expect.allows(*word)) {
                    found.insert("f64");
                }
            }
            if found.len() == 2 {
                break;
            }
        }
        assert_eq!(found.len(), 2, "{name}: '{right}' -> '{wrong}' is seen by {found:?} alone");
    }
}

/// SQN on CartPole with memory as in the middle of a run, and the recording of one iteration.
fn iteration() -> (Plan, Recording) {
    let config = Config {
        num_envs: 4,
        learning_starts: 0,
        batch_size: 16,
        buffer_size: 64,
        hidden: vec![8],
        eval_episodes: 1,
        ..Config::default()
    };
    let env = softq::envs::find("cartpole").expect("cartpole");
    let plan = agents::plan(&config, env).expect("a plan");
    let iteration = plan.once(|_| true);
    (plan, iteration)
}

fn start(executor: &mut dyn Executor, plan: &Plan) {
    executor.allocate(&plan.buffers).expect("allocates");
    for (buffer, words) in &plan.init {
        executor.write(*buffer, words).expect("writes");
    }
    let programs = [&plan.reset, &plan.act()].map(|recording| executor.prepare(recording).expect("prepares"));
    executor.submit(&[(programs[0], 1), (programs[1], 8)], None).expect("runs");
}

/// The iteration with a TD error that the CPU gets wrong in one word, and where that dispatch is.
fn with_fault(mut iteration: Recording) -> (Recording, usize) {
    fn faulty(mut call: TwinCall<'_>) {
        let bindings = call.bindings.iter_mut().map(|words| &mut **words).collect();
        (td_error::KERNEL.twin)(TwinCall { params: call.params, bindings, env: call.env, rule: call.rule });
        call.bindings[5][3] ^= 0x10;
    }
    let at = iteration.dispatches.iter().position(|dispatch| dispatch.kernel.name == "td_error");
    let at = at.expect("an update has a TD error");
    iteration.dispatches[at].kernel = Box::leak(Box::new(Kernel { twin: faulty, ..td_error::KERNEL }));
    (iteration, at)
}

#[test]
fn checking_each_dispatch_finds_an_injected_divergence() {
    let Some(mut gpu) = gpu() else { return };
    let (plan, right) = iteration();
    let (wrong, at) = with_fault(right.clone());
    for (recording, fault) in [(right, None), (wrong, Some(at))] {
        start(&mut *gpu, &plan);
        let mut cpu = CpuExecutor::new();
        cpu.allocate(&plan.buffers).expect("allocates");
        let found = check_each(&mut *gpu, &mut cpu, &plan.buffers, &recording).expect("runs");
        // Where rounding differs between device and twin, other dispatches may be named as well.
        let named: Vec<_> = found.iter().map(|found| (found.dispatch, found.binding)).collect();
        if is_exact() {
            assert_eq!(named, fault.map(|at| (at, "dq")).into_iter().collect::<Vec<_>>(), "{found:?}");
        }
        assert_eq!(fault.is_some(), fault.is_some_and(|at| named.contains(&(at, "dq"))), "{found:?}");
        if let Some(divergence) = found.iter().find(|found| fault == Some(found.dispatch) && is_exact()) {
            assert_eq!((divergence.kernel, divergence.words, divergence.index), ("td_error", 1, 3));
        }
    }
}

#[test]
fn switching_executors_bisects_a_divergence() {
    let Some(mut gpu) = gpu() else { return };
    let (plan, iteration) = iteration();
    let (recording, at) = with_fault(iteration);
    let dispatches = recording.dispatches.len();
    let dq = recording.outputs(at)[0].1.id;
    // `dq` after the iteration with its first n dispatches on the GPU and the rest on the CPU.
    let mut after = |n: usize| -> Vec<f32> {
        start(&mut *gpu, &plan);
        let mut cpu = CpuExecutor::new();
        cpu.allocate(&plan.buffers).expect("allocates");
        switch_at(&mut *gpu, &mut cpu, &plan.buffers, &recording, n).expect("runs");
        bytemuck::cast_vec(cpu.read(dq).expect("reads"))
    };
    let want = after(dispatches);
    let right = |got: Vec<f32>| got.iter().zip(&want).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs());
    let (mut wrong, mut good) = (0, dispatches);
    assert!(!right(after(wrong)));
    while good - wrong > 1 {
        let middle = (good + wrong) / 2;
        if right(after(middle)) { good = middle } else { wrong = middle }
    }
    // With `wrong` dispatches on the GPU the faulty one still runs on the CPU: it is the next one.
    assert_eq!(wrong, at);
}

fn refused(result: softq::Result<()>, part: &str) {
    match result {
        Err(Error::Kernel { message, .. }) => assert!(message.contains(part), "{message}"),
        other => panic!("not refused as expected ('{part}'): {other:?}"),
    }
}

#[test]
fn tables_and_offsets_beyond_the_buffers_are_refused() {
    let mut buffers = Buffers::default();
    // Two nets of 2 x 3 + 3 parameters, 4 rows.
    let (x, weights, y) = (buffers.add("x", 8, ""), buffers.add("weights", 18, ""), buffers.add("y", 24, ""));
    let right = dense_forward::Params {
        batch: 4,
        in_dim: 2,
        out_dim: 3,
        nets: 2,
        net_params: 9,
        slots: 2,
        x_slots: 1,
        slot_net: 0x10,
        x_stride: 2,
        y_stride: 3,
        agents: 1,
        ..Default::default()
    };
    let record = |params| dense_forward::record(&mut Recording::default(), params, x, weights, y);
    record(right).expect("this one is right");
    refused(record(dense_forward::Params { slot_net: 0x20, ..right }), "binding 'weights' needs 27 words");
    refused(record(dense_forward::Params { slot_x: 0x10, ..right }), "binding 'x' needs 16 words");
    refused(record(dense_forward::Params { weight_offset: 1, ..right }), "binding 'weights' needs 19 words");
    refused(record(dense_forward::Params { y_offset: 1, ..right }), "binding 'y' needs 25 words");
}

#[test]
fn recordings_that_break_a_contract_are_refused() {
    let mut buffers = Buffers::default();
    let mut floats = |len| buffers.add::<f32>("floats", len, "");
    let (q, alphas, log_probs, entropies, values) = (floats(12), floats(3), floats(12), floats(3), floats(3));
    let (probs, short) = (floats(12), floats(11));
    let (long, weights) = (floats(70_000), floats(140_000));
    let greedy = buffers.add::<u32>("greedy", 3, "");
    let record = |rows, actions, q, log_probs| {
        let params = log_softmax::Params { rows, actions };
        log_softmax::record(
            &mut Recording::default(),
            params,
            q,
            alphas,
            log_probs,
            entropies,
            values,
            probs,
            greedy,
        )
    };
    record(3, 4, q, log_probs).expect("this one is right");
    refused(record(3, 4, short, log_probs), "binding 'q' needs 12 words but its buffer holds 11");
    refused(record(3, 4, q, short), "binding 'log_probs' needs 12 words");
    refused(record(3, 4, q, q), "bindings 'q' and 'log_probs' are the same buffer");
    refused(record(0, 4, q, log_probs), "is empty");
    refused(record(u32::MAX, u32::MAX, q, log_probs), "needs");

    let params = dense_forward::Params {
        batch: 1,
        in_dim: 70_000,
        out_dim: 1,
        nets: 1,
        net_params: 70_001,
        slots: 1,
        x_slots: 1,
        agents: 1,
        ..Default::default()
    };
    let mut recording = Recording::default();
    refused(dense_forward::record(&mut recording, params, long, weights, values), "would loop 70000 times");
    assert!(params.in_dim as u64 > MAX_LOOP_ITERATIONS);
    let agents = buffers.add::<Agent>("agents", 1, "");
    let params = grad_norm::Params { count: 10, agents: 0 };
    let optimizers = buffers.add::<Optimizer>("optimizers", 1, "");
    refused(grad_norm::record(&mut recording, params, agents, optimizers, q), "is empty");
    refused(
        recording.dispatch(&grad_norm::KERNEL, None, None, &[10, 1], &[agents.erase()]),
        "1 buffers given, 3 declared",
    );
    let lanes = 70_000 * 64;
    let env = softq::envs::find("cartpole").expect("cartpole");
    let state = buffers.add::<u32>("state", 4 * lanes, "");
    let records = buffers.add("lanes", lanes, "");
    let obs = buffers.add::<f32>("obs", 4 * lanes, "");
    let params = env_reset::Params { num_lanes: lanes as u32, stream: 0, agents: 1 };
    let env_params = buffers.add::<u32>("env_params", u64::from(env.param_words()) * lanes, "");
    refused(
        env_reset::record(&mut recording, env, params, agents, env_params, state, records, obs),
        "70000 workgroups",
    );
    assert!(recording.dispatches.is_empty(), "a refused dispatch leaves nothing behind");
}

/// The composed shader with a counter: `tick(n)` adds to it. Each invocation leaves its count in a place of its own behind the
/// contents of the first output.
fn with_counter(case: &Case) -> (String, usize) {
    let kernel = case.kernel;
    let text = compose(kernel, case.env, case.rule).expect("imports resolve").text;
    assert!(!text.contains("while (") && !text.contains("loop {"), "{}: count these loops too", kernel.name);
    let (output, name) = case.outputs().next().expect("an output");
    let scalars = case.scalars(output);
    let field = match kernel.bindings[output].element {
        Layout::Scalar(_) => String::new(),
        Layout::Struct { fields, .. } => format!(".{}", fields[0].name),
        Layout::EnvState | Layout::EnvParams => {
            format!(".{}", case.env.expect("an environment").state[0].name)
        }
    };
    let ty = match scalars[0] {
        Scalar::F32 if text.contains(&format!("{name}: array<vec4f>")) => "vec4f",
        Scalar::F32 => "f32",
        Scalar::U32 => "u32",
    };
    let ticks = if ty == "vec4f" { "f32(ticks)" } else { "ticks" };
    let workgroup = kernel.workgroup_size;
    let place = if text.contains("global_invocation_id) id") {
        format!("(id.z * groups.y + id.y) * groups.x * {workgroup}u + id.x")
    } else {
        format!("((group.z * groups.y + group.y) * groups.x + group.x) * {workgroup}u + local")
    };
    // Places follow the grid of the call, so that one shader serves all cases of a kernel.
    let mut counted = String::from("var<private> ticks: u32;\nvar<private> place: u32;\n");
    counted += &format!("fn tick(n: u32) {{ ticks += n; {name}[place]{field} = {ty}({ticks}); }}\n");
    for line in text.lines() {
        if line.starts_with("fn main(") {
            counted += &line.replacen("fn main(", "fn main(@builtin(num_workgroups) groups: vec3u, ", 1);
            counted += &format!(
                "\nplace = arrayLength(&{name}) - groups.x * groups.y * groups.z * {workgroup}u + {place};\n"
            );
            continue;
        }
        counted += line;
        counted.push('\n');
    }
    let invocations = (kernel.grid)(&case.params).iter().product::<u64>() * u64::from(workgroup);
    (counted, invocations as usize)
}

/// The shader with a counter in every loop.
fn counting(case: &Case) -> (&'static Kernel, usize) {
    let (text, invocations) = with_counter(case);
    let mut counted = String::new();
    for line in text.lines() {
        counted += line;
        counted.push('\n');
        if line.trim_start().starts_with("for (") {
            counted += "tick(1u);\n";
        }
    }
    (altered(case.kernel, &format!("{}_counting", case.kernel.name), counted), invocations)
}

/// Floating-point operations of an expression: `+ - * /` and square roots, each component by itself.
fn operations(module: &naga::Module, info: &naga::valid::FunctionInfo, expression: &naga::Expression) -> u64 {
    use naga::{BinaryOperator as Op, Expression, MathFunction, ScalarKind, TypeInner};
    let type_of = |handle: naga::Handle<Expression>| info[handle].ty.inner_with(&module.types);
    let size = |inner: &TypeInner| match *inner {
        TypeInner::Scalar(scalar) if scalar.kind == ScalarKind::Float => 1,
        TypeInner::Vector { size, scalar } if scalar.kind == ScalarKind::Float => size as u64,
        TypeInner::Matrix { columns, rows, .. } => columns as u64 * rows as u64,
        _ => 0,
    };
    match *expression {
        Expression::Binary { op: Op::Add | Op::Subtract | Op::Multiply | Op::Divide, left, right } => {
            let (left, right) = (type_of(left), type_of(right));
            let matrices = [left, right].iter().filter(|ty| matches!(ty, TypeInner::Matrix { .. })).count();
            assert!(matrices == 0 || left == right, "count products of matrices too");
            size(left).max(size(right))
        }
        Expression::Math { fun, arg, .. } => match fun {
            MathFunction::Sqrt | MathFunction::InverseSqrt => size(type_of(arg)),
            MathFunction::Fma => 2 * size(type_of(arg)),
            MathFunction::Dot => 2 * size(type_of(arg)) - 1,
            MathFunction::Exp | MathFunction::Log | MathFunction::Pow | MathFunction::Exp2 => {
                panic!("count {fun:?} too")
            }
            _ => 0,
        },
        _ => 0,
    }
}

/// Text without comments.
fn bare(text: &str) -> String {
    let lines: String =
        text.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect();
    let mut parts = lines.split("/*");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once("*/").map_or("", |(_, rest)| rest))
}

/// The shader with a counter of floating-point operations: each statement adds those of its expressions before it runs.
fn counting_operations(case: &Case) -> (&'static Kernel, usize) {
    let (text, invocations) = with_counter(case);
    let text = bare(&text);
    let module = naga::front::wgsl::parse_str(&text).expect("parses");
    let Ok(info) = softq::engine::variant::validate(&module) else { panic!("{}: invalid", case.kernel.name) };
    let mut ticks = std::collections::BTreeMap::<usize, u64>::new();
    let functions = module.functions.iter().map(|(handle, function)| (function, &info[handle]));
    let main = &module.entry_points[0].function;
    for (function, info) in functions.chain([(main, info.get_entry_point(0))]) {
        for (handle, expression) in function.expressions.iter() {
            let count = operations(&module, info, expression);
            let Some(span) = function.expressions.get_span(handle).to_range().filter(|_| count > 0) else {
                continue;
            };
            // Back to where the statement begins.
            let mut depth = 0;
            let start = text[..span.start].char_indices().rev().find(|(_, c)| {
                depth += match c {
                    ')' | ']' => 1,
                    '(' | '[' => -1,
                    _ => 0,
                };
                depth <= 0 && matches!(c, ';' | '{' | '}')
            });
            let start = start.map_or(0, |(at, _)| at + 1);
            assert!(
                !text[start..].trim_start().starts_with("else"),
                "{}: operations in a condition",
                case.kernel.name
            );
            *ticks.entry(start).or_default() += count;
        }
    }
    let (mut counted, mut from) = (String::new(), 0);
    for (at, count) in ticks {
        counted += &text[from..at];
        counted += &format!(" tick({count}u);");
        from = at;
    }
    counted += &text[from..];
    (altered(case.kernel, &format!("{}_operations", case.kernel.name), counted), invocations)
}

/// What every invocation of a counting kernel counted.
fn counts(
    gpu: &mut GpuExecutor,
    mut case: Case,
    (counting, invocations): (&'static Kernel, usize),
) -> Vec<u64> {
    let (output, _) = case.outputs().next().expect("an output");
    let vectors = counting.source.contains("vec4f(f32(ticks))");
    let words = if vectors { 4 } else { case.scalars(output).len() };
    case.kernel = counting;
    // A buffer on the device is whole vec4s long; places are counted from its end.
    let before = case.bindings[output].len().next_multiple_of(4 * words);
    case.bindings[output].resize(before + invocations * words, SENTINEL);
    let got = run_case(gpu, &case).expect("runs");
    let counted = got[output][before..].iter().step_by(words).filter(|word| **word != SENTINEL);
    let scalar = case.scalars(output)[0];
    counted
        .map(|word| match scalar {
            Scalar::F32 => f32::from_bits(*word) as u64,
            Scalar::U32 => u64::from(*word),
        })
        .collect()
}

/// Cases in which every kernel with a rule for its work does that work: from trainings, and verification's second, whose sizes
/// fill tiles.
fn working_cases() -> Vec<Case> {
    let mut known = std::collections::BTreeSet::new();
    let mut cases = Vec::new();
    for (env, algo, settings) in [
        ("CartPole-v1", "sqn", &["hidden=[32,16]", "batch_size=32", "path=layered"] as &[&str]),
        ("CartPole-v1", "sqn", &["hidden=[120,84]", "batch_size=32", "path=fused"]),
        ("CartPole-v1", "soft_pqn", &[]),
        ("Breakout-MinAtar", "dqn", &["network=minatar"]),
    ] {
        let config = workload::config(env, algo, settings).expect("settings");
        cases.extend(workload::cases_of(&config, &mut known).expect("runs"));
    }
    for check in verify::checks() {
        let name = check.kernel.name;
        if name.starts_with("dense") || name.starts_with("conv2d") {
            cases.push(check.draw(0, 1));
        }
        if name.starts_with("silu") {
            cases.push(check.draw(0, 6));
        }
        if name == "log_softmax" {
            let mut case = check.draw(0, 6);
            let alphas = case.index("alphas");
            case.bindings[alphas].fill(1f32.to_bits());
            cases.push(case);
        }
    }
    cases.retain(|case| case.kernel.work.is_some());
    cases
}

#[test]
fn work_rules_claim_no_more_than_shaders_do_and_not_much_less() {
    let Some(mut gpu) = gpu() else { return };
    let mut closest = std::collections::BTreeMap::<&str, f64>::new();
    for case in working_cases() {
        let name = case.kernel.name;
        let work = case.kernel.work.expect("a rule")(&case.params);
        let counted = counting_operations(&case);
        let label = format!("{name}: {}", case.label);
        let moved = case.kernel.bindings.iter().zip(&case.bindings).map(|(binding, words)| {
            words.len() as u64 * if binding.access == Access::ReadWrite { 2 } else { 1 }
        });
        assert!(work.words > 0 && work.words <= moved.sum(), "{label}: {work:?}");
        let count: u64 = counts(&mut gpu, case, counted).iter().sum();
        assert!(work.operations <= count, "{label}: {count} operations, the rule says {}", work.operations);
        let ratio = count as f64 / work.operations as f64;
        let least = closest.entry(name).or_insert(f64::INFINITY);
        *least = least.min(ratio);
    }
    for kernel in softq::kernels::table().iter().filter(|kernel| kernel.work.is_some()) {
        let ratio = closest.get(kernel.name);
        // What rules leave out: constants that each invocation computes again, trees, edges of tiles.
        assert!(ratio.is_some_and(|ratio| *ratio < 1.3), "{}: {ratio:?} of its rule at best", kernel.name);
    }
}

#[test]
fn loop_rules_cover_the_true_counts() {
    let Some(mut gpu) = gpu() else { return };
    for check in verify::checks() {
        let kernel = check.kernel;
        let mut longest = 0;
        for index in [0, 1, 2, 3, 4, 6, 8, 9, 11, 13, 20] {
            let case = check.draw(0, index);
            let counted = counting(&case);
            if counted.1 > 300_000 {
                continue;
            }
            let count = counts(&mut gpu, case.clone(), counted).into_iter().max().unwrap_or(0);
            let rule = (kernel.loops)(&case.params, case.env);
            assert!(
                count <= rule,
                "{}: {count} iterations, the rule says {rule}: {}",
                check.name(),
                case.label
            );
            longest = longest.max(count);
        }
        let loops = compose(kernel, softq::envs::registry().first().copied(), check.rule)
            .expect("composes")
            .text
            .contains("for (");
        assert!(!loops || longest > 0, "{}: nothing was counted", check.name());
    }
}

/// Params and bindings of a case, the last of which is written.
fn floats(case: &Case) -> Vec<Vec<f32>> {
    case.bindings.iter().map(|words| bytemuck::cast_slice(words).to_vec()).collect()
}

#[test]
fn blocked_dense_layers_and_convolutions_give_the_bits_of_the_plain_ones() {
    let mut cases = 0;
    for check in verify::checks() {
        let name = check.kernel.name.trim_end_matches("_tiled");
        if !name.starts_with("dense_") && !name.starts_with("conv2d_") {
            continue;
        }
        // Odd and even sizes, strides and offsets, zeros among the inputs, several agents and slots.
        for index in 0..2 * Options::default().cases {
            let case = check.draw(7, index);
            let mut plain = floats(&case);
            let words = bytemuck::cast_slice(&case.params);
            match (name, plain.as_mut_slice()) {
                ("dense_forward", [x, weights, y]) => {
                    dense_forward::twin(&bytemuck::pod_read_unaligned(words), x, weights, y);
                }
                ("dense_backward_input", [dy, weights, x, dx]) => {
                    dense_backward_input::twin(&bytemuck::pod_read_unaligned(words), dy, weights, x, dx);
                }
                ("dense_backward_weights", [x, dy, grads]) => {
                    dense_backward_weights::twin(&bytemuck::pod_read_unaligned(words), x, dy, grads);
                }
                ("conv2d_forward", [x, weights, y]) => {
                    conv2d_forward::twin(&bytemuck::pod_read_unaligned(words), x, weights, y);
                }
                ("conv2d_backward_input", [dy, weights, x, dx]) => {
                    conv2d_backward_input::twin(&bytemuck::pod_read_unaligned(words), dy, weights, x, dx);
                }
                ("conv2d_backward_weights", [x, dy, grads]) => {
                    conv2d_backward_weights::twin(&bytemuck::pod_read_unaligned(words), x, dy, grads);
                }
                _ => panic!("{name} has no plain twin"),
            }
            let mut blocked = case.bindings.clone();
            let bindings = blocked.iter_mut().map(Vec::as_mut_slice).collect();
            (check.kernel.twin)(TwinCall { params: &case.params, bindings, env: None, rule: None });
            let same = |(plain, blocked): (&Vec<f32>, &Vec<u32>)| {
                let pairs = plain.iter().zip(blocked);
                // WGSL leaves the payload of a NaN open.
                pairs.into_iter().all(|(p, b)| p.to_bits() == *b || p.is_nan() && f32::from_bits(*b).is_nan())
            };
            assert!(plain.iter().zip(&blocked).all(same), "{}: {}", check.kernel.name, case.label);
            cases += 1;
        }
    }
    assert!(cases >= 9 * 2 * 10, "{cases} cases");
}
