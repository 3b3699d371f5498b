//! Throughput of the dense kernels, each alone in a long pass, in GFLOP/s and as a share of the multiply-add peak that the
//! same device reaches in registers.
//!
//! `cargo bench --bench dense -- [DEVICE] [AGENTS]`, by default `gpu` and 1. Shapes are those of a 4-120-84-2 network at batch 128
//! with four evaluations and two gradients, and of a wide one. Under `cargo test` everything runs once.

use std::time::{Duration, Instant};

use softq::engine::executor::Executor;
use softq::engine::kernel::{Access, Binding, Kernel, Need, Rules, TwinCall};
use softq::engine::recording::{Buffer, Buffers, Recording};
use softq::kernels::Activation;
use softq::nn::{Activations, Network, NetworkSpec, Pass, Wanted};
use softq::shared::layout::{GpuType, Layout, Scalar};

/// Multiply-adds of one invocation of [`PEAK`]: 16 vectors of 4, 16 times per turn.
const PEAK_TERMS: u64 = 16 * 4 * 16;

/// Invocations of [`PEAK`].
const PEAK_INVOCATIONS: u32 = 1 << 16;

/// Sums in registers alone: what the device's arithmetic allows, without a load.
static PEAK: Kernel = Kernel {
    name: "peak",
    source: "
@group(0) @binding(0) var<storage, read> turns: u32;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let x = vec4f(f32(id.x) * 1e-6 + 0.5);
    var sums: array<vec4f, 16>;
    for (var i = 0u; i < 16u; i++) { sums[i] = vec4f(f32(i)); }
    for (var turn = 0u; turn < turns; turn++) {
        for (var step = 0u; step < 16u; step++) {
            for (var i = 0u; i < 16u; i++) { sums[i] = sums[i] * x + x; }
        }
    }
    var total = vec4f();
    for (var i = 0u; i < 16u; i++) { total += sums[i]; }
    y[id.x] = total.x + total.y + total.z + total.w;
}",
    uses_env: false,
    uses_rule: false,
    needs: Need::Any,
    rules: Rules { sizes: "", grid: "", loops: "", work: "" },
    params: <u32 as GpuType>::LAYOUT,
    bindings: &[Binding { name: "y", access: Access::ReadWrite, element: Layout::Scalar(Scalar::F32) }],
    workgroup_size: 64,
    sizes: |_, _| vec![u64::from(PEAK_INVOCATIONS)],
    grid: |_| [u64::from(PEAK_INVOCATIONS) / 64, 1, 1],
    loops: |params, _| u64::from(params[0]) * 17 + 32,
    work: None,
    twin: peak,
};

fn peak(mut call: TwinCall<'_>) {
    for (id, y) in call.bindings[0].iter_mut().enumerate() {
        let x = id as f32 * 1e-6 + 0.5;
        let mut sums: [[f32; 4]; 16] = std::array::from_fn(|i| [i as f32; 4]);
        for _ in 0..call.params[0] * 16 {
            for sum in sums.as_flattened_mut() {
                *sum = *sum * x + x;
            }
        }
        *y = sums.as_flattened().iter().sum::<f32>().to_bits();
    }
}

/// Wall time of one run of `recording`: repeats until a batch takes 50 ms, then the best of five batches.
fn time(
    executor: &mut dyn Executor,
    recording: &Recording,
    sync: Buffer<f32>,
    quick: bool,
) -> softq::Result<Duration> {
    let program = executor.prepare(recording)?;
    let mut run = |repeat: u32| -> softq::Result<Duration> {
        let start = Instant::now();
        executor.submit(&[(program, repeat)], None)?;
        executor.read(sync.id)?;
        Ok(start.elapsed())
    };
    run(1)?;
    if quick {
        return run(1);
    }
    let mut repeat = 4;
    while run(repeat)? < Duration::from_millis(50) && repeat < 1 << 14 {
        repeat *= 2;
    }
    let best = (0..5).map(|_| run(repeat)).collect::<softq::Result<Vec<_>>>()?.into_iter().min();
    Ok(best.unwrap_or_default() / repeat)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let quick = !std::env::args().any(|arg| arg == "--bench");
    let words: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let agents: u32 = words.iter().find_map(|word| word.parse().ok()).unwrap_or(1);
    let device = words.iter().find(|word| word.parse::<u32>().is_err());
    let choice = match softq::gpu::choose(device.map_or("gpu", String::as_str)) {
        Err(error) if quick => {
            eprintln!("LEFT OUT: {error}");
            return Ok(());
        }
        choice => choice?,
    };
    let mut executor = softq::gpu::open(&choice)?;
    println!("{}: {}; {agents} agents", choice.address, choice.adapter);

    let mut buffers = Buffers::default();
    let sync = buffers.add("y", PEAK_INVOCATIONS.into(), "");
    let mut recording = Recording::default();
    let turns = if quick || choice.address == "cpu" { 1 } else { 64 };
    recording.dispatch(&PEAK, None, None, &[turns], &[sync.erase()])?;
    executor.allocate(&buffers)?;
    let each = time(&mut *executor, &recording, sync, quick)?;
    let gflops = |terms: u64, each: Duration| 2e-9 * terms as f64 / each.as_secs_f64();
    let peak = gflops(u64::from(PEAK_INVOCATIONS) * PEAK_TERMS * u64::from(turns), each);
    println!("multiply-add peak in registers: {peak:.1} GFLOP/s");

    let shapes: [(&[u32], u32); 2] = [(&[120, 84], 128), (&[256, 256], 128)];
    for (hidden, batch) in shapes {
        let layered = Network::new(&NetworkSpec::mlp(4, hidden, 2, Activation::Relu));
        for net in [Some(layered.clone()), layered.fused().ok()].into_iter().flatten() {
            println!("\n4-{hidden:?}-2, batch {batch}, {} path", net.path);
            let mut buffers = Buffers::default();
            let pass = Pass {
                agents,
                batch,
                nets: 4,
                slot_net: vec![0, 1, 2, 3],
                slot_input: vec![0, 0, 1, 1],
                inputs: 2,
                gradients: 2,
            };
            let a = u64::from(agents);
            let obs = buffers.add("obs", a * 2 * u64::from(batch) * 4, "");
            let weights = buffers.add("weights", a * 4 * u64::from(net.params()), "");
            let grads = buffers.add("grads", a * 2 * u64::from(net.params()), "");
            let at = Activations::new(&mut buffers, "activation", &net, &pass, obs, "");
            let deltas = pass.deltas(&mut buffers, "delta", &net, Wanted::Parameters, "");
            let mut recording = Recording::default();
            pass.forward(&mut recording, &net, weights, &at)?;
            let forward = recording.dispatches.len();
            pass.backward(&mut recording, &net, weights, &at, &deltas, grads, 2, Wanted::Parameters)?;
            executor.allocate(&buffers)?;
            let init: Vec<f32> = (0..4 * agents).flat_map(|seed| net.init(seed.into())).collect();
            executor.write(weights.id, bytemuck::cast_slice(&init))?;
            for (i, dispatch) in recording.dispatches.iter().enumerate() {
                let alone = Recording { dispatches: vec![dispatch.clone()] };
                let each = time(&mut *executor, &alone, grads, quick)?;
                let micros = each.as_secs_f64() * 1e6;
                println!(
                    "  {i:>2} {:<32} {:>16} {micros:>9.1} us",
                    dispatch.kernel.name,
                    format!("{:?}", dispatch.grid)
                );
            }
            // Multiply-adds: four evaluations forward; two back, where the first layer has no gradient of its input.
            let widths: Vec<u64> = net.tensors().iter().map(|tensor| tensor.width().into()).collect();
            let layer = |i: usize| widths[i] * widths[i + 1];
            let all: u64 = (0..widths.len() - 1).map(layer).sum();
            let rows = a * u64::from(batch);
            let terms = [rows * 4 * all, rows * 2 * (2 * all - layer(0))];
            let (front, back) = recording.dispatches.split_at(forward);
            for ((what, dispatches), terms) in [("forward", front), ("backward", back)].into_iter().zip(terms)
            {
                let together = Recording { dispatches: dispatches.to_vec() };
                let each = time(&mut *executor, &together, grads, quick)?;
                let rate = gflops(terms, each);
                println!(
                    "  {what:<8} {:>9.1} us {rate:>9.1} GFLOP/s {:>5.1}% of peak",
                    each.as_secs_f64() * 1e6,
                    100.0 * rate / peak
                );
            }
        }
    }
    Ok(())
}
