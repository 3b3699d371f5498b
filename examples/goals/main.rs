//! Plays episodes of a run in MultiGoal-v0, counts at which of the four goals they end and in how many steps, and draws where
//! they went, over the soft value that the agent has learned, and its values of actions at three places.
//!
//! `cargo run --release --example goals -- RUN [EPISODES [PICTURE.png]]`

mod network;
mod picture;

use std::path::Path;

use softq::engine::cpu::CpuExecutor;
use softq::train::playback;
use softq::train::saved_run::{SavedRun, Which};

use network::Agent;
use picture::Trajectory;

/// Where the goals are.
pub const GOALS: [[f32; 2]; 4] = [[5.0, 0.0], [0.0, 5.0], [-5.0, 0.0], [0.0, -5.0]];

/// Episodes that are drawn.
const DRAWN: usize = 100;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("give the directory of a run in MultiGoal-v0")?;
    let episodes: u64 = args.next().map_or(Ok(1_000), |text| text.parse())?;
    let picture = args.next();
    let run = SavedRun::load(Path::new(&path), Which::Last)?;
    let mut executor = CpuExecutor::new();
    let (mut reached, mut steps, mut total) = ([0u32; 4], 0, 0.0);
    let mut trajectories: Vec<Trajectory> = Vec::new();
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
        if trajectories.len() < DRAWN {
            let place = |words: &[u32]| [f32::from_bits(words[0]), f32::from_bits(words[1])];
            trajectories.push(episode.states.chunks_exact(2).map(place).collect());
        }
    }
    let missed = episodes - u64::from(reached.iter().sum::<u32>());
    let [right, up, left, down] = reached;
    println!("of {episodes} episodes: right {right}, up {up}, left {left}, down {down}, none {missed}");
    println!(
        "steps {:.1}, return {:.1} in the mean",
        steps as f64 / episodes as f64,
        total / episodes as f64
    );
    if let Some(picture) = picture {
        picture::write(Path::new(&picture), &Agent::load(&run)?, &trajectories)?;
        println!("{picture}: the first {} episodes", trajectories.len());
    }
    Ok(())
}
