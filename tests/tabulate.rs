//! Tables of transitions: those of the environments against recorded ones, those of files of the user, and outcomes that
//! few random numbers lead to.

mod common;

use serde_json::Value;
use softq::engine::cpu::CpuExecutor;
use softq::envs::mdp::Outcome;
use softq::envs::tabulate::{Starts, tabulate};
use softq::envs::{self, Values};

#[test]
fn tables_are_those_that_gymnasium_has() {
    for (file, name, values) in [
        ("FrozenLake-v1.jsonl", "FrozenLake-v1", &[][..]),
        ("FrozenLake-v1_is_slippery=False.jsonl", "FrozenLake-v1", &[("is_slippery", "false")]),
        ("FrozenLake8x8-v1.jsonl", "FrozenLake8x8-v1", &[]),
        ("CliffWalking-v1.jsonl", "CliffWalking-v1", &[]),
        ("Taxi-v4.jsonl", "Taxi-v4", &[]),
        ("variants/CliffWalkingSlippery-v1.jsonl", "CliffWalkingSlippery-v1", &[]),
    ] {
        let text =
            std::fs::read_to_string(format!("tests/data/conformance/{file}")).expect("data of the tests");
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let recorded = lines.filter(|line| line["kind"] == "table").collect::<Vec<_>>();
        let [recorded] = &recorded[..] else { panic!("{file} has {} tables", recorded.len()) };
        let values = values.iter().map(|(name, value): &(&str, &str)| ((*name).into(), (*value).into()));
        let env = envs::open(name, &values.collect()).expect("an environment");
        let states = (0..env.obs_size).map(|index| {
            let mut words = vec![0; env.state_words as usize];
            words[0] = index;
            words
        });
        let table =
            tabulate(&mut CpuExecutor::new(), env, Starts::Listed(states.collect())).expect("a table").mdp;
        let want = recorded["P"].as_array().expect("states");
        assert_eq!(table.states as usize, want.len(), "{file}");
        for (state, actions) in (0..).zip(want) {
            for (action, outcomes) in (0..).zip(actions.as_array().expect("actions")) {
                // Outcomes that lead to the same are one here.
                let mut merged: Vec<Outcome> = Vec::new();
                for row in outcomes.as_array().expect("outcomes") {
                    let number = |i: usize| row[i].as_f64().expect("a number");
                    let (next, reward, terminated) = (number(1) as u32, number(2), number(3) != 0.0);
                    let same =
                        |o: &&mut Outcome| (o.next, o.reward, o.terminated) == (next, reward, terminated);
                    match merged.iter_mut().find(same) {
                        Some(outcome) => outcome.probability += number(0),
                        None if number(0) > 0.0 => {
                            merged.push(Outcome { probability: number(0), next, reward, terminated });
                        }
                        None => {}
                    }
                }
                let got = table.row(state, action);
                assert_eq!(got.len(), merged.len(), "{file} P[{state}][{action}]");
                for (got, want) in got.iter().zip(&merged) {
                    assert!(
                        (got.probability - want.probability).abs() < 1e-15,
                        "{file} P[{state}][{action}]"
                    );
                    assert_eq!(
                        Outcome { probability: want.probability, ..*got },
                        *want,
                        "{file} P[{state}][{action}]"
                    );
                }
            }
        }
    }
}

/// A corridor of five cells; a wind of a given strength blows one cell back. The clock is in the state but never seen.
const CORRIDOR: &str = "
const NUM_ACTIONS = 2u;
const OBS_SIZE = 1u;
struct State { cell: u32, clock: u32 }
struct EnvParams { wind: f32 }
const DEFAULT_PARAMS = EnvParams(0.3);
fn reset(rng: ptr<function, Rng>) -> State {
    return State(0u, 0u);
}
fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {
    (*state).clock += 1u;
    let blown = rng_uniform(rng) < env.wind;
    if (action == 1u && !blown) {
        (*state).cell += 1u;
    } else if ((*state).cell > 0u && (action == 0u || blown)) {
        (*state).cell -= 1u;
    }
    return Outcome(select(-0.1, 1.0, (*state).cell == 4u), (*state).cell == 4u);
}
fn observe(state: State) -> array<f32, 1> {
    return array(f32(state.cell));
}
";

#[test]
fn a_file_of_the_user_is_tabulated_by_its_own_step() {
    let Some(choice) = common::gpu() else { return };
    let mut gpu = softq::gpu::open(&choice).expect("device");
    let values = [("wind".to_owned(), "0.25".to_owned())].into();
    let env = envs::from_source("corridor.wgsl", CORRIDOR, &values).expect("an environment");
    let table = tabulate(&mut *gpu, env, Starts::Resets).unwrap_or_else(|error| panic!("{error}"));
    let (mdp, proof) = (table.mdp, table.proof);
    assert_eq!((mdp.states, &mdp.starts), (5, &vec![(0, 1.0)]));
    assert!(proof.is_whole(), "the clock is proven to change nothing: {proof:?}");
    let outcome = |probability, next, reward, terminated| Outcome { probability, next, reward, terminated };
    assert_eq!(mdp.row(0, 0), [outcome(1.0, 0, -0.1, false)]);
    assert_eq!(mdp.row(1, 1), [outcome(0.25, 0, -0.1, false), outcome(0.75, 2, -0.1, false)]);
    assert_eq!(mdp.row(3, 1), [outcome(0.25, 2, -0.1, false), outcome(0.75, 4, 1.0, true)]);
    assert!(mdp.is_end(4));
    // Where the clock decides what happens, cells are not states.
    let hidden = CORRIDOR.replace("action == 1u && !blown", "action == 1u && (*state).clock % 3u != 0u");
    let env = envs::from_source("corridor.wgsl", &hidden, &values).expect("an environment");
    let Err(error) = tabulate(&mut *gpu, env, Starts::Resets) else { panic!("it has no table") };
    assert!(error.to_string().contains("same observation"), "{error}");
}

/// One decision whose reward is up to a body of WGSL; it sees `rng`, `action` and `env.p`.
fn lottery(body: &str) -> String {
    let odds: Vec<&str> = (0..1000).map(|i| if i == 617 { "2.0" } else { "0.0" }).collect();
    let odds = odds.join(", ");
    format!(
        "const OBS_SIZE = 1u;\nconst NUM_ACTIONS = 2u;\nconst MAX_LOOP_ITERATIONS = 64u;\nstruct EnvParams {{ p: f32 }}\n\
         const DEFAULT_PARAMS = EnvParams(0.003);\nconst PRIZES = array(0.0, 5.0, 7.0);\n\
         const ODDS = array<f32, 1000>({odds});\nstruct State {{ done: u32, seen: u32 }}\n\
         fn reset(rng: ptr<function, Rng>) -> State {{ return State(0u, 3u); }}\n\
         fn rare(u: f32) -> bool {{ return u > 0.25 && u < 0.2501; }}\n\
         fn reward(rng: ptr<function, Rng>, action: u32, state: ptr<function, State>) -> f32 {{\n{body}\n}}\n\
         fn step(state: ptr<function, State>, action: u32, rng: ptr<function, Rng>) -> Outcome {{\n\
         let r = reward(rng, action, state);\n(*state).done = 1u;\nreturn Outcome(r, true);\n}}\n\
         fn observe(state: State) -> array<f32, OBS_SIZE> {{ return array<f32, OBS_SIZE>(f32(state.done)); }}\n"
    )
}

/// Outcomes that few random numbers lead to, wherever these lie and however they are reached, are in the table with their
/// probability, and the table is proven.
#[test]
fn rare_outcomes_are_found_and_proven() {
    let Some(choice) = common::gpu() else { return };
    let mut gpu = softq::gpu::open(&choice).expect("device");
    // Mean reward of action 1.
    for (body, want) in [
        ("let u = rng_uniform(rng); return select(0.0, 10.0, u > 0.5 && u < 0.51);", 0.1),
        ("return select(0.0, 1000.0, rng_uniform(rng) < 1e-4);", 0.1),
        ("return select(0.0, 1000.0, rng_uniform(rng) > 1.0 - 1e-4);", 0.1),
        ("return select(0.0, 1.0, rng_uniform(rng) < env.p);", 0.003),
        ("if (rare(rng_uniform(rng))) { return 100.0; } return 0.0;", 0.01),
        ("return select(0.0, 1.0, rng_uniform(rng) * 3.0 > 2.997);", 0.001),
        (
            "let u = rng_uniform(rng); if (u < 0.97) { return 0.0; } if (u < 0.97 + 0.02) { return 1.0; } return 2.0;",
            0.04,
        ),
        ("return PRIZES[min(u32(rng_uniform(rng) * 3.0), 2u)];", 4.0),
        (
            "switch (u32(rng_uniform(rng) * 1000.0)) { case 500u: { return 50.0; } default: { return 0.0; } }",
            0.05,
        ),
        ("return select(0.0, 100.0, rng_u32(rng) % 100u == 7u);", 1.0),
        ("return select(0.0, 1.0, (rng_u32(rng) & 255u) == 3u);", 1.0 / 256.0),
        ("return select(0.0, 1.0, rng_u32(rng) < 4294967u);", 0.001),
        ("return select(0.0, 1.0, abs(rng_uniform(rng) - 0.5) < 0.001);", 0.002),
        ("return f32(action) * select(0.0, 1.0, fract(rng_uniform(rng) * 4.0) < 0.01);", 0.01),
        ("let u = rng_uniform(rng); return select(0.0, 1.0, u * u < 0.0001);", 0.01),
        ("return select(0.0, 1.0, f32((*state).seen) * rng_uniform(rng) < 0.003 * f32(action));", 0.001),
        ("return select(0.0, 1.0, rng_uniform(rng) < 0.1 && rng_uniform(rng) < 0.1);", 0.01),
        (
            "var n = 0.0; for (var i = 0u; i < 2u; i++) { if (rng_uniform(rng) > 0.99) { n += 1.0; } } return n;",
            0.02,
        ),
        // Changes along two random numbers, and more of them than a division box by box would find.
        (
            "return select(0.0, 1.0, u32(rng_uniform(rng) * 6.0) + u32(rng_uniform(rng) * 6.0) == 10u);",
            1.0 / 36.0,
        ),
        (
            "return f32(u32(rng_uniform(rng) * 6.0) + u32(rng_uniform(rng) * 6.0) + u32(rng_uniform(rng) * 6.0));",
            7.5,
        ),
        ("return ODDS[u32(rng_uniform(rng) * 1000.0)];", 0.002),
        ("let v = vec2f(rng_uniform(rng), 0.5); return select(0.0, 1.0, all(v < vec2f(0.002, 1.0)));", 0.002),
    ] {
        let env = envs::from_source("lottery.wgsl", &lottery(body), &Values::new()).expect("an environment");
        let table =
            tabulate(&mut *gpu, env, Starts::Resets).unwrap_or_else(|error| panic!("{body}: {error}"));
        let row = table.mdp.row(0, 1);
        let got: f64 = row.iter().map(|outcome| outcome.probability * outcome.reward).sum();
        assert!((got - want).abs() < 1e-6 + 2e-4 * want, "{body}: {got} instead of {want}");
        assert!(table.proof.is_whole(), "{body}: {:?}", table.proof);
    }
}

/// Files in which 1% of the steps pay 10, or 0.01% pay 1000.
#[test]
fn the_mean_reward_of_rare_prizes_is_exact() {
    let Some(choice) = common::gpu() else { return };
    let mut gpu = softq::gpu::open(&choice).expect("device");
    for name in ["s_mid2", "s_tail"] {
        let path = format!("{}/tests/data/worlds/{name}.wgsl", env!("CARGO_MANIFEST_DIR"));
        let env = envs::open(&path, &Values::new()).expect("an environment");
        let table = tabulate(&mut *gpu, env, Starts::Resets).expect("a table");
        let row = table.mdp.row(0, 0);
        let got: f64 = row.iter().map(|outcome| outcome.probability * outcome.reward).sum();
        // A uniform number has 23 bits.
        assert!((got - 0.1).abs() < 1e-4, "{name}: {got}");
        assert!(table.proof.is_whole(), "{name}: {:?}", table.proof);
    }
}

/// Where there is no proof, the table says so, and why.
#[test]
fn what_is_not_proven_is_said() {
    let Some(choice) = common::gpu() else { return };
    let mut gpu = softq::gpu::open(&choice).expect("device");
    // The sine rises and falls between any two numbers that are not next to each other.
    let body = "return select(0.0, 1.0, sin(rng_uniform(rng) * 20000.0) > 2.0);";
    let env = envs::from_source("lottery.wgsl", &lottery(body), &Values::new()).expect("an environment");
    let table = tabulate(&mut *gpu, env, Starts::Resets).unwrap_or_else(|error| panic!("{error}"));
    assert!(!table.proof.is_whole() && table.proof.missing > 0.0, "{:?}", table.proof);
    assert!(table.proof.why.is_some());
    // The edge is a curve in the plane of two numbers: known but for a small share.
    let body = "return select(0.0, 1.0, rng_uniform(rng) * rng_uniform(rng) > 0.99);";
    let env = envs::from_source("lottery.wgsl", &lottery(body), &Values::new()).expect("an environment");
    let table = tabulate(&mut *gpu, env, Starts::Resets).unwrap_or_else(|error| panic!("{error}"));
    assert!(table.proof.missing > 0.0 && table.proof.missing < 1e-5, "{:?}", table.proof);
    // The integral of 1 - 0.99 / u over u.
    let want = 0.01 + 0.99 * 0.99f64.ln();
    let share = table
        .mdp
        .row(0, 0)
        .iter()
        .filter(|outcome| outcome.reward == 1.0)
        .map(|o| o.probability)
        .sum::<f64>();
    assert!((share - want).abs() <= table.proof.missing + 2e-7, "{share} {want} {:?}", table.proof);
    let many = lottery("return rng_uniform(rng);");
    let env = envs::from_source("lottery.wgsl", &many, &Values::new()).expect("an environment");
    let Err(error) = tabulate(&mut *gpu, env, Starts::Resets) else { panic!("it has no table") };
    assert!(error.to_string().contains("more than its first random numbers"), "{error}");
}

/// Starts that few random numbers lead to are known with their probability; where they are counted, that is said.
#[test]
fn rare_starts_are_found_and_proven() {
    let Some(choice) = common::gpu() else { return };
    let mut gpu = softq::gpu::open(&choice).expect("device");
    let mut starts = |body: &str| {
        let world = lottery("return 0.0;").replace("return State(0u, 3u);", body);
        let env = envs::from_source("lottery.wgsl", &world, &Values::new()).expect("an environment");
        let table =
            tabulate(&mut *gpu, env, Starts::Resets).unwrap_or_else(|error| panic!("{body}: {error}"));
        (table.mdp.starts, table.proof)
    };
    let (rare, proof) = starts("return State(u32(rng_uniform(rng) < 1e-5) * 2u, 3u);");
    assert!(proof.is_whole() && rare.len() == 2, "{proof:?}");
    assert!(rare.iter().any(|(_, share)| (share - 1e-5).abs() < 1.2e-7), "{rare:?}");
    let (pairs, proof) =
        starts("return State(2u * u32(rng_uniform(rng) * 20.0) + 40u * u32(rng_uniform(rng) * 20.0), 3u);");
    assert!(proof.is_whole() && pairs.len() == 400, "{} starts, {proof:?}", pairs.len());
    assert!(pairs.iter().all(|(_, share)| (share - 1.0 / 400.0).abs() < 1e-6));
    let (_, proof) = starts(
        "var n = 0u; for (var i = 0u; i < 6u; i++) { n += u32(rng_uniform(rng) < 0.5); } return State(2u * n, 3u);",
    );
    assert!(proof.starts_sampled && !proof.is_whole());
}
