//! Shared by the GPU test binaries: which devices there are, without silent skips.

use softq::gpu::Choice;

/// The GPU adapter under test. Panics with the install hint when there is none, unless SOFTQ_NO_GPU=1 leaves GPU tests out.
pub fn gpu() -> Option<Choice> {
    if std::env::var("SOFTQ_NO_GPU").is_ok_and(|value| value == "1") {
        eprintln!("SOFTQ_NO_GPU=1: GPU TESTS ARE LEFT OUT");
        return None;
    }
    // Another adapter than the default one, e.g. gl:0.
    let device = std::env::var("SOFTQ_TEST_DEVICE").unwrap_or_else(|_| "gpu".into());
    match softq::gpu::choose(&device) {
        Ok(choice) => Some(choice),
        Err(error) => panic!("{error} Or set SOFTQ_NO_GPU=1 to leave GPU tests out."),
    }
}
