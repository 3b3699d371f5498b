//! What the program needs from the library, as a small trait, so that a test can put other environments and adapters there.

use softq::Result;
use softq::gpu::{AdapterReport, Choice};

/// The library, seen from the program.
pub trait Engine {
    /// All adapters, usable or not.
    fn adapters(&self) -> Vec<AdapterReport>;
    /// What each value of `--device` takes on a machine with these adapters.
    fn choices(&self, adapters: &[AdapterReport]) -> Vec<(String, Result<Choice>)>;
}

/// An engine without a device, for tests of everything around it.
#[cfg(test)]
pub mod fake {
    use super::*;
    use softq::Error;

    /// Knows `CartPole-v1` with a preset and `Pole3-v0` without.
    #[derive(Clone, Copy, Default)]
    pub struct FakeEngine;

    impl Engine for FakeEngine {
        fn adapters(&self) -> Vec<AdapterReport> {
            let adapter = |address: &str, unusable: Option<&str>| AdapterReport {
                address: address.into(),
                name: "Tester".into(),
                backend: "Vulkan".into(),
                device_type: "Cpu".into(),
                driver: "fake".into(),
                driver_info: "1.0".into(),
                vendor: 0x10005,
                device: 0,
                features: vec!["TIMESTAMP_QUERY".into(), "SHADER_F16".into()],
                limits: vec![("max_buffer_size".into(), 268_435_456)],
                unusable: unusable.map(str::to_owned),
            };
            vec![adapter("vulkan:0", None), adapter("gl:0", Some("no compute shaders"))]
        }

        fn choices(&self, _adapters: &[AdapterReport]) -> Vec<(String, Result<Choice>)> {
            ["auto", "gpu", "cpu", "vulkan:0", "gl:0"].map(|r| (r.to_owned(), choose(r))).into()
        }
    }

    fn choose(request: &str) -> Result<Choice> {
        let choice = |address: &str, reason: &str| {
            Ok(Choice {
                address: address.into(),
                adapter: "Tester".into(),
                reason: reason.into(),
                hardware: false,
            })
        };
        match request {
            "cpu" => choice("cpu", "asked for"),
            "auto" | "gpu" | "vulkan:0" => choice("vulkan:0", "the first usable adapter"),
            _ => Err(Error::NoDevice {
                requested: request.into(),
                reason: "no compute shaders".into(),
                hint: "Use --device cpu.".into(),
            }),
        }
    }
}
