//! One kernel alone: its twin on the CPU and its shader on a device, over the same numbers.
//!
//! `cargo run --release --example one_kernel [DEVICE]`; without an argument the first GPU, hardware or software.

use softq::engine::cpu::CpuExecutor;
use softq::engine::executor::{Executor, read_as, write_as};
use softq::engine::recording::{Buffers, Recording};
use softq::gpu;
use softq::kernels::log_softmax;

const ROWS: u32 = 3;
const ACTIONS: u32 = 4;

/// Entropies and soft values of some rows of action values, at a temperature each.
fn run(executor: &mut dyn Executor) -> softq::Result<(Vec<f32>, Vec<f32>)> {
    // Memory by name and length; nothing is allocated yet.
    let mut buffers = Buffers::default();
    let (rows, all) = (u64::from(ROWS), u64::from(ROWS * ACTIONS));
    let q = buffers.add::<f32>("q", all, "");
    let alphas = buffers.add::<f32>("alphas", rows, "");
    let log_probs = buffers.add::<f32>("log_probs", all, "");
    let entropies = buffers.add::<f32>("entropies", rows, "");
    let values = buffers.add::<f32>("values", rows, "");
    let probs = buffers.add::<f32>("probs", all, "");
    let greedy = buffers.add::<u32>("greedy", rows, "");

    // What to run, as plain data: sizes, aliasing and loop bounds are checked here, on any machine.
    let mut recording = Recording::default();
    let params = log_softmax::Params { rows: ROWS, actions: ACTIONS };
    log_softmax::record(&mut recording, params, q, alphas, log_probs, entropies, values, probs, greedy)?;

    executor.allocate(&buffers)?;
    write_as(executor, q.id, &[1.0f32, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0, -5.0, 5.0, 0.5, 0.25])?;
    write_as(executor, alphas.id, &[1.0f32, 0.1, 10.0])?;
    let program = executor.prepare(&recording)?;
    executor.submit(&[(program, 1)], None)?;
    Ok((read_as(executor, entropies.id)?, read_as(executor, values.id)?))
}

fn main() -> softq::Result<()> {
    let device = std::env::args().nth(1).unwrap_or_else(|| "gpu".into());
    let twin = run(&mut CpuExecutor::new())?;
    println!("twin    entropies {:?}  soft values {:?}", twin.0, twin.1);
    let choice = gpu::choose(&device)?;
    let shader = run(&mut *gpu::open(&choice)?)?;
    println!("shader  entropies {:?}  soft values {:?}", shader.0, shader.1);
    let bits =
        |(a, b): &(Vec<f32>, Vec<f32>)| -> Vec<u32> { a.iter().chain(b).map(|x| x.to_bits()).collect() };
    let equal = bits(&twin).iter().zip(bits(&shader)).filter(|(a, b)| **a == *b).count();
    println!("{equal} of {} words equal on {}", 2 * ROWS, choice.adapter);
    Ok(())
}
