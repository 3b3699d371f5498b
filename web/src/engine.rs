//! The engine as the page's worker drives it: one device, and on it a run, or a verification, or an evaluation.
//!
//! Every method that waits for the device is asynchronous; the worker calls one at a time.

use std::path::Path;
use std::time::Duration;

use js_sys::{Array, Function};
use serde::{Deserialize, Serialize};
use softq::agents::{self, Capabilities};
use softq::config::Config;
use softq::engine::cpu::CpuExecutor;
use softq::engine::executor::Executor;
use softq::envs::check;
use softq::gpu::{AdapterReport, Choice, GpuDevice, GpuExecutor};
use softq::train::evaluate::evaluate_later;
use softq::train::event::Event;
use softq::train::live::Gallery;
use softq::train::saved_run::SavedRun;
use softq::train::trainer::Trainer;
use softq::verify;
use wasm_bindgen::prelude::*;

use crate::message::{Messages, Shown};
use crate::request::{File, Request, open};
use crate::to_js;

/// Address of the adapter that the browser gives out.
const ADDRESS: &str = "webgpu:0";

/// A device and what is done with it.
#[wasm_bindgen]
pub struct Engine {
    report: AdapterReport,
    /// The longest buffer that the device binds.
    max_buffer_bytes: u64,
    work: Work,
}

enum Work {
    /// Nothing: the executor waits for its next use.
    None(Box<dyn Executor>),
    /// A run.
    Run(Box<Run>),
    /// Something that did not give the executor back.
    Gone,
}

struct Run {
    trainer: Trainer,
    gallery: Option<Gallery>,
}

/// A run that has begun.
#[derive(Serialize)]
struct Begun<'a> {
    config: &'a Config,
    /// Actions of each head; none where they are real numbers.
    heads: Vec<u32>,
    /// Whether a policy network acts, whose outputs are logits.
    policy: bool,
    /// Training environments per agent.
    lanes: u32,
    /// Alpha of each agent at the start.
    members: Vec<f64>,
    reward_threshold: Option<f64>,
    /// Whether its environments are drawn.
    drawn: bool,
    /// What the user should know of the settings and of an environment of their own.
    warnings: Vec<String>,
}

/// How much to verify.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verification {
    cases: usize,
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    only: Option<String>,
}

/// How to evaluate a weights file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Evaluation {
    name: String,
    episodes: u32,
    seed: u64,
    #[serde(default)]
    file: Option<File>,
}

#[wasm_bindgen]
impl Engine {
    /// Opens the browser's adapter.
    pub async fn open() -> Result<Engine, JsError> {
        let device = GpuDevice::open(ADDRESS).await.map_err(to_js)?;
        let report = device.report().clone();
        let executor = GpuExecutor::new(device);
        let max_buffer_bytes = executor.max_buffer_bytes();
        Ok(Engine { report, max_buffer_bytes, work: Work::None(Box::new(executor)) })
    }

    /// Whether the device can still be used; where not, another engine can be opened.
    pub fn usable(&self) -> bool {
        !matches!(self.work, Work::Gone)
    }

    /// Whether there is a run.
    pub fn training(&self) -> bool {
        matches!(self.work, Work::Run(_))
    }

    /// The adapter, as JSON.
    pub fn adapter(&self) -> Result<String, JsError> {
        Ok(serde_json::to_string(&self.report)?)
    }

    /// Begins the run that a JSON request describes, with the weights of a file where one is given; what begins, as JSON.
    pub fn begin(&mut self, request: &str, name: &str, weights: Option<Vec<u8>>) -> Result<String, JsError> {
        let request: Request = serde_json::from_str(request)?;
        let saved = weights.map(|bytes| self.saved(name, &bytes, request.file.as_ref())).transpose()?;
        let (config, env, mut warnings) = match &saved {
            Some(saved) => (saved.config.clone(), saved.env, saved.warnings.clone()),
            None => {
                let resolved = request.resolve().map_err(to_js)?;
                (resolved.config, resolved.env, resolved.notes)
            }
        };
        agents::check(&config, env).map_err(to_js)?;
        if config.megakernel {
            warnings.push(
                "megakernel is the program's alone: the page runs an iteration kernel by kernel".into(),
            );
        }
        // A user's file may be valid and still break when it runs; the interpreter says where.
        if env.user {
            let interpreter = &mut CpuExecutor::interpreting();
            warnings.extend(check::brief(interpreter, env, config.seed as u32).map_err(to_js)?);
        }
        // Everything that can be refused is, before what is on is given up for it.
        let device = Capabilities { hardware: self.hardware(), max_buffer_bytes: self.max_buffer_bytes };
        let mut plan = agents::plan_relative(&config, env, device, None).map_err(to_js)?;
        let gallery = match request.gallery {
            Some([frames, width]) => Gallery::declare(&mut plan, env, frames, width).map_err(to_js)?,
            None => None,
        };
        if let Some(saved) = &saved {
            plan.set_log_alphas(&saved.log_alphas);
        }
        if let Some(buffer) =
            plan.buffers.decls.iter().find(|buffer| 4 * buffer.words > self.max_buffer_bytes)
        {
            return Err(to_js(softq::Error::TooLarge {
                buffer: buffer.name.clone(),
                bytes: 4 * buffer.words,
                limit: self.max_buffer_bytes,
                device: self.report.describe(),
                hint: buffer.hint.into(),
            }));
        }
        let executor = self.executor()?;
        let mut trainer =
            Trainer::with_executor(&config, env, plan, self.choice(), executor).map_err(to_js)?;
        if let Some(saved) = &saved {
            trainer.set_weights(&saved.weights).map_err(to_js)?;
        }
        trainer.meter();
        let begun = Begun {
            config: &config,
            heads: env.actions.heads(),
            policy: agents::find(&config.algo).map_err(to_js)?.actor.policy,
            lanes: config.num_envs,
            members: trainer.members().iter().map(|member| member.alpha).collect(),
            reward_threshold: env.reward_threshold,
            drawn: gallery.is_some(),
            warnings,
        };
        let begun = serde_json::to_string(&begun)?;
        self.work = Work::Run(Box::new(Run { trainer, gallery }));
        Ok(begun)
    }

    /// One step of the run: its messages since the last one.
    pub async fn step(&mut self) -> Result<Array, JsError> {
        let stepped = self.run()?.trainer.step().await;
        self.told(stepped)
    }

    /// The messages of what was asked for, without another step.
    pub async fn receive(&mut self) -> Result<Array, JsError> {
        let received = self.run()?.trainer.receive();
        self.told(received)
    }

    /// Lets the time until the next step not count.
    pub fn hold(&mut self) -> Result<(), JsError> {
        self.run()?.trainer.hold_clock();
        Ok(())
    }

    /// Gives a setting of the run another value.
    pub fn tune(&mut self, key: &str, value: &str) -> Result<(), JsError> {
        self.run()?.trainer.tune(key, value).map_err(to_js)
    }

    /// Asks for what is on show: pictures, action values, temperatures, episodes.
    pub fn look(&mut self) -> Result<(), JsError> {
        let Run { trainer, gallery } = self.run()?;
        let watched = trainer.watched();
        if let Some(gallery) = gallery {
            trainer.draw(gallery).map_err(to_js)?;
        }
        for buffer in [watched.outputs, watched.records, watched.bookkeeping] {
            trainer.ask_for(buffer).map_err(to_js)?;
        }
        Ok(())
    }

    /// Asks for the weights of an agent as they are now.
    pub fn save(&mut self, agent: usize) -> Result<(), JsError> {
        self.run()?.trainer.ask_for_current(agent).map_err(to_js)
    }

    /// Refuses what [`Engine::evaluate`] cannot play, while a run goes on.
    pub fn inspect(&self, request: &str, weights: &[u8]) -> Result<(), JsError> {
        let request: Evaluation = serde_json::from_str(request)?;
        self.saved(&request.name, weights, request.file.as_ref()).map(drop)
    }

    /// Plays episodes greedily with the weights of a file, as `softq eval` does; the report, as JSON. Ends a run.
    pub async fn evaluate(&mut self, request: &str, weights: Vec<u8>) -> Result<String, JsError> {
        let request: Evaluation = serde_json::from_str(request)?;
        let saved = self.saved(&request.name, &weights, request.file.as_ref())?;
        let mut executor = self.executor()?;
        let report = evaluate_later(&saved, false, &mut *executor, request.episodes, request.seed).await;
        self.work = left(executor, report.as_ref().err());
        Ok(serde_json::to_string(&report.map_err(to_js)?)?)
    }

    /// Checks every kernel of this device, handing each row, as JSON, to `on_row`, until that says `false`; the rows' number. Ends
    /// a run.
    pub async fn verify(&mut self, request: &str, on_row: Function) -> Result<usize, JsError> {
        let Verification { cases, seed, only } = serde_json::from_str(request)?;
        let options = verify::Options { seed, cases, only, ..verify::Options::default() };
        let mut executor = self.executor()?;
        let (mut seen, mut ended) = (0, false);
        let rows = verify::run_later(&mut *executor, &options, &mut |row| {
            seen += 1;
            let text = serde_json::to_string(row).unwrap_or_default();
            // A listener that throws does not end the verification.
            ended = on_row.call1(&JsValue::NULL, &text.into()).is_ok_and(|answer| answer == JsValue::FALSE);
            if ended { Err(ENDED) } else { Ok(()) }
        })
        .await;
        self.work = left(executor, rows.as_ref().err());
        if !ended {
            rows.map_err(to_js)?;
        }
        Ok(seen)
    }

    /// Checks an environment file as `softq check-env` does, with so many episodes; the findings, as JSON.
    pub fn check_env(&self, name: &str, text: &str, episodes: usize) -> Result<String, JsError> {
        let file = File { name: name.to_owned(), text: text.to_owned() };
        let env = open(Some(&file), name, &Default::default()).map_err(to_js)?;
        let options = check::Options { episodes, ..check::Options::default() };
        let findings = check::check(&mut CpuExecutor::interpreting(), env, options, &mut |_| Ok(()));
        Ok(serde_json::to_string(&findings.map_err(to_js)?)?)
    }
}

/// Leaves a verification; nobody is shown it.
const ENDED: softq::Error =
    softq::Error::Interrupted { signal: 0, env_steps: None, kept: String::new(), goes_on: String::new() };

/// What is left of an executor after its work: one that has lost its device, or holds a shader's failure, is of no more use.
fn left(executor: Box<dyn Executor>, error: Option<&softq::Error>) -> Work {
    match error {
        Some(softq::Error::DeviceLost { .. } | softq::Error::Shader { .. }) => Work::Gone,
        _ => Work::None(executor),
    }
}

impl Engine {
    fn run(&mut self) -> Result<&mut Run, JsError> {
        match &mut self.work {
            Work::Run(run) => Ok(run),
            _ => Err(JsError::new("there is no run: begin one first")),
        }
    }

    /// The messages of these events. A lost device is given up; after any other error the run can still be saved.
    fn told(&mut self, events: softq::Result<Vec<Event>>) -> Result<Array, JsError> {
        match events {
            Ok(events) => {
                let run = self.run()?;
                let device = run.trainer.metered();
                run.messages(&events, device)
            }
            Err(error) => {
                if matches!(error, softq::Error::DeviceLost { .. }) {
                    self.work = Work::Gone;
                }
                Err(to_js(error))
            }
        }
    }

    /// The executor, taken from whatever used it.
    fn executor(&mut self) -> Result<Box<dyn Executor>, JsError> {
        match std::mem::replace(&mut self.work, Work::Gone) {
            Work::None(executor) => Ok(executor),
            Work::Run(run) => Ok(run.trainer.into_executor()),
            Work::Gone => Err(JsError::new("the device was lost: open another engine")),
        }
    }

    fn hardware(&self) -> bool {
        self.report.is_hardware()
    }

    fn choice(&self) -> Choice {
        Choice {
            address: self.report.address.clone(),
            adapter: self.report.describe(),
            reason: "what the browser gives out".into(),
            hardware: self.hardware(),
        }
    }

    fn saved(&self, name: &str, bytes: &[u8], file: Option<&File>) -> Result<SavedRun, JsError> {
        SavedRun::of_file(Path::new(name), bytes, &|name, values| open(file, name, values)).map_err(to_js)
    }
}

impl Run {
    fn messages(&self, events: &[Event], device: Option<Duration>) -> Result<Array, JsError> {
        let messages = Messages::default();
        if events.iter().any(|event| matches!(event, Event::Progress(_))) {
            messages.push("device_time", &device.map(|time| time.as_secs_f64()), None)?;
        }
        let shown = Shown { gallery: self.gallery.as_ref(), watched: self.trainer.watched() };
        for event in events {
            messages.push_event(event, &shown)?;
        }
        Ok(messages.finish())
    }
}
