//! More than one driver: every usable adapter of this machine besides the default one runs the checks of `softq verify`.

mod common;

use std::time::Instant;

use softq::Error;
use softq::engine::cpu::CpuExecutor;
use softq::engine::executor::{Executor, Grain};
use softq::engine::recording::{BufferId, Buffers, Recording};
use softq::gpu;
use softq::kernels::log_softmax;
use softq::verify::{self, Options};

#[test]
fn every_other_usable_adapter_passes_the_checks() {
    let Some(default) = common::gpu() else { return };
    let adapters = gpu::adapters();
    let others = adapters.iter().filter(|adapter| adapter.address != default.address);
    for adapter in others {
        if let Some(reason) = &adapter.unusable {
            eprintln!("{} LEFT OUT: {reason}", adapter.describe());
            continue;
        }
        let choice = gpu::choose(&adapter.address).expect("a usable adapter can be chosen");
        let mut executor = gpu::open(&choice).expect("a usable adapter opens");
        let options = Options { cases: 30, ..Options::default() };
        let mut differing = 0;
        let rows = verify::run(executor.as_mut(), &options, &mut |row| {
            differing += row.twin.map_or(0, |errors| errors.differing);
            Ok(())
        })
        .expect("the checks run");
        eprintln!("{}: {differing} words differ from the CPU twins", adapter.describe());
        for row in rows {
            assert!(row.passed, "{}: {}: {:?}", adapter.address, row.name, row.failures);
        }
    }
}

#[test]
fn submissions_are_timed_by_the_devices_clock_without_waiting_for_it() {
    const ROWS: u32 = 20_000;
    const ACTIONS: u32 = 18;
    let Some(default) = common::gpu() else { return };
    let mut executor = gpu::open(&default).expect("the device opens");
    assert_eq!(executor.metered(), None, "nobody has asked for times");
    let mut buffers = Buffers::default();
    let [q, log_probs, probs] =
        ["q", "log_probs", "probs"].map(|name| buffers.add::<f32>(name, u64::from(ROWS * ACTIONS), ""));
    let [alphas, entropies, values] =
        ["alphas", "entropies", "values"].map(|name| buffers.add::<f32>(name, u64::from(ROWS), ""));
    let greedy = buffers.add::<u32>("greedy", u64::from(ROWS), "");
    let mut recording = Recording::default();
    let params = log_softmax::Params { rows: ROWS, actions: ACTIONS };
    log_softmax::record(&mut recording, params, q, alphas, log_probs, entropies, values, probs, greedy)
        .expect("recorded");
    executor.allocate(&buffers).expect("memory");
    let program = executor.prepare(&recording).expect("compiled");
    if !executor.meter() {
        eprintln!("{} HAS NO TIMESTAMPS: NOTHING IS TIMED", default.adapter);
        return;
    }
    let begun = Instant::now();
    let mut submit = |times: u32| {
        for _ in 0..times {
            executor.submit(&[(program, 4)], Some(greedy.id)).expect("submitted");
        }
        executor.wait().expect("done");
        executor.collect().expect("collected");
        executor.metered().expect("it has a clock")
    };
    // More than are under way at once, so that timestamps are used again.
    let some = submit(3);
    let more = submit(20);
    assert!(!some.is_zero());
    assert!(more > some, "{more:?} after {some:?}");
    assert!(more < begun.elapsed(), "{more:?} of {:?}", begun.elapsed());
}

#[test]
fn what_is_not_there_is_refused_alike_by_both_executors() {
    let Some(choice) = common::gpu() else { return };
    let gpu = gpu::open(&choice).expect("opens");
    let cpu: Box<dyn Executor> = Box::new(CpuExecutor::new());
    let refusals = [gpu, cpu].map(|mut executor| {
        let mut buffers = Buffers::default();
        let word = buffers.add::<u32>("word", 1, "").id;
        executor.allocate(&buffers).expect("room for a word");
        let earlier = executor.prepare(&Recording::default()).expect("nothing");
        executor.allocate(&buffers).expect("room for a word");
        let nowhere = BufferId(9_999);
        let refused: [Result<(), Error>; 6] = [
            executor.read(nowhere).map(drop),
            executor.write(nowhere, &[1]),
            executor.write_at(word, 1, &[1]),
            executor.request(nowhere),
            executor.submit(&[(earlier, 1)], None),
            executor.clocked(&[(earlier, 1)], Grain::Submission).map(drop),
        ];
        let texts = refused.map(|refused| refused.expect_err("nothing is there").to_string());
        executor.write(word, &[7]).expect("the executor goes on");
        assert_eq!(executor.read(word).expect("read"), [7]);
        texts
    });
    assert_eq!(refusals[0], refusals[1]);
}
