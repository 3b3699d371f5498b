//! An exported file against the engine: both are given the same observations, the file runs in f64, the engine on its CPU
//! executor.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::engine::cpu::CpuExecutor;
use crate::engine::env::{ActionSpace, Env};
use crate::engine::executor::{Executor, Program, read_as, write_as};
use crate::engine::recording::{Buffer, Buffers, Recording};
use crate::error::{Error, Result};
use crate::nn::{Evaluations, Group, Head, Inputs};
use crate::onnx::agent::{Acting, observation_dims};
use crate::onnx::array::Array;
use crate::onnx::evaluate::{Session, Value};
use crate::shared::math::tanh_f32;
use crate::shared::policy::argmax_of;
use crate::train::event::NamedTensor;
use crate::train::saved_run::SavedRun;

/// Observations that a file and the engine are compared on.
pub const OBSERVATIONS: u32 = 1_024;

/// Largest difference that is allowed, relative to the largest value that the output has for any observation, or to 1. Relative to
/// the values of its own observation, a difference would say how well the sums of the network cancel there.
pub const BOUND: f64 = 1e-5;

/// Observations at a time.
const ROWS: u32 = 64;

/// Elements without bounds are drawn from here.
const UNBOUNDED: [f32; 2] = [-3.0, 3.0];

/// A bound beyond this is none: elements of real observations lie far inside.
const LARGEST: f32 = 1e6;

/// What a comparison found.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Parity {
    /// Observations.
    pub observations: u32,
    /// Largest difference of a value, relative to the largest value of its output or 1.
    pub largest_difference: f64,
}

/// Runs the file and the engine; an error where they differ by more than [`BOUND`].
pub fn compare(run: &SavedRun, acting: &Acting<'_>, bytes: &[u8]) -> Result<Parity> {
    let failed = |message: String| Error::Parity { message };
    let session = Session::open(bytes).map_err(failed)?;
    let mut compared: Vec<Compared> = Vec::new();
    each(run, acting, &mut |drawn, answers| {
        let values = session.run(drawn.file_inputs()).map_err(failed)?;
        let these = compare_rows(acting, answers, &values).map_err(failed)?;
        compared.resize(these.len(), Compared::default());
        compared.iter_mut().zip(these).for_each(|(all, these)| *all = all.and(these));
        Ok(())
    })?;
    let all = compared.iter().map(|output| output.difference / output.largest.max(1.0)).fold(0.0, larger);
    match all <= BOUND {
        true => Ok(Parity { observations: OBSERVATIONS, largest_difference: all }),
        false => Err(failed(format!(
            "over {OBSERVATIONS} observations they differ by up to {all:e} of the largest value, and {BOUND:e} is allowed"
        ))),
    }
}

/// The larger one; a NaN stays.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b <= a { a } else { b }
}

/// How an output of the file compares with the engine's.
#[derive(Clone, Copy, Debug, Default)]
struct Compared {
    /// Largest difference.
    difference: f64,
    /// Largest value of the engine.
    largest: f64,
}

impl Compared {
    fn and(self, other: Compared) -> Compared {
        Compared {
            difference: larger(self.difference, other.difference),
            largest: larger(self.largest, other.largest),
        }
    }
}

/// The inputs of the comparison and the engine's answers, by the names of the file's inputs and outputs.
pub fn samples(run: &SavedRun, acting: &Acting<'_>) -> Result<Vec<NamedTensor>> {
    let mut tensors: Vec<NamedTensor> = Vec::new();
    let mut add = |name: &str, dims: &[usize], values: &mut dyn Iterator<Item = f32>| {
        let at = tensors.iter().position(|tensor| tensor.name == name).unwrap_or_else(|| {
            tensors.push(NamedTensor { name: name.into(), shape: [&[0], dims].concat(), values: vec![] });
            tensors.len() - 1
        });
        tensors[at].shape[0] += ROWS as usize;
        tensors[at].values.extend(values);
    };
    each(run, acting, &mut |drawn, answers| {
        for (name, dims, values) in &drawn.inputs {
            add(name, dims, &mut values.iter().copied());
        }
        for Answer { name, dims, rows, .. } in answers {
            add(name, dims, &mut rows.iter().flatten().copied());
        }
        Ok(())
    })?;
    Ok(tensors)
}

/// Draws observations, some at a time, and has the engine answer them.
fn each(
    run: &SavedRun,
    acting: &Acting<'_>,
    visit: &mut dyn FnMut(&Drawn, &[Answer]) -> Result<()>,
) -> Result<()> {
    let mut engine = Engine::new(run, acting)?;
    let mut rng = StdRng::seed_from_u64(run.config.seed);
    for _ in 0..OBSERVATIONS / ROWS {
        let drawn = Drawn::new(run.env, acting, &mut rng);
        let outputs = engine.forward(&drawn.network_inputs)?;
        visit(&drawn, &answers(run.env, acting, &outputs))?;
    }
    Ok(())
}

/// Some observations, as the file and as the acting network take them.
struct Drawn {
    /// Name, dimensions behind the batch, and values `[ROWS, dims]` of each input of the file.
    inputs: Vec<(&'static str, Vec<usize>, Vec<f32>)>,
    /// `[ROWS, inputs]`
    network_inputs: Vec<f32>,
}

impl Drawn {
    fn new(env: &Env, acting: &Acting<'_>, rng: &mut StdRng) -> Drawn {
        let dims = if acting.noisy { env.actions.words() } else { 0 };
        let (mut observations, mut noise, mut network_inputs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROWS {
            for element in 0..env.obs_size as usize {
                let (low, high) = (env.obs_low[element], env.obs_high[element]);
                let bounded = low.abs() < LARGEST && high.abs() < LARGEST && low < high;
                let [low, high] = if bounded { [low, high] } else { UNBOUNDED };
                let inside = rng.random_range(low..high);
                // The bounds are those of what the network sees.
                let (outside, seen) = match env.obs_rescaled.get(element) {
                    None => (inside, inside),
                    Some([middle, factor]) => {
                        let outside = inside / factor + middle;
                        (outside, (outside - middle) * factor)
                    }
                };
                observations.push(outside);
                network_inputs.push(seen);
            }
            for _ in 0..dims {
                noise.push(rng.random_range(UNBOUNDED[0]..UNBOUNDED[1]));
            }
            network_inputs.extend_from_slice(&noise[noise.len() - dims..]);
        }
        let shape = observation_dims(env).into_iter().map(|dim| dim as usize).collect();
        let mut inputs = vec![("observation", shape, observations)];
        if acting.noisy {
            inputs.push(("noise", vec![dims], noise));
        }
        Drawn { inputs, network_inputs }
    }

    fn file_inputs(&self) -> BTreeMap<String, Value> {
        let value = |(name, dims, values): &(&'static str, Vec<usize>, Vec<f32>)| {
            let shape = [&[ROWS as usize], &dims[..]].concat();
            let data = values.iter().map(|value| f64::from(*value)).collect();
            ((*name).to_owned(), Value::Float(Array { shape, data }))
        };
        self.inputs.iter().map(value).collect()
    }
}

/// What the engine says to some observations: an output of the file.
struct Answer {
    name: &'static str,
    /// Dimensions behind the batch.
    dims: Vec<usize>,
    /// Whether these are actions by number.
    whole: bool,
    rows: Vec<Vec<f32>>,
}

/// The acting network in the engine.
struct Engine {
    executor: CpuExecutor,
    inputs: Buffer<f32>,
    outputs: Buffer<f32>,
    forward: Program,
}

impl Engine {
    fn new(run: &SavedRun, acting: &Acting<'_>) -> Result<Engine> {
        let mut buffers = Buffers::default();
        let group = Group::frozen(&mut buffers, "", acting.group, 1);
        let width = acting.group.net.tensors()[0].width();
        let values = buffers.add("inputs", u64::from(ROWS) * u64::from(width), "");
        let inputs = Inputs { values, count: 1, batch: ROWS };
        let evaluations = Evaluations::new(&mut buffers, "", &group, inputs, &[(acting.net, 0)], 0, "");
        let mut recording = Recording::default();
        evaluations.forward(&mut recording)?;
        let mut executor = CpuExecutor::new();
        executor.allocate(&buffers)?;
        write_as(&mut executor, group.weights.id, &run.weights[acting.index])?;
        let forward = executor.prepare(&recording)?;
        Ok(Engine { executor, inputs: values, outputs: evaluations.outputs(), forward })
    }

    fn forward(&mut self, inputs: &[f32]) -> Result<Vec<f32>> {
        write_as(&mut self.executor, self.inputs.id, inputs)?;
        self.executor.submit(&[(self.forward, 1)], None)?;
        read_as(&mut self.executor, self.outputs.id)
    }
}

/// What follows from the outputs of the acting network, as acting computes it.
fn answers(env: &Env, acting: &Acting<'_>, outputs: &[f32]) -> Vec<Answer> {
    let rows: Vec<&[f32]> = outputs.chunks(acting.group.net.outputs() as usize).collect();
    let answer = |name, of: &dyn Fn(&[f32]) -> Vec<f32>| {
        let rows: Vec<Vec<f32>> = rows.iter().map(|row| of(row)).collect();
        Answer { name, dims: vec![rows[0].len()], whole: false, rows }
    };
    let ActionSpace::Box { low, high } = &env.actions else {
        let heads = &acting.group.net.heads;
        let chosen = |row: &[f32]| {
            let best =
                |head: &Head| argmax_of(|a| row[head.offset as usize + a], head.actions as usize) as f32;
            heads.iter().map(best).collect()
        };
        let dims = if heads.len() == 1 { vec![] } else { vec![heads.len()] };
        let action = Answer { dims, whole: true, ..answer("action", &chosen) };
        return vec![answer(acting.values, &|row| row.to_vec()), action];
    };
    let scales = env.actions.scales();
    let action = |row: &[f32]| {
        let of = |(i, [scale, bias]): (usize, &[f32; 2])| {
            (tanh_f32(row[i]) * scale + bias).max(low[i]).min(high[i])
        };
        scales.iter().enumerate().map(of).collect()
    };
    let mut answers = vec![answer("action", &action)];
    if !acting.noisy {
        answers.push(answer("mean", &|row| row[..low.len()].to_vec()));
        let log_std = |row: &[f32]| row[low.len()..].iter().map(|raw| acting.log_std.of(*raw)).collect();
        answers.push(answer("log_std", &log_std));
    }
    answers
}

/// The engine's answers and the file's outputs, one by one.
fn compare_rows(
    acting: &Acting<'_>,
    answers: &[Answer],
    values: &BTreeMap<String, Value>,
) -> std::result::Result<Vec<Compared>, String> {
    let compare = |answer: &Answer| {
        let shape = [&[ROWS as usize], &answer.dims[..]].concat();
        let wrong = |shape: &[usize]| Err(format!("output '{}' has the shape {shape:?}", answer.name));
        match values.get(answer.name) {
            Some(Value::Whole(actions)) if answer.whole => match actions.shape == shape {
                true => largest_loss(acting, &answers[0].rows, actions),
                false => wrong(&actions.shape),
            },
            Some(Value::Float(array)) if !answer.whole => match array.shape == shape {
                true => {
                    let pairs =
                        array.data.iter().zip(answer.rows.iter().flatten().map(|want| f64::from(*want)));
                    let one = |(got, want): (&f64, f64)| Compared {
                        difference: (got - want).abs(),
                        largest: want.abs(),
                    };
                    Ok(pairs.map(one).fold(Compared::default(), Compared::and))
                }
                false => wrong(&array.shape),
            },
            _ => Err(format!("it has no output '{}' of the right type", answer.name)),
        }
    };
    answers.iter().map(compare).collect()
}

/// By how much the engine values the file's actions below its own: nothing, or less than rounding where two are all but equal.
fn largest_loss(
    acting: &Acting<'_>,
    rows: &[Vec<f32>],
    actions: &Array<i64>,
) -> std::result::Result<Compared, String> {
    let heads = &acting.group.net.heads;
    let mut compared = Compared::default();
    for (row, chosen) in rows.iter().zip(actions.data.chunks(heads.len())) {
        for (head, chosen) in heads.iter().zip(chosen) {
            let own = &row[head.offset as usize..][..head.actions as usize];
            let best = argmax_of(|a| own[a], own.len());
            let value = usize::try_from(*chosen).ok().and_then(|chosen| own.get(chosen));
            let value = value.ok_or_else(|| format!("it chooses action {chosen} of {}", own.len()))?;
            let difference = f64::from(own[best] - value);
            compared = compared.and(Compared { difference, largest: f64::from(own[best].abs()) });
        }
    }
    Ok(compared)
}
