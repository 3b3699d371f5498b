//! The GPU suite: every kernel on a real adapter against its CPU twin and an f64 reference, gradients against finite
//! differences, and the tools that find a divergence. One device serves all tests of this file.
//!
//! Without an adapter the tests fail with the hint what to install; `SOFTQ_NO_GPU=1` leaves them out, loudly.

use std::sync::{Mutex, MutexGuard, OnceLock};

use softq::engine::cpu::CpuExecutor;
use softq::engine::executor::Executor;
use softq::gpu::{self, GpuDevice, GpuExecutor};
use softq::verify::{self, Options, Row};

/// The shared device, or `None` where `SOFTQ_NO_GPU=1` asks to go without.
fn gpu() -> Option<MutexGuard<'static, GpuExecutor>> {
    static GPU: OnceLock<Option<Mutex<GpuExecutor>>> = OnceLock::new();
    let gpu = GPU.get_or_init(|| {
        if std::env::var_os("SOFTQ_NO_GPU").is_some_and(|value| value == "1") {
            eprintln!("SOFTQ_NO_GPU=1: THE GPU TESTS OF tests/kernels.rs ARE LEFT OUT.");
            return None;
        }
        let choice = gpu::choose("gpu")
            .unwrap_or_else(|error| panic!("{error} Or set SOFTQ_NO_GPU=1 to leave the GPU tests out."));
        eprintln!("GPU tests run on {} ({})", choice.address, choice.adapter);
        let device = pollster::block_on(GpuDevice::open(&choice.address)).expect("the device opens");
        Some(Mutex::new(GpuExecutor::new(device)))
    });
    // A test that failed while it held the device left nothing behind that the next one reads.
    gpu.as_ref().map(|gpu| gpu.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
}

/// Rows of one run over all kernels, shared by the tests that look at different columns.
fn rows() -> Option<&'static [Row]> {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    let mut gpu = gpu()?;
    Some(ROWS.get_or_init(|| {
        verify::run(&mut *gpu, &Options::default(), &mut |_| Ok(())).expect("verification runs")
    }))
}

#[test]
fn everything_passes() {
    let Some(rows) = rows() else { return };
    for row in rows {
        println!(
            "{:24} {:?} twin {:?} oracle {:?} left out {} {}",
            row.name, row.passed, row.twin, row.oracle, row.left_out, row.note
        );
        for failure in &row.failures {
            println!("   {failure:#?}");
        }
    }
    assert!(rows.iter().all(|row| row.passed));
    let _ = CpuExecutor::new().address();
}
