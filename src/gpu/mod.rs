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
use crate::engine::executor::Executor;
use crate::error::Result;

/// `--device interp`: kernels' WGSL executed without a driver.
pub const INTERPRETER: &str = "interp";

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
