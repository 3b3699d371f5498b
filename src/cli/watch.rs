//! `softq watch`: episodes in the terminal, at the environment's own speed. Where there is no terminal, the last picture
//! of each episode as plain characters.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use softq::error::{Error, Result};
use softq::report::blocks::{self, Colours};
use softq::shared::printable;
use softq::train::drawing;
use softq::train::playback::{Episode, LONGEST};

use super::player::{PlayArgs, Player, number, returns_text};
use super::{put, say};

/// Arguments of `softq watch`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  softq watch runs/CartPole-v1__sqn__0__1700000000 --softmax\n  \
                        softq watch acrobot --speed 2\n  softq watch ./my_env.wgsl --env-param gravity=5")]
pub struct WatchArgs {
    #[command(flatten)]
    play: PlayArgs,
    /// Episodes
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    episodes: u32,
    /// Steps per second [default: the environment's RENDER_FPS]
    #[arg(long, value_name = "X")]
    fps: Option<f64>,
    /// Factor on the speed
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    speed: f64,
    /// Columns of the picture [default: as many as fit, at most 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(4..=500))]
    width: Option<u16>,
    /// Stop each episode after N states
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    frames: Option<u32>,
}

/// Pictures per second that terminals keep up with.
const MOST_PICTURES: f64 = 50.0;
const HIDE_CURSOR: &str = "\x1b[?25l";
const RESTORE: &str = "\x1b[0m\x1b[?25h";

/// Set by Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

/// Runs the command.
pub fn watch(args: &WatchArgs, out: &mut dyn Write) -> Result<()> {
    let mut player = Player::open(&args.play)?;
    let steps_per_s = args.fps.unwrap_or(f64::from(player.env.render_fps)) * args.speed;
    if !(0.01..=10_000.0).contains(&steps_per_s) {
        let hint = format!("{} plays at {} steps per second.", player.env.id, player.env.render_fps);
        return Err(Error::invalid("--fps times --speed", steps_per_s, "0.01 to 10,000", hint));
    }
    let colours = Colours::promised(|name| std::env::var(name).ok());
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    if !std::io::stdout().is_terminal() || dumb {
        return print(args, &mut player, out);
    }
    // Without the handler an interrupt would leave the cursor hidden, so it stays visible then.
    let handled = ctrlc::set_handler(|| {
        // A second Ctrl-C does not wait for the episode that is being played.
        if STOP.swap(true, Ordering::Relaxed) {
            let _ = writeln!(std::io::stderr(), "{RESTORE}");
            std::process::exit(130);
        }
    });
    if handled.is_ok() {
        put(out, HIDE_CURSOR)?;
    }
    let mut screen = Screen::default();
    let returns = animate(args, &mut player, steps_per_s, colours, &mut screen, out);
    put(out, RESTORE)?;
    let returns = returns?;
    // Interrupted in the first episode, there is nothing to sum up.
    if returns.is_empty() { Ok(()) } else { say(out, &format!("{}\n", returns_text(&returns))) }
}

/// The last picture of each episode, once.
fn print(args: &WatchArgs, player: &mut Player, out: &mut dyn Write) -> Result<()> {
    let size = fitting(player.env.draw_aspect, args.width, (60, 40));
    let mut returns = Vec::new();
    for index in 0..args.episodes {
        let episode = player.play(index, longest(args))?;
        let last = episode.steps();
        let frames = player.draw(&episode, &[last], size)?;
        for line in blocks::lines(&frames[0], Colours::None) {
            say(out, &format!("{line}\n"))?;
        }
        say(out, &format!("{}\n\n", status(args, player, index, &episode, last)))?;
        returns.push(episode.episode_return());
    }
    say(out, &format!("{}\n", returns_text(&returns)))
}

/// Plays all episodes on the screen, until Ctrl-C; their returns, the interrupted one's left out.
fn animate(
    args: &WatchArgs,
    player: &mut Player,
    steps_per_s: f64,
    colours: Colours,
    screen: &mut Screen,
    out: &mut dyn Write,
) -> Result<Vec<f64>> {
    /// Pictures drawn ahead: enough to keep both cores busy, few enough to begin at once.
    const AHEAD: usize = 8;
    let stride = (steps_per_s / MOST_PICTURES).ceil().max(1.0);
    let period = Duration::from_secs_f64(stride / steps_per_s);
    let mut returns = Vec::new();
    for index in 0..args.episodes {
        let episode = player.play(index, longest(args))?;
        let (columns, rows) =
            terminal_size::terminal_size().map_or((80, 24), |(columns, rows)| (columns.0, rows.0));
        let size = fitting(player.env.draw_aspect, args.width, (columns, rows));
        let mut due = Instant::now();
        for shown in drawing::every(&episode, stride as usize).chunks(AHEAD) {
            for (frame, at) in player.draw(&episode, shown, size)?.iter().zip(shown) {
                if !wait_until(due) {
                    return Ok(returns);
                }
                let mut lines = blocks::lines(frame, colours);
                let status = status(args, player, index, &episode, *at);
                lines.push(status.chars().take(usize::from(columns).saturating_sub(1)).collect());
                put(out, &screen.update(lines))?;
                // A terminal that cannot keep up shows everything, later.
                due = (due + period).max(Instant::now());
            }
        }
        returns.push(episode.episode_return());
        // The end stays to be seen.
        if !wait_until(due + Duration::from_millis(500)) {
            break;
        }
    }
    Ok(returns)
}

fn longest(args: &WatchArgs) -> u32 {
    args.frames.map_or(LONGEST, |frames| frames - 1)
}

fn status(args: &WatchArgs, player: &Player, index: u32, episode: &Episode, at: usize) -> String {
    let end = if at == episode.steps() && episode.ended { "  end" } else { "" };
    format!(
        "{}  {}  episode {}/{}  step {at}  return {}{end}",
        printable::word(&player.env.id),
        player.policy(),
        index + 1,
        args.episodes,
        number(episode.returns[at])
    )
}

/// Sleeps until `due`; `false` as soon as Ctrl-C was pressed.
fn wait_until(due: Instant) -> bool {
    const SLICE: Duration = Duration::from_millis(50);
    while !STOP.load(Ordering::Relaxed) {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(SLICE));
    }
    false
}

/// The largest picture of this aspect in a terminal, `[width, height]` in pixels: a column each, and half a row. Two rows
/// are left for the status and the cursor.
fn fitting(aspect: f32, width: Option<u16>, (columns, rows): (u16, u16)) -> [u16; 2] {
    let widest = width.unwrap_or(columns.saturating_sub(1).min(100)).max(4);
    let highest = if width.is_some() { 1000.0 } else { 2.0 * f32::from(rows.saturating_sub(2)).max(2.0) };
    let width = f32::from(widest).min(highest * aspect).max(4.0);
    // Whole rows, so that no half line is left over.
    let height = 2.0 * (width / aspect / 2.0).round().max(1.0);
    [width as u16, height as u16]
}

/// What stands on the terminal, so that only lines that change are sent.
#[derive(Debug, Default)]
struct Screen {
    lines: Vec<String>,
}

impl Screen {
    /// The text that replaces what was shown before by `lines`, with the cursor in the line below at the end.
    fn update(&mut self, lines: Vec<String>) -> String {
        let mut text = String::new();
        if !self.lines.is_empty() {
            text += &format!("\x1b[{}A\r", self.lines.len());
        }
        if self.lines.len() != lines.len() {
            text += "\x1b[J";
            self.lines.clear();
        }
        for (index, line) in lines.iter().enumerate() {
            if self.lines.get(index) != Some(line) {
                text += line;
                text += "\x1b[K";
            }
            text += "\r\n";
        }
        self.lines = lines;
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_fit_the_terminal_and_keep_their_shape() {
        assert_eq!(fitting(1.0, None, (80, 24)), [44, 44]);
        assert_eq!(fitting(1.5, None, (80, 24)), [66, 44]);
        assert_eq!(fitting(4.0, None, (80, 24)), [79, 20]);
        assert_eq!(fitting(1.0, None, (300, 100)), [100, 100]);
        assert_eq!(fitting(2.0, Some(30), (20, 5)), [30, 16]);
        assert_eq!(fitting(1.0, None, (1, 1)), [4, 4]);
    }

    #[test]
    fn only_lines_that_change_are_sent() {
        let lines = |all: &[&str]| all.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let mut screen = Screen::default();
        assert_eq!(screen.update(lines(&["a", "b"])), "\x1b[Ja\x1b[K\r\nb\x1b[K\r\n");
        assert_eq!(screen.update(lines(&["a", "c"])), "\x1b[2A\r\r\nc\x1b[K\r\n");
        assert_eq!(screen.update(lines(&["d"])), "\x1b[2A\r\x1b[Jd\x1b[K\r\n");
    }
}
