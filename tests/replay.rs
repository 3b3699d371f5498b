//! Replay: what an n-step window holds, and how often each transition is drawn.
//!
//! A ring is filled with transitions whose observation is their own step number, so that a window tells where it began and
//! where it ended.

use softq::engine::cpu::CpuExecutor;
use softq::engine::executor::{Executor, read_as, write_as};
use softq::engine::recording::{Buffers, Recording};
use softq::kernels::replay_sample;
use softq::shared::agent::{Agent, Lane};
use softq::shared::transition::{GOES_ON, TERMINATED, TRUNCATED, Transition, TransitionLayout};

const GAMMA: f32 = 0.9;
const LAYOUT: TransitionLayout = TransitionLayout { obs_size: 2, obs_bits: 32, action_words: 1 };

/// Lanes, rows per lane, steps taken, window length, batch.
#[derive(Clone, Copy, Debug)]
struct Ring {
    num_lanes: u32,
    rows: u32,
    steps: u32,
    n_step: u32,
    batch: u32,
}

/// One sampled row.
#[derive(Clone, Debug, PartialEq)]
struct Window {
    /// Lane and step of the first transition.
    lane: u32,
    start: u32,
    /// Step of the last one.
    last: u32,
    reward: f32,
    discount: f32,
    action: u32,
    /// Steps of the states between, and the factors of their bonuses.
    between: Vec<(u32, f32)>,
}

/// How the episode ended after `step` of `lane`: every lane has its own rhythm of both kinds.
fn ended(lane: u32, step: u32) -> u32 {
    match (step + 3 * lane) % 11 {
        4 => TERMINATED,
        9 => TRUNCATED,
        _ => GOES_ON,
    }
}

fn reward(lane: u32, step: u32) -> f32 {
    1.0 + 0.25 * step as f32 + 100.0 * lane as f32
}

/// What `replay_sample` draws.
#[derive(Debug, PartialEq)]
struct Drawn {
    obs: Vec<f32>,
    actions: Vec<u32>,
    rewards: Vec<f32>,
    discounts: Vec<f32>,
}

/// Draws from a ring that holds `words` in `layout`.
fn draw(ring: Ring, layout: TransitionLayout, words: &[u32], updates: u32, inputs: u32) -> Drawn {
    let Ring { num_lanes, rows, steps, n_step, batch } = ring;
    let TransitionLayout { obs_size, obs_bits, action_words: heads } = layout;
    let capacity = num_lanes * rows;
    let mut buffers = Buffers::default();
    let agents = buffers.add::<Agent>("agents", 1, "");
    let lanes = buffers.add::<Lane>("lanes", u64::from(num_lanes), "");
    let replay = buffers.add::<u32>("replay", words.len() as u64, "");
    let count = u64::from(batch);
    let batch_obs = buffers.add::<f32>("batch_obs", count * u64::from(obs_size) * u64::from(inputs), "");
    let actions = buffers.add::<u32>("actions", count * u64::from(heads), "");
    let rewards = buffers.add::<f32>("rewards", count, "");
    let discounts = buffers.add::<f32>("discounts", count * u64::from(inputs - 1), "");
    let mut recording = Recording::default();
    let params = replay_sample::Params {
        batch,
        obs_size,
        obs_bits,
        heads,
        capacity,
        num_lanes,
        n_step,
        inputs,
        given_starts: 0,
        stream: 0,
        agents: 1,
    };
    replay_sample::record(
        &mut recording,
        params,
        agents,
        lanes,
        replay,
        batch_obs,
        actions,
        rewards,
        discounts,
    )
    .expect("records");
    let mut cpu = CpuExecutor::new();
    cpu.allocate(&buffers).expect("allocates");
    write_as(&mut cpu, agents.id, &[Agent { seed: 5, gamma: GAMMA, updates, ..Agent::default() }])
        .expect("writes");
    let lane = Lane { step: steps, ..Lane::default() };
    write_as(&mut cpu, lanes.id, &vec![lane; num_lanes as usize]).expect("writes");
    write_as(&mut cpu, replay.id, words).expect("writes");
    let program = cpu.prepare(&recording).expect("prepares");
    cpu.submit(&[(program, 1)], None).expect("runs");
    Drawn {
        obs: read_as(&mut cpu, batch_obs.id).expect("reads"),
        actions: read_as(&mut cpu, actions.id).expect("reads"),
        rewards: read_as(&mut cpu, rewards.id).expect("reads"),
        discounts: read_as(&mut cpu, discounts.id).expect("reads"),
    }
}

/// Observations are `[lane, step]`; the next one of step `s` is `[lane, s + 0.5]`: neither the next row's nor a reset's.
fn sample(ring: Ring, updates: u32, between: bool) -> Vec<Window> {
    let Ring { num_lanes, rows, steps, n_step, batch } = ring;
    let inputs = if between { n_step + 1 } else { 2 };
    let words = LAYOUT.words();
    let mut held = vec![f32::NAN.to_bits(); (num_lanes * rows) as usize * words];
    for step in 0..steps {
        for lane in 0..num_lanes {
            let row = ((step % rows) * num_lanes + lane) as usize;
            let [l, s] = [lane, step].map(|n| n as f32);
            let transition = Transition {
                obs: &[l, s],
                next_obs: &[l, s + 0.5],
                action: &[step],
                reward: reward(lane, step),
                ended: ended(lane, step),
            };
            LAYOUT.store(&mut held[row * words..(row + 1) * words], transition);
        }
    }
    let Drawn { obs, actions, rewards, discounts } = draw(ring, LAYOUT, &held, updates, inputs);
    let at = |input: u32, b: u32| [0, 1].map(|i| obs[((input * batch + b) * 2 + i) as usize]);
    (0..batch)
        .map(|b| {
            let ([lane, start], [last_lane, last]) = (at(0, b), at(1, b));
            assert_eq!(lane, last_lane, "a window stays in its lane");
            assert_eq!(last.fract(), 0.5, "the window ends in a true next observation");
            let between = (2..inputs).map(|input| {
                let factor = discounts[((input - 1) * batch + b) as usize];
                assert_eq!(at(input, b)[0], lane);
                (at(input, b)[1] as u32, factor)
            });
            Window {
                lane: lane as u32,
                start: start as u32,
                last: last as u32,
                reward: rewards[b as usize],
                discount: discounts[b as usize],
                action: actions[b as usize],
                between: between.collect(),
            }
        })
        .collect()
}

/// The window that starts there, from the definition.
fn expected(ring: Ring, lane: u32, start: u32, between: bool) -> Window {
    let (mut reward_sum, mut factor, mut last) = (0.0f64, 1.0f64, start);
    for step in start..(start + ring.n_step).min(ring.steps) {
        reward_sum += factor * f64::from(reward(lane, step));
        factor *= f64::from(GAMMA);
        last = step;
        if ended(lane, step) != GOES_ON {
            break;
        }
    }
    if ended(lane, last) == TERMINATED {
        factor = 0.0;
    }
    let state = |k: u32| match start + k <= last {
        true => (start + k, f64::from(GAMMA).powi(k as i32) as f32),
        false => (last, 0.0),
    };
    let between = if between { (1..ring.n_step).map(state).collect() } else { Vec::new() };
    Window { lane, start, last, reward: reward_sum as f32, discount: factor as f32, action: start, between }
}

fn close(a: f32, b: f32) -> bool {
    (a - b).abs() <= 1e-6 * b.abs()
}

#[test]
fn windows_hold_what_the_definition_says() {
    // Rings that are young, half full, just full, and long since overwritten, with the write head anywhere.
    for (steps, n_step) in
        [(1, 1), (1, 3), (2, 3), (7, 3), (20, 1), (20, 5), (23, 5), (61, 5), (79, 20), (400, 7)]
    {
        for between in [false, true] {
            let ring = Ring { num_lanes: 3, rows: 20, steps, n_step, batch: 512 };
            for window in sample(ring, steps, between) {
                let want = expected(ring, window.lane, window.start, between);
                let same = (window.last, window.action) == (want.last, want.action)
                    && close(window.reward, want.reward)
                    && close(window.discount, want.discount)
                    && window.between.iter().zip(&want.between).all(|(a, b)| a.0 == b.0 && close(a.1, b.1))
                    && window.between.len() == want.between.len();
                assert!(same, "{ring:?}: {window:?}, not {want:?}");
                assert!(window.start + 20 >= steps, "{ring:?}: {window:?} was overwritten");
            }
        }
    }
}

#[test]
fn truncation_bootstraps_from_the_final_observation_and_termination_does_not() {
    let ring = Ring { num_lanes: 1, rows: 40, steps: 40, n_step: 5, batch: 2048 };
    let windows = sample(ring, 1, false);
    // Step 9 ends by the time limit: two steps before it, three are taken.
    let cut = windows.iter().find(|window| window.start == 7).expect("drawn");
    assert_eq!(cut.last, 9);
    assert!(close(cut.discount, GAMMA.powi(3)));
    let terminal = windows.iter().find(|window| window.start == 2).expect("drawn");
    assert_eq!((terminal.last, terminal.discount), (4, 0.0));
}

/// Chi-square of equally likely counts, and its degrees of freedom.
fn chi_square(counts: &[u32]) -> (f64, f64) {
    let mean = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
    (counts.iter().map(|n| (f64::from(*n) - mean).powi(2) / mean).sum(), counts.len() as f64 - 1.0)
}

/// Above this a chi-square has a probability of about 1e-4 (Wilson and Hilferty).
fn limit(freedom: f64) -> f64 {
    let part = 2.0 / (9.0 * freedom);
    freedom * (1.0 - part + 3.72 * part.sqrt()).powi(3)
}

#[test]
fn every_complete_window_is_equally_likely() {
    for (steps, n_step) in [(9, 1), (9, 4), (16, 1), (16, 4), (83, 1), (83, 4), (83, 16)] {
        let ring = Ring { num_lanes: 4, rows: 16, steps, n_step, batch: 4096 };
        let oldest = steps.saturating_sub(16);
        // The newest n_step - 1 steps start none.
        let starts = steps - oldest - (n_step - 1);
        let mut counts = vec![0; (4 * starts) as usize];
        for update in 0..20 {
            for window in sample(ring, update, false) {
                let index = (window.start - oldest) * 4 + window.lane;
                assert!(window.start >= oldest && window.start - oldest < starts, "{ring:?}: {window:?}");
                counts[index as usize] += 1;
            }
        }
        let (statistic, freedom) = chi_square(&counts);
        assert!(counts.len() == 1 || statistic < limit(freedom), "{ring:?}: {statistic} for {freedom}");
    }
}

/// Observations that fit bits or bytes: the batch is the same as from a ring of floats.
#[test]
fn a_ring_of_bits_or_bytes_gives_the_batches_of_one_of_floats() {
    let ring = Ring { num_lanes: 3, rows: 20, steps: 31, n_step: 4, batch: 300 };
    for (obs_bits, levels) in [(1, 1), (8, 255)] {
        for obs_size in [1, 5, 32, 33, 129] {
            let batches = [32, obs_bits].map(|obs_bits| {
                let layout = TransitionLayout { obs_size, obs_bits, action_words: 2 };
                let words = layout.words();
                let mut held = vec![0; 60 * words];
                for (row, transition) in (0u32..).zip(held.chunks_exact_mut(words)) {
                    let element = |i: u32| ((row * 37 + i * i * 11) % (levels + 1)) as f32 / levels as f32;
                    let [obs, next_obs] =
                        [0, 5].map(|by| (0..obs_size).map(|i| element(i + by)).collect::<Vec<f32>>());
                    let (action, reward, ended) = ([row, row + 1], row as f32, ended(row % 3, row / 3));
                    let next_obs = &next_obs;
                    layout.store(
                        transition,
                        Transition { obs: &obs, next_obs, action: &action, reward, ended },
                    );
                }
                draw(ring, layout, &held, 9, 5)
            });
            assert_eq!(batches[0], batches[1], "{obs_size} elements of {obs_bits} bits");
        }
    }
}
