//! Animated GIFs of an agent at work.
//!
//! Scenes are flat-coloured and mostly at rest, and the file uses both facts. All frames share one palette: exact
//! when at most 255 colours occur, otherwise the colours are grouped into 255 boxes of the colour cube. After the
//! first frame only the rectangle that changed is stored, and unchanged pixels inside it are transparent, which
//! leaves long runs of one index for the compressor.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use gif::{DisposalMethod, Encoder, Repeat};

use super::write_whole;
use crate::error::{Error, Result};

type Colour = [u8; 3];

/// A GIF palette has 256 entries; one is kept for "as in the frame before".
const MOST_COLOURS: usize = 255;

/// One picture: `width * height` pixels, row by row from the top left, three bytes each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Pixels per row.
    pub width: u16,
    /// Number of rows.
    pub height: u16,
    /// Red, green, blue of every pixel.
    pub rgb: Vec<u8>,
}

/// Writes the frames as an animation that repeats forever, each shown for `delay_centiseconds`. Most viewers slow
/// delays under 2 down to 10.
///
/// ```
/// use softq::report::gif::{Frame, write_gif};
///
/// let path = std::env::temp_dir().join(format!("softq_frames_{}.gif", std::process::id()));
/// let frame = |grey| Frame { width: 8, height: 8, rgb: vec![grey; 8 * 8 * 3] };
/// write_gif(&path, &[frame(0), frame(255)], 50)?;
/// assert!(std::fs::read(&path).expect("written").starts_with(b"GIF89a"));
/// # std::fs::remove_file(&path).expect("its own");
/// # Ok::<(), softq::Error>(())
/// ```
pub fn write_gif(path: &Path, frames: &[Frame], delay_centiseconds: u16) -> Result<()> {
    let (width, height) = common_size(frames)?;
    let palette = Palette::of(frames);
    let bytes = encode(frames, width, height, &palette, delay_centiseconds)
        .map_err(|error| Error::file("encode", path, error))?;
    write_whole(path, &bytes)
}

fn encode(
    frames: &[Frame],
    width: u16,
    height: u16,
    palette: &Palette,
    delay: u16,
) -> std::result::Result<Vec<u8>, gif::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height, &palette.colours.concat())?;
    encoder.set_repeat(Repeat::Infinite)?;
    let mut before: Option<Vec<u8>> = None;
    for frame in frames {
        let mut indices = Vec::with_capacity(frame.rgb.len() / 3);
        for run in runs(frame) {
            indices.extend(std::iter::repeat_n(palette.index[&run[0]], run.len()));
        }
        let region = match &before {
            Some(before) => Region::changed(before, &indices, usize::from(width)),
            None => Region { left: 0, top: 0, right: usize::from(width), bottom: usize::from(height) },
        };
        encoder.write_frame(&gif::Frame {
            delay,
            dispose: DisposalMethod::Keep,
            transparent: before.is_some().then_some(palette.transparent),
            left: region.left as u16,
            top: region.top as u16,
            width: (region.right - region.left) as u16,
            height: (region.bottom - region.top) as u16,
            buffer: region
                .pixels(before.as_deref(), &indices, usize::from(width), palette.transparent)
                .into(),
            ..gif::Frame::default()
        })?;
        before = Some(indices);
    }
    drop(encoder);
    Ok(bytes)
}

/// Neighbours of one colour, which most are: a lookup for each of these and not for each pixel.
fn runs(frame: &Frame) -> impl Iterator<Item = &[Colour]> {
    frame.rgb.as_chunks().0.chunk_by(|a, b| a == b)
}

/// The size that all frames share.
fn common_size(frames: &[Frame]) -> Result<(u16, u16)> {
    let Some(first) = frames.first() else {
        return Err(Error::invalid("frames", 0, "at least 1", "An animation needs something to show."));
    };
    if first.width == 0 || first.height == 0 {
        let size = format!("{} x {}", first.width, first.height);
        return Err(Error::invalid("frame size", size, "at least 1 x 1", "Ask for a larger picture."));
    }
    for (index, frame) in frames.iter().enumerate() {
        if (frame.width, frame.height) != (first.width, first.height) {
            let size = format!("{} x {} in frame {index}", frame.width, frame.height);
            let allowed = format!("{} x {} as in frame 0", first.width, first.height);
            return Err(Error::invalid("frame size", size, allowed, "All frames of a GIF share one size."));
        }
        let bytes = 3 * usize::from(frame.width) * usize::from(frame.height);
        if frame.rgb.len() != bytes {
            let given = format!("{} bytes in frame {index}", frame.rgb.len());
            let allowed = format!("{bytes} bytes, three per pixel");
            return Err(Error::invalid("rgb", given, allowed, "Fill every pixel of the frame."));
        }
    }
    Ok((first.width, first.height))
}

/// Pixels `left..right` by `top..bottom` of a frame.
#[derive(Debug, PartialEq, Eq)]
struct Region {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Region {
    /// The smallest region that holds every difference; one pixel if there is none, since each frame must show
    /// something to take its time.
    fn changed(before: &[u8], now: &[u8], width: usize) -> Region {
        let mut region = Region { left: width, top: usize::MAX, right: 0, bottom: 0 };
        for (y, (before, now)) in before.chunks(width).zip(now.chunks(width)).enumerate() {
            if let Some(x) = (0..width).find(|x| before[*x] != now[*x]) {
                let last = (x..width).rfind(|x| before[*x] != now[*x]).unwrap_or(x);
                region.left = region.left.min(x);
                region.right = region.right.max(last + 1);
                region.top = region.top.min(y);
                region.bottom = y + 1;
            }
        }
        if region.bottom == 0 { Region { left: 0, top: 0, right: 1, bottom: 1 } } else { region }
    }

    /// The indices to store: those of the new frame where it differs from the one before.
    fn pixels(&self, before: Option<&[u8]>, now: &[u8], width: usize, transparent: u8) -> Vec<u8> {
        let inside = (self.top..self.bottom).flat_map(|y| y * width + self.left..y * width + self.right);
        inside
            .map(|i| match before {
                Some(before) if before[i] == now[i] => transparent,
                _ => now[i],
            })
            .collect()
    }
}

/// The colours of the file and where each colour of the frames went.
struct Palette {
    colours: Vec<Colour>,
    index: HashMap<Colour, u8>,
    transparent: u8,
}

impl Palette {
    fn of(frames: &[Frame]) -> Palette {
        // Ordered, so that the same frames give the same file.
        let mut counts: BTreeMap<Colour, usize> = BTreeMap::new();
        for frame in frames {
            for run in runs(frame) {
                *counts.entry(run[0]).or_default() += run.len();
            }
        }
        let mut colours = Vec::new();
        let mut index = HashMap::new();
        for group in grouped(counts.into_iter().collect()) {
            index.extend(group.iter().map(|(colour, _)| (*colour, colours.len() as u8)));
            // The most common colour and not the mean: backgrounds and bodies keep their exact colour.
            colours.extend(group.iter().max_by_key(|(_, count)| *count).map(|(colour, _)| *colour));
        }
        let transparent = colours.len() as u8;
        colours.push([0; 3]);
        Palette { colours, index, transparent }
    }
}

/// Splits the colours into at most [`MOST_COLOURS`] groups, halving the widest channel range of all groups each
/// time, which bounds the error of every colour however rare it is.
fn grouped(colours: Vec<(Colour, usize)>) -> Vec<Vec<(Colour, usize)>> {
    if colours.len() <= MOST_COLOURS {
        return colours.into_iter().map(|colour| vec![colour]).collect();
    }
    let mut groups = vec![(widest_channel(&colours), colours)];
    while groups.len() < MOST_COLOURS {
        let widest = (0..groups.len()).max_by_key(|i| groups[*i].0.2 - groups[*i].0.1).unwrap_or(0);
        let ((channel, low, high), colours) = groups.swap_remove(widest);
        let middle = low + (high - low) / 2;
        // More colours than groups: the widest group holds at least two, one on each side of the middle.
        let (below, above): (Vec<_>, Vec<_>) = colours.into_iter().partition(|(c, _)| c[channel] <= middle);
        groups.extend([below, above].map(|half| (widest_channel(&half), half)));
    }
    groups.into_iter().map(|(_, colours)| colours).collect()
}

/// The channel with the widest range, and that range, as `(channel, low, high)`.
fn widest_channel(colours: &[(Colour, usize)]) -> (usize, u8, u8) {
    let range = |channel: usize| {
        let values = colours.iter().map(|(colour, _)| colour[channel]);
        (channel, values.clone().min().unwrap_or(0), values.max().unwrap_or(0))
    };
    let [red, green, blue] = [0, 1, 2].map(range);
    [green, red, blue].into_iter().max_by_key(|(_, low, high)| high - low).unwrap_or(red)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(width: u16, height: u16, colour: impl Fn(u16, u16) -> Colour) -> Frame {
        let rgb = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .flat_map(|(x, y)| colour(x, y))
            .collect();
        Frame { width, height, rgb }
    }

    fn write(frames: &[Frame], delay: u16) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("scene.gif");
        write_gif(&path, frames, delay).unwrap();
        std::fs::read(path).unwrap()
    }

    /// Plays the file as a viewer does: each stored rectangle over the canvas, transparent pixels left alone.
    fn play(bytes: &[u8]) -> (Vec<Frame>, Vec<(u16, u16)>) {
        let mut decoder = gif::DecodeOptions::new().read_info(bytes).unwrap();
        assert_eq!(decoder.repeat(), Repeat::Infinite);
        let palette = decoder.global_palette().unwrap().to_vec();
        let (width, height) = (decoder.width(), decoder.height());
        let mut canvas = frame(width, height, |_, _| [1, 2, 3]);
        let (mut frames, mut stored) = (Vec::new(), Vec::new());
        while let Some(part) = decoder.read_next_frame().unwrap() {
            assert!(part.palette.is_none() && part.delay == 4);
            for (i, index) in
                part.buffer.iter().enumerate().filter(|(_, index)| Some(**index) != part.transparent)
            {
                let (x, y) = (i % usize::from(part.width), i / usize::from(part.width));
                let to = 3 * ((y + usize::from(part.top)) * usize::from(width) + x + usize::from(part.left));
                canvas.rgb[to..to + 3].copy_from_slice(&palette[3 * usize::from(*index)..][..3]);
            }
            frames.push(canvas.clone());
            stored.push((part.width, part.height));
        }
        (frames, stored)
    }

    #[test]
    fn few_colours_come_back_exactly() {
        let square = |at: u16| {
            frame(40, 30, move |x, y| match (x, y) {
                (x, y) if (at..at + 6).contains(&x) && (10..15).contains(&y) => [200, 30, at as u8],
                (_, 20) => [0, 0, 0],
                _ => [255, 255, 255],
            })
        };
        let frames = [square(3), square(5), square(5), square(30)];
        let (played, stored) = play(&write(&frames, 4));
        assert_eq!(played, frames);
        assert_eq!(stored, [(40, 30), (8, 5), (1, 1), (31, 5)]);
    }

    #[test]
    fn exactly_255_colours_still_fit() {
        let frames = [frame(255, 1, |x, _| [x as u8, 0, 9]), frame(255, 1, |x, _| [254 - x as u8, 0, 9])];
        assert_eq!(play(&write(&frames, 4)).0, frames);
    }

    #[test]
    fn many_colours_stay_close_and_common_ones_exact() {
        let shaded =
            frame(128, 96, |x, y| if y < 48 { [250, 250, 245] } else { [2 * x as u8, y as u8, 128] });
        let (played, _) = play(&write(std::slice::from_ref(&shaded), 4));
        assert_eq!(played[0].rgb[..3 * 128 * 48], shaded.rgb[..3 * 128 * 48]);
        let worst = played[0].rgb.iter().zip(&shaded.rgb).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(16), "{worst:?}");
    }

    #[test]
    fn bad_frames_are_refused_in_words() {
        let path = Path::new("never-written.gif");
        let refuse = |frames: &[Frame]| write_gif(path, frames, 4).unwrap_err().to_string();
        assert!(refuse(&[]).contains("at least 1"));
        assert!(refuse(&[frame(0, 5, |_, _| [0; 3])]).contains("0 x 5"));
        let white = frame(2, 2, |_, _| [255; 3]);
        assert!(refuse(&[white.clone(), frame(2, 3, |_, _| [0; 3])]).contains("2 x 3 in frame 1"));
        assert!(refuse(&[Frame { rgb: vec![0; 11], ..white }]).contains("12 bytes"));
        assert!(!path.exists());
    }
}
