//! What the program needs from the library, as two small traits. Commands are written against them, so that a test can
//! run `train` with a training that diverges at will.

use softq::Result;
use softq::config::Config;
use softq::gpu::{AdapterReport, Choice};
use softq::train::drawing::Pictures;
use softq::train::event::{Event, NamedTensor, Report};

/// The library, seen from the program.
pub trait Engine {
    /// All adapters, usable or not.
    fn adapters(&self) -> Vec<AdapterReport>;
    /// What each value of `--device` takes on a machine with these adapters.
    fn choices(&self, adapters: &[AdapterReport]) -> Vec<(String, Result<Choice>)>;
    /// A training, ready to run.
    fn training(&self, config: &Config) -> Result<Box<dyn Training>>;
}

/// One training.
pub trait Training {
    /// The device it runs on.
    fn choice(&self) -> &Choice;
    /// The recorded commands of an iteration, for `--explain`.
    fn explain(&self) -> String;
    /// Trains to the end.
    fn run(&mut self, observe: &mut dyn FnMut(&Event) -> Result<()>) -> Result<Report>;
    /// Current weights; after a divergence the last finite ones.
    fn weights(&mut self) -> Result<Vec<NamedTensor>>;
    /// Pictures, `width` wide, of one greedy episode; none without a drawing.
    fn record_episode(&mut self, width: u16) -> Result<Pictures>;
}

/// An engine without a device, for tests of everything around it.
#[cfg(test)]
pub mod fake {
    use super::*;
    use softq::Error;
    use softq::report::gif::Frame;
    use softq::train::event::{Evaluation, Member, Progress};

    /// Its training can be told to diverge.
    #[derive(Clone, Copy, Default)]
    pub struct FakeEngine {
        /// End with [`Error::Diverged`].
        pub diverges: bool,
    }

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

        fn training(&self, config: &Config) -> Result<Box<dyn Training>> {
            let choice = choose(&config.device)?;
            Ok(Box::new(FakeTraining { config: config.clone(), choice, diverges: self.diverges }))
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

    struct FakeTraining {
        config: Config,
        choice: Choice,
        diverges: bool,
    }

    impl Training for FakeTraining {
        fn choice(&self) -> &Choice {
            &self.choice
        }

        fn explain(&self) -> String {
            "18 dispatches per iteration".into()
        }

        fn run(&mut self, observe: &mut dyn FnMut(&Event) -> Result<()>) -> Result<Report> {
            for window in 1..=4 {
                observe(&Event::Progress(Progress {
                    env_steps: 16 * window,
                    wall_s: window as f64,
                    episodic_return: (window > 1).then_some(20.0 * window as f64),
                    alpha: 0.2,
                    ..Progress::default()
                }))?;
            }
            observe(&Event::Warning("alpha is running away".into()))?;
            if self.diverges {
                let (what, kept) = ("td_loss".into(), "memory".into());
                return Err(Error::Diverged { what, update: 9, env_steps: 64, kept });
            }
            let greedy = Evaluation { returns: vec![500.0, 480.0] };
            observe(&Event::Evaluation { env_steps: 64, greedy: greedy.clone() })?;
            Ok(Report {
                env: self.config.env.clone(),
                algo: self.config.algo.clone(),
                device: self.choice.address.clone(),
                adapter: self.choice.adapter.clone(),
                env_steps: 64,
                updates: 10,
                wall_s: 4.0,
                uploaded_bytes: 0,
                members: vec![Member {
                    agent: 0,
                    config: self.config.clone(),
                    solved_at_env_steps: Some(64),
                    diverged_at_update: None,
                    greedy,
                    softmax: Evaluation { returns: vec![400.0, 450.0] },
                }],
                best: 0,
                best_evaluated: None,
            })
        }

        fn weights(&mut self) -> Result<Vec<NamedTensor>> {
            Ok(vec![NamedTensor {
                name: "q0.layer0.weight".into(),
                shape: vec![1, 2],
                values: vec![0.5, -0.5],
            }])
        }

        fn record_episode(&mut self, width: u16) -> Result<Pictures> {
            let frame = |t: u16| Frame { width, height: 2, rgb: vec![t as u8; 6 * usize::from(width)] };
            Ok(Pictures { frames: (0..10).map(frame).collect(), delay_cs: 4 })
        }
    }
}
