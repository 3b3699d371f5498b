//! `softq record`: an agent at work as a file: a GIF, a strip of still pictures, or one of them.

use std::io::Write;
use std::path::PathBuf;

use softq::error::{Error, Result};
use softq::report::gif::{Frame, write_gif};
use softq::report::png::{grid, write_png};
use softq::train::checksums;
use softq::train::drawing::{self, height_of};
use softq::train::playback::{Episode, LONGEST};
use softq::train::saved_run::Which;

use super::player::{PlayArgs, Player, returns_text};
use super::say;

/// Arguments of `softq record`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  softq record runs/CartPole-v1__sqn__0__1700000000\n  \
                        softq record runs/CartPole-v1__sqn__0__1700000000 --episodes 3 --strip 8\n  \
                        softq record cartpole --out random.gif")]
pub struct RecordArgs {
    #[command(flatten)]
    play: PlayArgs,
    /// The file [default: agent.gif, strip.png or agent.png in the run directory; of random play ENV.gif, ENV_strip.png or ENV.png here]
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Episodes, one after the other in a GIF, one below the other in a strip
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    episodes: u32,
    /// Width of a picture in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 300, value_parser = clap::value_parser!(u16).range(8..=2000))]
    width: u16,
    /// Instead of a GIF, a PNG of N pictures of each episode side by side
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "8", conflicts_with = "png",
          value_parser = clap::value_parser!(u16).range(1..=100))]
    strip: Option<u16>,
    /// Instead of a GIF, a PNG of the first picture
    #[arg(long, conflicts_with = "episodes")]
    png: bool,
}

impl RecordArgs {
    fn path(&self, player: &Player) -> Result<PathBuf> {
        let (stem, ending) = match (self.strip, self.png) {
            (Some(_), _) => ("strip", "png"),
            (None, true) => ("agent", "png"),
            (None, false) => ("agent", "gif"),
        };
        let name = match player.which() {
            Which::Agent(agent) => format!("{stem}_{agent}.{ending}"),
            Which::Last | Which::Best => format!("{stem}.{ending}"),
        };
        let path = match (&self.out, player.run_dir()) {
            (Some(path), _) => path.clone(),
            (None, Some(dir)) => dir.join(&name),
            // Random play: here, by the name of the environment.
            (None, None) if self.strip.is_some() => format!("{}_{name}", player.env.short).into(),
            (None, None) => format!("{}.{ending}", player.env.short).into(),
        };
        if path.extension().is_none_or(|given| !given.eq_ignore_ascii_case(ending)) {
            let hint = "--strip and --png write a PNG, and otherwise the file is a GIF.";
            let allowed = format!("a path that ends in .{ending}");
            return Err(Error::invalid("--out", path.display(), allowed, hint));
        }
        Ok(path)
    }
}

/// Runs the command.
pub fn record(args: &RecordArgs, out: &mut dyn Write) -> Result<()> {
    let mut player = Player::open(&args.play)?;
    let path = args.path(&player)?;
    let longest = if args.png { 0 } else { LONGEST };
    let episodes =
        (0..args.episodes).map(|number| player.play(number, longest)).collect::<Result<Vec<Episode>>>()?;
    let pictures = match args.strip {
        _ if args.png => {
            let frames = draw(args, &mut player, &episodes[0], &[0])?;
            write_png(&path, &frames[0])?;
            checksums::renew_at(&path)?;
            return say(out, &format!("{}: the first picture of {}\n", path.display(), player.env.id));
        }
        Some(count) => {
            let rows = episodes
                .iter()
                .map(|episode| draw(args, &mut player, episode, &drawing::spread(episode, count.into())))
                .collect::<Result<Vec<_>>>()?;
            write_png(&path, &grid(&rows)?)?;
            rows.iter().map(Vec::len).sum()
        }
        None => animate(args, &mut player, &episodes, &path)?,
    };
    checksums::renew_at(&path)?;
    let returns: Vec<f64> = episodes.iter().map(Episode::episode_return).collect();
    say(
        out,
        &format!(
            "{}: {} with {} actions, {pictures} pictures of {}\n",
            path.display(),
            player.env.id,
            player.policy(),
            returns_text(&returns)
        ),
    )
}

fn draw(args: &RecordArgs, player: &mut Player, episode: &Episode, shown: &[usize]) -> Result<Vec<Frame>> {
    player.draw(episode, shown, [args.width, height_of(player.env, args.width)])
}

/// Writes the GIF; the number of its pictures.
fn animate(
    args: &RecordArgs,
    player: &mut Player,
    episodes: &[Episode],
    path: &std::path::Path,
) -> Result<usize> {
    // All pictures are in memory at once, because they share one palette.
    const MOST_BYTES: usize = 1 << 30;
    let size = 3 * usize::from(args.width) * usize::from(height_of(player.env, args.width));
    let states: usize = episodes.iter().map(Episode::frames).sum();
    let pictures = states / player.env.render_fps.div_ceil(25) as usize;
    if pictures * size > MOST_BYTES {
        return Err(Error::invalid(
            "width and episodes",
            format!("{} and {}, about {pictures} pictures", args.width, args.episodes),
            "together below 1 GiB of pixels",
            "Lower --width or --episodes.",
        ));
    }
    let mut frames = Vec::new();
    let mut delay_cs = 0;
    for episode in episodes {
        let pictures = player.animation(episode, args.width)?;
        frames.extend(pictures.frames);
        delay_cs = pictures.delay_cs;
    }
    write_gif(path, &frames, delay_cs)?;
    Ok(frames.len())
}
