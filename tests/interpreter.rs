//! The interpreter as a witness: kernels without their twins, kernels under the sanitizer, environment files without a driver.

use softq::config::Config;
use softq::engine::cpu::CpuExecutor;
use softq::engine::interpret::Interpreted;
use softq::envs::{self, BUILT_INS, Values};
use softq::gpu::{self, INTERPRETER};
use softq::shared::rng::Rng;
use softq::train::trainer::Trainer;
use softq::verify::{self, Options};

#[test]
fn every_kernel_leaves_the_bits_of_its_twin() {
    let options = Options { cases: 3, exact: true, ..Options::default() };
    let mut executor = CpuExecutor::interpreting();
    let rows = verify::run(&mut executor, &options, &mut |_| Ok(())).expect("runs");
    let failed: Vec<_> = rows.iter().filter(|row| !row.passed).map(|row| &row.name).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(rows.len(), verify::checks().len() + 4);
    assert!(rows.iter().filter_map(|row| row.twin).all(|twin| twin.words > 0 && twin.differing == 0));
}

/// `softq verify --sanitize` runs 25 cases of each.
#[test]
fn no_kernel_has_a_fault_that_is_not_meant() {
    let all = verify::sanitize::run(None, 0, 4, &mut |_| Ok(())).expect("runs");
    for kernel in &all {
        assert_eq!(kernel.faults(), 0, "{}: {:#?}", kernel.name, kernel.findings);
    }
    assert_eq!(all.len(), verify::checks().len());
}

/// The built-in worlds, read as if a user had written them: every function, in every state of random play, bit by bit.
#[test]
fn a_world_as_a_file_does_what_its_twin_in_rust_does() {
    for built_in in BUILT_INS {
        let values: Values =
            built_in.values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let own = envs::find(built_in.id).expect("built in");
        let file = envs::from_source(built_in.file, built_in.source, &values)
            .unwrap_or_else(|error| panic!("{}: {error}", built_in.id));
        let (own_twin, file_twin) = (own.twin(), file.twin.as_deref().expect("interpreted"));
        assert_eq!(own.state_words, file.state_words);
        let params = own.lane_params(5, 1);
        let mut states = [vec![0; own.state_words as usize], vec![0; own.state_words as usize]];
        let mut action = vec![0; own.actions.words()];
        let mut seen = [vec![0.0; own.obs_size as usize], vec![0.0; own.obs_size as usize]];
        let mut ends = 0;
        for step in 0..120 {
            if step == 0 || ends % 7 == 3 {
                let mut rngs = [Rng::new(1, 0, step, 9), Rng::new(1, 0, step, 9)];
                own_twin.reset(&params, &mut states[0], &mut rngs[0]);
                file_twin.reset(&params, &mut states[1], &mut rngs[1]);
                assert_eq!(rngs[0].draw, rngs[1].draw, "{}: reset at {step}", built_in.id);
            }
            own.actions.sample(&mut Rng::new(2, 1, step, 9), &mut action);
            // Given words come before the generator's own.
            let given = [0x1234_5678 + step, 77];
            let mut rngs = [(); 2].map(|()| Rng { given: &given, ..Rng::new(3, 2, step, 9) });
            let a = own_twin.step(&params, &mut states[0], &action, &mut rngs[0]);
            let b = file_twin.step(&params, &mut states[1], &action, &mut rngs[1]);
            let at = format!("{}: step {step}", built_in.id);
            assert_eq!((a.reward.to_bits(), a.terminated), (b.reward.to_bits(), b.terminated), "{at}");
            assert_eq!(rngs[0].draw, rngs[1].draw, "{at}");
            assert_eq!(states[0], states[1], "{at}");
            own_twin.observe(&params, &states[0], &mut seen[0]);
            file_twin.observe(&params, &states[1], &mut seen[1]);
            assert_eq!(seen[0], seen[1], "{at}");
            ends += u32::from(a.terminated);
            for spot in 0..4 {
                let uv = [(step * 7 % 31) as f32 / 31.0, (spot as f32 + 0.37) / 4.0];
                let [a, b] = [own_twin, file_twin].map(|twin| {
                    let mut colours = [(); 3].map(|_| vec![0.0]);
                    twin.draw(&params, &states[0], &uv[..1], uv[1], &mut colours);
                    colours.map(|channel| channel[0])
                });
                assert_eq!(a.map(f32::to_bits), b.map(f32::to_bits), "{at}, {uv:?}");
            }
        }
    }
}

#[test]
fn training_in_a_file_ends_with_the_bits_of_the_built_in_world() {
    let train = |env: &str| {
        let config = Config {
            env: env.into(),
            device: "cpu".into(),
            total_timesteps: 600,
            learning_starts: 200,
            eval_episodes: 2,
            ..Config::default()
        };
        let mut trainer = Trainer::new(&config).expect("trainer");
        trainer.run(&mut |_| Ok(())).expect("trains");
        trainer.weights().expect("weights")
    };
    let [own, file] = ["cartpole", "shaders/envs/cartpole.wgsl"].map(train);
    assert!(!own.is_empty() && own.len() == file.len());
    for (own, file) in own.iter().zip(&file) {
        assert!(own.values.iter().any(|value| *value != 0.0), "{}", own.name);
        assert_eq!(own.values, file.values, "{}", own.name);
    }
}

#[test]
fn the_interpreter_is_a_device() {
    let choice = gpu::choose(INTERPRETER).expect("always there");
    assert!(!choice.hardware && gpu::open(&choice).expect("opens").address() == INTERPRETER);
}

/// Matrices that are no type of the module: what a transposition or a product gives.
#[test]
fn matrices_without_a_name_are_values_too() {
    let text = "
@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1) fn main() {
    let m = mat3x2<f32>(1.0, 2.0, 3.0, 4.0, 5.0, 6.0);
    let turned = transpose(m);
    let product = m * turned;
    y[p[0]] = turned[1].z;
    y[p[1]] = product[0].y;
}";
    let code = Interpreted::of_text("matrices".into(), text.into()).expect("known");
    let mut y = [0; 2];
    code.run(&[0, 1], &mut [&mut y[..]], [1, 1, 1]).expect("runs");
    assert_eq!(y.map(f32::from_bits), [6.0, 44.0]);
}
