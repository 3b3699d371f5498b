//! The only place that talks to wgpu: adapter choice and limits, the device, buffers, pipelines, submission, readback.
//!
//! ```
//! use softq::gpu;
//!
//! for adapter in gpu::adapters() {
//!     println!("{}: {}", adapter.address, adapter.describe());
//! }
//! // What `--device auto` takes here: hardware, else a software driver, else the CPU executor.
//! let choice = gpu::choose("auto")?;
//! let executor = gpu::open(&choice)?;
//! assert_eq!(executor.address(), choice.address);
//! # Ok::<(), softq::Error>(())
//! ```

mod adapter;
mod choice;
mod compiling;
mod device;
mod executor;
mod merging;
mod meter;
mod readback;
mod signal;
mod timestamps;

pub use adapter::{AdapterReport, adapters};
pub use choice::{Choice, choose, choose_to_train, list_choices};
pub use compiling::{Compiling, compiling};
pub use device::GpuDevice;
pub use executor::GpuExecutor;

use crate::engine::cpu::CpuExecutor;
use crate::engine::env::Env;
use crate::engine::executor::Executor;
use crate::error::{Error, Result};

/// `--device interp`: kernels' WGSL executed without a driver.
pub const INTERPRETER: &str = "interp";

/// The executor that a choice stands for, where it merges what it repeats into kernels of whole iterations.
///
/// ```
/// use softq::gpu;
///
/// // The CPU executor takes agents through whole iterations as it is.
/// let cpu = gpu::choose("cpu")?;
/// let refused = gpu::open_merging(&cpu, softq::envs::find("catch")?).err().expect("no driver");
/// assert!(refused.to_string().contains("--device"));
/// # Ok::<(), softq::Error>(())
/// ```
pub fn open_merging(choice: &Choice, env: &'static Env) -> Result<Box<dyn Executor>> {
    if choice.address == "cpu" || choice.address == INTERPRETER {
        return Err(Error::invalid(
            "megakernel",
            true,
            format!("false on '{}'", choice.address),
            "The CPU executor takes agents through whole iterations by itself. Name a GPU or a software driver with --device; \
             `softq devices` lists them.",
        ));
    }
    let device = pollster::block_on(GpuDevice::open(&choice.address))?;
    Ok(Box::new(GpuExecutor::merging(device, env)))
}

/// The executor that a choice stands for.
pub fn open(choice: &Choice) -> Result<Box<dyn Executor>> {
    if choice.address == "cpu" {
        return Ok(Box::new(CpuExecutor::new()));
    }
    if choice.address == INTERPRETER {
        return Ok(Box::new(CpuExecutor::interpreting()));
    }
    let device = pollster::block_on(GpuDevice::open(&choice.address))?;
    Ok(Box::new(GpuExecutor::new(device)))
}
