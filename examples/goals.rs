//! Plays episodes of a run in MultiGoal-v0 and counts at which of the four goals they end, and in how many steps.
//!
//! `cargo run --release --example goals -- RUN [EPISODES]`

use std::path::Path;

use softq::engine::cpu::CpuExecutor;
use softq::train::playback;
use softq::train::saved_run::{SavedRun, Which};

const GOALS: [[f32; 2]; 4] = [[5.0, 0.0], [0.0, 5.0], [-5.0, 0.0], [0.0, -5.0]];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("give the directory of a run in MultiGoal-v0")?;
    let episodes: u64 = args.next().map_or(Ok(1_000), |text| text.parse())?;
    let run = SavedRun::load(Path::new(&path), Which::Last)?;
    let mut executor = CpuExecutor::new();
    let (mut reached, mut steps, mut total) = ([0u32; 4], 0, 0.0);
    for seed in 0..episodes {
        // Drawn as the policy draws: a greedy policy would go one way.
        let policy = run.policy(true);
        let episode = playback::play(&run.config, run.env, policy, seed, playback::LONGEST, &mut executor)?;
        let [.., x, y] = episode.states[..] else {
            return Err("the states are not those of MultiGoal-v0".into());
        };
        let [x, y] = [x, y].map(f32::from_bits);
        let at = GOALS.iter().position(|goal| (x - goal[0]).hypot(y - goal[1]) < 1.0);
        if let Some(goal) = at {
            reached[goal] += 1;
        }
        steps += episode.steps();
        total += episode.episode_return();
    }
    let missed = episodes - u64::from(reached.iter().sum::<u32>());
    let [right, up, left, down] = reached;
    println!("of {episodes} episodes: right {right}, up {up}, left {left}, down {down}, none {missed}");
    println!(
        "steps {:.1}, return {:.1} in the mean",
        steps as f64 / episodes as f64,
        total / episodes as f64
    );
    Ok(())
}
