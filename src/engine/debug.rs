//! Two ways to find a divergence between executors: check every dispatch, or switch executors at dispatch n.

use crate::engine::executor::{Executor, read_later};
use crate::engine::recording::{BufferId, Buffers, Recording};
use crate::error::Result;

/// How far one output of one dispatch differs between two executors.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergence {
    /// Index of the dispatch in the recording.
    pub dispatch: usize,
    /// Its kernel.
    pub kernel: &'static str,
    /// The output binding.
    pub binding: &'static str,
    /// Words that differ.
    pub words: usize,
    /// Index of the worst word, read as f32.
    pub index: usize,
    /// Its value on the executor under test.
    pub got: f32,
    /// Its value on the reference.
    pub want: f32,
}

/// Copies all memory from one executor, which can wait, to another that allocated the same buffers.
pub fn copy_memory(from: &mut dyn Executor, to: &mut dyn Executor, buffers: &Buffers) -> Result<()> {
    pollster::block_on(copy_memory_later(from, to, buffers))
}

/// The same without keeping the thread.
pub async fn copy_memory_later(
    from: &mut dyn Executor,
    to: &mut dyn Executor,
    buffers: &Buffers,
) -> Result<()> {
    for index in 0..buffers.decls.len() {
        let id = BufferId(index as u32);
        let words = read_later(from, id).await?;
        to.write(id, &words)?;
    }
    Ok(())
}

/// Runs a recording dispatch by dispatch on `tested` and on `reference`, each from the memory of `tested`, and reports
/// every output that is not bit-equal. Slow by design.
pub fn check_each(
    tested: &mut dyn Executor,
    reference: &mut dyn Executor,
    buffers: &Buffers,
    recording: &Recording,
) -> Result<Vec<Divergence>> {
    let mut found = Vec::new();
    for index in 0..recording.dispatches.len() {
        let single = Recording { dispatches: vec![recording.dispatches[index].clone()] };
        copy_memory(tested, reference, buffers)?;
        run_once(tested, &single)?;
        run_once(reference, &single)?;
        for (binding, buffer) in recording.outputs(index) {
            let got = tested.read(buffer.id)?;
            let want = reference.read(buffer.id)?;
            let differing: Vec<usize> = (0..got.len()).filter(|i| got[*i] != want[*i]).collect();
            let distance = |i: &usize| (f32::from_bits(got[*i]) - f32::from_bits(want[*i])).abs();
            if let Some(worst) = differing.iter().max_by(|a, b| distance(a).total_cmp(&distance(b))).copied()
            {
                found.push(Divergence {
                    dispatch: index,
                    kernel: recording.dispatches[index].kernel.name,
                    binding,
                    words: differing.len(),
                    index: worst,
                    got: f32::from_bits(got[worst]),
                    want: f32::from_bits(want[worst]),
                });
            }
        }
    }
    Ok(found)
}

/// Runs the first `n` dispatches on `first` and the rest on `second`; the result is in the memory of `second`.
/// Bisecting over `n` finds the dispatch from which two executors disagree.
pub fn switch_at(
    first: &mut dyn Executor,
    second: &mut dyn Executor,
    buffers: &Buffers,
    recording: &Recording,
    n: usize,
) -> Result<()> {
    let (head, tail) = recording.dispatches.split_at(n.min(recording.dispatches.len()));
    run_once(first, &Recording { dispatches: head.to_vec() })?;
    copy_memory(first, second, buffers)?;
    run_once(second, &Recording { dispatches: tail.to_vec() })
}

fn run_once(executor: &mut dyn Executor, recording: &Recording) -> Result<()> {
    let program = executor.prepare(recording)?;
    executor.submit(&[(program, 1)], None)
}
