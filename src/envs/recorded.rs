//! Classic control against Gymnasium 1.4: steps that it recorded, its parameters, and its pictures.

use crate::envs::{self, ActionSpace, Env, Values};
use crate::shared::rng::{Rng, STREAM_STEP};

/// One step of the package from a float32 state.
struct Row {
    what: &'static str,
    state: &'static [f32],
    action: f32,
    next: &'static [f64],
    reward: f64,
    terminated: bool,
}

const fn row(
    what: &'static str,
    state: &'static [f32],
    action: f32,
    next: &'static [f64],
    reward: f64,
    terminated: bool,
) -> Row {
    Row { what, state, action, next, reward, terminated }
}

const MOUNTAIN_CAR: &[Row] = &[
    row("left wall", &[-1.1989005, -0.0053353184], 0.0, &[-1.2, 0.0], -1.0, false),
    row("flag", &[0.48690054, 0.049231734], 2.0, &[0.5368575912, 0.0499570530], -1.0, true),
    row("top speed", &[-1.0573403, 0.06993237], 1.0, &[-0.9873402643, 0.07], -1.0, false),
    row("start", &[-0.51379174, 0.0], 2.0, &[-0.5128652821, 0.00092645784], -1.0, false),
];

const MOUNTAIN_CAR_CONTINUOUS: &[Row] = &[
    row("left wall", &[-1.1951759, -0.04787031], -1.0, &[-1.2, 0.0], -0.1, false),
    row("flag", &[0.43803906, 0.06318236], 1.0, &[0.5020867511, 0.0640476867], 99.9, true),
    row(
        "beyond full throttle",
        &[-0.5495713, -0.0007129747],
        -1.5197101,
        &[-0.5515896537, -0.0020183780],
        -0.2309518678,
        false,
    ),
    row("start", &[-0.50391126, 0.0], 1.0, &[-0.5025588273, 0.0013524294], -0.1, false),
];

const ACROBOT: &[Row] = &[
    row(
        "half a turn",
        &[2.3692865, -2.6811328, -0.16662557, -3.1992104],
        2.0,
        &[2.2229748059, 3.0882845258, -1.2593155444, -1.9034634801],
        -1.0,
        false,
    ),
    row(
        "above the line",
        &[-1.2645999, -1.7096007, -3.4049914, 3.8445535],
        2.0,
        &[-1.8306945448, -0.9559005677, -2.2801288877, 3.5914212265],
        0.0,
        true,
    ),
    row(
        "top speed",
        &[2.0960965, -1.7685354, -8.525378, -8.453216],
        2.0,
        &[-0.4589021261, -1.8418736983, -12.5663706144, 7.7052941266],
        -1.0,
        false,
    ),
];

const PENDULUM: &[Row] = &[
    row(
        "seven turns",
        &[45.92081, -1.6074165],
        0.6206099,
        &[45.8800875882, -0.8144622262],
        -4.0165987210,
        false,
    ),
    row("top speed", &[0.04081431, 7.683127], 2.2424114, &[0.4408143103, 8.0], -5.9087097449, false),
    row(
        "beyond full torque",
        &[0.7919526, 2.3708375],
        -2.214861,
        &[0.9221842170, 2.6046321396],
        -1.1932759582,
        false,
    ),
];

/// Environment, error allowed in each word of the state, steps: four times what numpy's float32 makes of all recorded steps.
const RECORDED: [(&str, &[f64], &[Row]); 4] = [
    ("MountainCar-v0", &[2.3e-7, 2.0e-8], MOUNTAIN_CAR),
    ("MountainCarContinuous-v0", &[2.3e-7, 2.6e-8], MOUNTAIN_CAR_CONTINUOUS),
    ("Acrobot-v1", &[4.4e-6, 6.1e-6, 8.2e-5, 3.0e-4], ACROBOT),
    ("Pendulum-v1", &[7.1e-6, 1.1e-6], PENDULUM),
];

fn with(id: &str, values: &[(&str, &str)]) -> &'static Env {
    let values: Values = values.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    envs::open(id, &values).unwrap()
}

/// Next state, reward, terminated.
fn step(env: &Env, state: &[f32], action: f32, lane: u32) -> (Vec<f32>, f32, bool) {
    let word = match env.actions {
        ActionSpace::Box { .. } => action.to_bits(),
        _ => action as u32,
    };
    let mut words: Vec<u32> = state.iter().map(|x| x.to_bits()).collect();
    let mut rng = Rng::new(3, STREAM_STEP, 0, lane);
    let outcome = env.twin().step(&env.lane_params(0, 1), &mut words, &[word], &mut rng);
    (words.into_iter().map(f32::from_bits).collect(), outcome.reward, outcome.terminated)
}

#[test]
fn recorded_steps_are_met() {
    for (id, bounds, rows) in RECORDED {
        let env = with(id, &[]);
        for row in rows {
            let (next, reward, terminated) = step(env, row.state, row.action, 0);
            for i in 0..bounds.len() {
                let error = (f64::from(next[i]) - row.next[i]).abs();
                assert!(error <= bounds[i], "{id}, {}: word {i} is {}", row.what, next[i]);
            }
            assert!((f64::from(reward) - row.reward).abs() <= 1e-5, "{id}, {}: {reward}", row.what);
            assert_eq!(terminated, row.terminated, "{id}, {}", row.what);
        }
    }
}

#[test]
fn five_torques_span_the_pendulums_range() {
    let (discrete, continuous) = (with("PendulumDiscrete-v1", &[]), with("Pendulum-v1", &[]));
    for action in 0..5u8 {
        let torque = f32::from(action) - 2.0;
        let state = [2.0, -0.5];
        assert_eq!(step(discrete, &state, f32::from(action), 0), step(continuous, &state, torque, 0));
    }
}

#[test]
fn parameters_are_read() {
    let arriving = [0.48690054, 0.049231734];
    assert!(step(with("MountainCar-v0", &[("goal_velocity", "0.049")]), &arriving, 2.0, 0).2);
    assert!(!step(with("MountainCar-v0", &[("goal_velocity", "0.051")]), &arriving, 2.0, 0).2);

    // A pendulum on its side: half the length falls twice as fast, and mass does not matter.
    let fall = |values: &[(&str, &str)]| step(with("Pendulum-v1", values), &[1.5707964, 0.0], 0.0, 0).0[1];
    assert!((fall(&[]) - 0.75).abs() < 1e-6);
    assert!((fall(&[("l", "0.5")]) - 1.5).abs() < 1e-6);
    assert_eq!(fall(&[("m", "3")]), fall(&[]));
    assert!((fall(&[("g", "5")]) - 0.375).abs() < 1e-6);

    // The paper's equations differ where the first link turns; noise changes every step, and by a bounded torque.
    let spinning = [0.3, 1.0, 2.0, 0.0];
    let acrobot = with("Acrobot-v1", &[]);
    assert_ne!(
        step(with("Acrobot-v1", &[("nips", "true")]), &spinning, 1.0, 0),
        step(acrobot, &spinning, 1.0, 0)
    );
    let noisy = with("Acrobot-v1", &[("torque_noise_max", "1")]);
    let speed = |env, action, lane| step(env, &[0.0; 4], action, lane).0[3];
    let (least, most) = (speed(acrobot, 0.0, 0), speed(acrobot, 2.0, 0));
    let speeds: Vec<f32> = (0..200).map(|lane| speed(noisy, 1.0, lane)).collect();
    assert!(speeds.iter().all(|speed| (least..=most).contains(speed)));
    assert!(
        speeds.iter().any(|speed| *speed < 0.8 * least) && speeds.iter().any(|speed| *speed > 0.8 * most)
    );
}

/// A pixel and its colour.
type Spot = (f32, f32, [f32; 3]);

/// Colour at pixel `(x, y)` of Gymnasium's picture, `width` pixels wide.
fn seen(id: &str, state: &[f32], x: f32, y: f32, width: f32) -> [f32; 3] {
    let env = with(id, &[]);
    let words: Vec<u32> = state.iter().map(|x| x.to_bits()).collect();
    let (u, v) = (x / width, y / width * env.draw_aspect);
    let mut colours = [(); 3].map(|_| vec![0.0]);
    env.twin().draw(&env.lane_params(0, 1), &words, &[u], v, &mut colours);
    colours.map(|channel| channel[0])
}

#[test]
fn parts_are_where_gymnasium_draws_them() {
    let (white, black) = ([1.0; 3], [0.0; 3]);
    let (teal, yellow, grey, red) = ([0.0, 0.8, 0.8], [0.8, 0.8, 0.0], [0.502; 3], [0.8, 0.302, 0.302]);
    let cases: [(&str, &[f32], &[Spot]); 4] = [
        (
            "MountainCar-v0",
            &[0.2, 0.0],
            // Car, wheels, flag, its pole, the top of the hill, sky.
            &[
                (454.0, 110.0, black),
                (459.0, 130.0, grey),
                (473.0, 115.0, grey),
                (570.0, 22.0, yellow),
                (566.5, 50.0, black),
                (574.0, 66.7, black),
                (300.0, 100.0, white),
            ],
        ),
        ("MountainCarContinuous-v0", &[-0.5, 0.0], &[(553.0, 25.0, yellow), (233.0, 346.0, black)]),
        (
            "Acrobot-v1",
            &[1.0, -2.0, 0.0, 0.0],
            // The line, the joints, both links, the ground around them.
            &[
                (10.0, 136.4, black),
                (250.0, 250.0, yellow),
                (345.6, 311.4, yellow),
                (298.0, 281.0, teal),
                (298.0, 342.0, teal),
                (250.0, 400.0, white),
            ],
        ),
        (
            "Pendulum-v1",
            &[0.3, 0.0],
            &[(250.0, 250.0, black), (233.0, 196.0, red), (216.5, 141.5, red), (267.0, 196.0, white)],
        ),
    ];
    for (id, state, places) in cases {
        let width = if id.starts_with("Mountain") { 600.0 } else { 500.0 };
        for (x, y, colour) in places {
            assert_eq!(seen(id, state, *x, *y, width), *colour, "{id} at {x}, {y}");
        }
    }
}
