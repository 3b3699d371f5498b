//! Events of a run as the page takes them: plain objects, and bytes where there are files or pixels.

use js_sys::{Array, Object, Reflect, Uint8Array, Uint32Array};
use serde::Serialize;
use softq::engine::recording::BufferId;
use softq::shared::agent::{Agent, Lane};
use softq::train::event::{Event, Member, Report};
use softq::train::live::{Gallery, Watched};
use softq::train::model_file::model_bytes;
use wasm_bindgen::prelude::*;

/// A list of messages on its way to JavaScript.
#[derive(Default)]
pub struct Messages(Array);

#[derive(Serialize)]
struct Ranked {
    agent: usize,
    mean: f64,
    solved_at_env_steps: Option<u64>,
    diverged_at_update: Option<u64>,
}

#[derive(Serialize)]
struct Finished {
    env: String,
    algo: String,
    env_steps: u64,
    updates: u64,
    wall_s: f64,
    best: usize,
    greedy_mean: f64,
    greedy_returns: Vec<f64>,
    softmax_mean: f64,
    /// Agents, best first.
    ranking: Vec<Ranked>,
}

impl Finished {
    fn of(report: &Report) -> Finished {
        let best = report.best();
        let ranked = |agent: usize| {
            let member = &report.members[agent];
            Ranked {
                agent,
                mean: member.greedy.mean(),
                solved_at_env_steps: member.solved_at_env_steps,
                diverged_at_update: member.diverged_at_update,
            }
        };
        Finished {
            env: report.env.clone(),
            algo: report.algo.clone(),
            env_steps: report.env_steps,
            updates: report.updates,
            wall_s: report.wall_s,
            best: report.best,
            greedy_mean: best.greedy.mean(),
            greedy_returns: best.greedy.returns.clone(),
            softmax_mean: best.softmax.mean(),
            ranking: Member::ranking(&report.members).into_iter().map(ranked).collect(),
        }
    }
}

#[derive(Serialize)]
struct Means {
    env_steps: u64,
    mean: f64,
}

/// What the page has on show.
pub struct Shown<'a> {
    /// The pictures, if there are any.
    pub gallery: Option<&'a Gallery>,
    /// Agents at work.
    pub watched: Watched,
}

impl Messages {
    /// Adds one: its kind, what it says, and bytes that belong to it.
    pub fn push(&self, kind: &str, value: &impl Serialize, bytes: Option<JsValue>) -> Result<(), JsError> {
        let object = Object::new();
        let set = |key: &str, value: &JsValue| {
            Reflect::set(&object, &key.into(), value).map(drop).map_err(|_| JsError::new("no plain object"))
        };
        set("kind", &kind.into())?;
        set("json", &serde_json::to_string(value)?.into())?;
        if let Some(bytes) = bytes {
            set("bytes", &bytes)?;
        }
        self.0.push(&object);
        Ok(())
    }

    /// Adds what an event says.
    pub fn push_event(&self, event: &Event, shown: &Shown<'_>) -> Result<(), JsError> {
        match event {
            Event::Progress(progress) => self.push("progress", progress, None),
            Event::AgentsProgress(agents) => self.push("agents_progress", agents, None),
            Event::Evaluation { env_steps, greedy } => {
                self.push("evaluation", &Means { env_steps: *env_steps, mean: greedy.mean() }, None)
            }
            Event::AgentsEvaluation { env_steps, greedy } => {
                let means: Vec<f64> = greedy.iter().map(|one| one.mean()).collect();
                self.push("agents_evaluation", &(env_steps, means), None)
            }
            Event::Warning(text) => self.push("warning", text, None),
            Event::Finished(report) => self.push("finished", &Finished::of(report), None),
            Event::Best(weights) | Event::Last(weights) | Event::Current(weights) => {
                let kind = match event {
                    Event::Best(_) => "best_weights",
                    Event::Last(_) => "last_weights",
                    _ => "current_weights",
                };
                let bytes = model_bytes(weights).map_err(crate::to_js)?;
                let about = (weights.agent, weights.env_steps, weights.greedy_mean);
                self.push(kind, &about, Some(Uint8Array::from(&bytes[..]).into()))
            }
            Event::Contents { buffer, words } => self.push_contents(*buffer, words, shown),
            // A page keeps the best agent's weights, and draws what it likes.
            Event::All(_) | Event::Pictures(_) => Ok(()),
        }
    }

    fn push_contents(&self, buffer: BufferId, words: &[u32], shown: &Shown<'_>) -> Result<(), JsError> {
        let Watched { outputs, width, lanes, records, bookkeeping } = shown.watched;
        if let Some(gallery) = shown.gallery.filter(|gallery| gallery.pixels == buffer) {
            // A canvas wants every pixel's last byte to say that it is opaque.
            let opaque: Vec<u32> = words.iter().map(|pixel| pixel | 0xff00_0000).collect();
            let size = (gallery.frames, gallery.width, gallery.height);
            return self.push("pictures", &size, Some(Uint32Array::from(&opaque[..]).into()));
        }
        match buffer {
            _ if buffer == outputs => {
                let values: &[f32] = bytemuck::cast_slice(words);
                self.push("outputs", &(width, lanes, values), None)
            }
            _ if buffer == records => {
                let agents: &[Agent] = bytemuck::cast_slice(words);
                let shown: Vec<_> = agents.iter().map(|agent| (agent.alpha, agent.updates)).collect();
                self.push("agents", &shown, None)
            }
            _ if buffer == bookkeeping => {
                let lanes: &[Lane] = bytemuck::cast_slice(words);
                let shown: Vec<_> =
                    lanes.iter().map(|lane| (lane.episode_step, lane.episode_return)).collect();
                self.push("lanes", &shown, None)
            }
            _ => Ok(()),
        }
    }

    /// The list.
    pub fn finish(self) -> Array {
        self.0
    }
}
