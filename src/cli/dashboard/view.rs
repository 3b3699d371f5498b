//! How the live view looks: rate and progress, curves, the environment, the agents of a population.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, Paragraph, Row, Table};
use softq::config::thousands;
use softq::report::number::beside;
use softq::report::{axis, gif};
use softq::shared::printable;

use super::history::{History, Points};

/// What is shown.
pub struct View<'a> {
    /// Environment, algorithm, seed, device.
    pub title: &'a str,
    /// The numbers.
    pub history: &'a History,
    /// Return at which the environment counts as solved.
    pub threshold: Option<f64>,
    /// The watched environment, at the size that [`picture_size`] asks for.
    pub picture: Option<&'a gif::Frame>,
    /// Whether the run is held.
    pub paused: bool,
}

/// Where everything goes.
struct Places {
    title: Rect,
    gauge: Rect,
    charts: [Rect; 3],
    picture: Rect,
    ranking: Option<Rect>,
    footer: Rect,
}

fn places(area: Rect, agents: usize, warnings: usize) -> Places {
    let rows = [
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1 + warnings as u16),
    ];
    let [title, gauge, body, footer] = Layout::vertical(rows).areas(area);
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(58), Constraint::Percentage(42)]).areas(body);
    let charts = Layout::vertical([
        Constraint::Percentage(40),
        Constraint::Percentage(30),
        Constraint::Percentage(30),
    ])
    .areas(left);
    let (picture, ranking) = match agents > 1 {
        true => {
            let table = (agents as u16 + 3).min(right.height / 2);
            let [picture, table] =
                Layout::vertical([Constraint::Min(0), Constraint::Length(table)]).areas(right);
            (picture, Some(table))
        }
        false => (right, None),
    };
    Places { title, gauge, charts, picture, ranking, footer }
}

/// Pixels, `[width, height]`, of the picture of an environment of this aspect: a column each, and half a row.
pub fn picture_size(area: Rect, agents: usize, warnings: usize, aspect: f32) -> [u16; 2] {
    let Rect { width, height, .. } = places(area, agents, warnings).picture;
    let (columns, rows) = (f32::from(width.saturating_sub(2)), 2.0 * f32::from(height.saturating_sub(2)));
    let width = columns.min(rows * aspect).clamp(1.0, 200.0);
    [width as u16, ((width / aspect / 2.0).round() as u16 * 2).max(2)]
}

impl View<'_> {
    /// Draws everything.
    pub fn draw(&self, frame: &mut Frame) {
        let history = self.history;
        let places = places(frame.area(), history.agents.len(), history.warnings.len());
        frame.render_widget(Line::from(printable::word(self.title)).bold(), places.title);
        self.gauge(frame, places.gauge);
        let [returns, losses, alphas] = places.charts;
        chart(
            frame,
            returns,
            &format!(
                " return {} blue, greedy {} yellow ",
                self.shown(history.latest.episodic_return),
                self.shown(history.evaluations.last().map(|point| point.1))
            ),
            &[
                (&history.returns, Color::Blue, GraphType::Line),
                (&history.evaluations, Color::Yellow, GraphType::Scatter),
            ],
            history,
        );
        let loss = optional(history.latest.td_loss, 4);
        let lines = [(&history.losses, Color::Red, GraphType::Line)];
        chart(frame, losses, &format!(" loss {loss} "), &lines, history);
        let entropy = optional(history.latest.entropy, 3);
        let lines = [
            (&history.alphas, Color::Magenta, GraphType::Line),
            (&history.entropies, Color::Green, GraphType::Line),
        ];
        let title = format!(" alpha {:.4} magenta, entropy {entropy} green ", history.latest.alpha);
        chart(frame, alphas, &title, &lines, history);
        self.picture(frame, places.picture);
        if let Some(area) = places.ranking {
            self.ranking(frame, area);
        }
        self.footer(frame, places.footer);
    }

    fn shown(&self, value: Option<f64>) -> String {
        value.map_or_else(|| "-".into(), |value| beside(value, self.threshold))
    }

    fn gauge(&self, frame: &mut Frame, area: Rect) {
        let (done, total) = (self.history.latest.env_steps, self.history.total.max(1));
        let mut label = format!("{} of {} steps", thousands(done), thousands(total));
        if let Some((steps, updates)) = self.history.rates() {
            label += &format!(
                "  {} steps/s  {} updates/s",
                thousands(steps.round() as u64),
                thousands(updates.round() as u64)
            );
            if steps > 0.0 {
                label += &format!("  {:.0} s left", total.saturating_sub(done) as f64 / steps);
            }
        }
        let ratio = (done as f64 / total as f64).clamp(0.0, 1.0);
        let style = Style::new().fg(Color::Blue).bg(Color::DarkGray);
        frame.render_widget(Gauge::default().ratio(ratio).label(label).gauge_style(style), area);
    }

    fn picture(&self, frame: &mut Frame, area: Rect) {
        let name = if self.history.agents.len() > 1 {
            " first environment of the best agent "
        } else {
            " first environment "
        };
        let block = Block::bordered().title(name);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        match self.picture {
            Some(picture) => frame.render_widget(Paragraph::new(pixels(picture)).centered(), inner),
            None => frame.render_widget(Paragraph::new("no picture: it has no `draw`").dim(), inner),
        }
    }

    fn ranking(&self, frame: &mut Frame, area: Rect) {
        let ranked = self.history.ranking();
        let rows = ranked.iter().enumerate().map(|(rank, (agent, mean))| {
            Row::new([(rank + 1).to_string(), agent.to_string(), beside(*mean, self.threshold)])
        });
        let widths = [Constraint::Length(5), Constraint::Length(6), Constraint::Min(10)];
        let table = Table::new(rows, widths)
            .header(Row::new(["rank", "agent", "greedy return"]).bold())
            .block(Block::bordered().title(" agents by their last evaluation "));
        frame.render_widget(table, area);
    }

    fn footer(&self, frame: &mut Frame, area: Rect) {
        let keys = match self.paused {
            true => "held: p goes on, q ends the run and keeps a checkpoint",
            false => "p holds the run, q ends it and keeps a checkpoint",
        };
        let warnings = self.history.warnings.iter();
        let mut lines: Vec<Line> = warnings
            .map(|text| Line::from(format!("warning: {}", printable::word(text))).fg(Color::Yellow))
            .collect();
        lines.push(Line::from(keys).dim());
        frame.render_widget(Paragraph::new(lines), area);
    }
}

/// Two rows of pixels in a line of half blocks.
fn pixels(picture: &gif::Frame) -> Vec<Line<'static>> {
    let width = usize::from(picture.width).max(1);
    let rows: Vec<&[[u8; 3]]> = picture.rgb.as_chunks::<3>().0.chunks_exact(width).collect();
    let colour = |[red, green, blue]: [u8; 3]| Color::Rgb(red, green, blue);
    let line = |pair: &[&[[u8; 3]]]| -> Line<'static> {
        let (upper, lower) = (pair[0], pair[pair.len() - 1]);
        let cell = |(upper, lower): (&[u8; 3], &[u8; 3])| {
            Span::styled("▀", Style::new().fg(colour(*upper)).bg(colour(*lower)))
        };
        upper.iter().zip(lower).map(cell).collect::<Vec<_>>().into()
    };
    rows.chunks(2).map(line).collect()
}

/// Lines over environment steps, all on one scale.
fn chart(
    frame: &mut Frame,
    area: Rect,
    title: &str,
    lines: &[(&Points, Color, GraphType)],
    history: &History,
) {
    let values = lines.iter().flat_map(|(points, ..)| points.iter().map(|point| point.1));
    let axis = axis::Axis::snapped(values, usize::from(area.height / 4).clamp(1, 4));
    let labels = axis.ticks().into_iter().map(|tick| Span::from(axis.label(tick)));
    let datasets = lines.iter().map(|(points, colour, kind)| {
        let marker = if *kind == GraphType::Scatter { Marker::Dot } else { Marker::Braille };
        Dataset::default().data(points).marker(marker).graph_type(*kind).style(Style::new().fg(*colour))
    });
    let end = (history.latest.env_steps as f64).max(1.0);
    let chart = Chart::new(datasets.collect())
        .block(Block::bordered().title(title.to_owned()))
        .x_axis(Axis::default().bounds([0.0, end]))
        .y_axis(Axis::default().bounds([axis.low, axis.high]).labels(labels));
    frame.render_widget(chart, area);
}

fn optional(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".into(), |v| format!("{v:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use softq::config::Config;
    use softq::train::event::{Evaluation, Event, Progress};
    use softq::train::sinks::curve::Curves;

    fn shown(history: &History, picture: Option<&gif::Frame>, (width, height): (u16, u16)) -> String {
        let view =
            View { title: "CartPole-v1, sqn", history, threshold: Some(475.0), picture, paused: false };
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("terminal");
        terminal.draw(|frame| view.draw(frame)).expect("draw");
        terminal.backend().to_string()
    }

    fn history() -> History {
        let mut history = History::new(
            &Config { eval_episodes: 1, total_timesteps: 4_000, ..Config::default() },
            &Curves::default(),
        );
        for step in 1..=20 {
            history.take(&Event::Progress(Progress {
                env_steps: 100 * step,
                updates: 200 * step,
                wall_s: step as f64 / 10.0,
                episodic_return: Some(10.0 * step as f64),
                td_loss: Some(1.0 / step as f64),
                alpha: 0.2,
                entropy: Some(0.5),
                ..Progress::default()
            }));
        }
        history
    }

    #[test]
    fn everything_has_its_place_on_a_small_terminal() {
        let mut history = history();
        history.take(&Event::Warning("a warning".into()));
        history.take(&Event::Evaluation { env_steps: 2_000, greedy: Evaluation::of_returns([150.0, 250.0]) });
        let picture = gif::Frame { width: 4, height: 4, rgb: vec![200; 48] };
        let text = shown(&history, Some(&picture), (80, 24));
        for part in [
            "CartPole-v1, sqn",
            "2,000 of 4,000 steps",
            "1,000 steps/s  2,000 updates/s  2 s left",
            "return 200.0 blue, greedy 200.0 yellow",
            "loss 0.0500",
            "alpha 0.2000 magenta, entropy 0.500 green",
            "▀▀▀▀",
            "greedy return",
            "250.0",
            "warning: a warning",
            // Ends of the axes: returns are 10 to 200, entropy and alpha 0.2 to 0.5.
            "│200│",
            "│0.5│",
            "q ends it and keeps a checkpoint",
        ] {
            assert!(text.contains(part), "'{part}' is missing:\n{text}");
        }
    }

    #[test]
    fn nothing_breaks_before_the_first_window_or_on_a_tiny_terminal() {
        let empty = History::new(&Config::default(), &Curves::default());
        for size in [(80, 24), (20, 6), (3, 2), (1, 1)] {
            shown(&empty, None, size);
            shown(&history(), None, size);
            let area = Rect::new(0, 0, size.0, size.1);
            let [width, height] = picture_size(area, 3, 1, 1.5);
            assert!(width >= 1 && height >= 2);
        }
        assert_eq!(picture_size(Rect::new(0, 0, 100, 40), 1, 0, 1.0), [40, 40]);
    }
}
