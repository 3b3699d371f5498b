//! Still pictures as PNG, alone or several in a grid.
//!
//! ```
//! use softq::report::gif::Frame;
//! use softq::report::png::{grid, write_png};
//!
//! let dir = tempfile::tempdir().expect("a directory");
//! let path = dir.path().join("strip.png");
//! let frame = Frame { width: 2, height: 1, rgb: [200, 0, 0].repeat(2) };
//! // Two rows, with four pixels of grey between the pictures.
//! let strip = grid(&[vec![frame.clone(), frame.clone()], vec![frame]])?;
//! assert_eq!((strip.width, strip.height), (2 + 4 + 2, 1 + 4 + 1));
//! assert_eq!(strip.rgb[..9], [200, 0, 0, 200, 0, 0, 221, 221, 221]);
//! write_png(&path, &strip)?;
//! assert!(std::fs::read(&path).expect("written").starts_with(b"\x89PNG"));
//! # Ok::<(), softq::Error>(())
//! ```

use std::path::Path;

use super::gif::Frame;
use super::write_whole;
use crate::error::{Error, Result};

/// Pixels between the pictures of a grid.
const GAP: usize = 4;
/// Grey of the gaps, which must be told from scenes on white.
const GROUND: u8 = 221;

/// Writes one picture.
pub fn write_png(path: &Path, frame: &Frame) -> Result<()> {
    let bytes = encode(frame).map_err(|error| Error::file("encode", path, error))?;
    write_whole(path, &bytes)
}

fn encode(frame: &Frame) -> std::result::Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, frame.width.into(), frame.height.into());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&frame.rgb)?;
    writer.finish()?;
    Ok(bytes)
}

/// One picture of rows of pictures, all of one size, on grey. Rows may differ in length.
pub fn grid(rows: &[Vec<Frame>]) -> Result<Frame> {
    let Some(first) = rows.iter().flatten().next() else {
        return Err(Error::invalid("pictures", 0, "at least 1", "A strip needs something to show."));
    };
    let (cell_width, cell_height) = (usize::from(first.width), usize::from(first.height));
    if let Some(other) =
        rows.iter().flatten().find(|frame| (frame.width, frame.height) != (first.width, first.height))
    {
        let given = format!("{} x {}", other.width, other.height);
        let allowed = format!("{cell_width} x {cell_height}, as the first");
        return Err(Error::invalid("picture size", given, allowed, "Pictures of a grid are of one size."));
    }
    if first.width == 0 || first.height == 0 {
        let given = format!("{cell_width} x {cell_height}");
        return Err(Error::invalid("picture size", given, "at least 1 x 1", "There is nothing to show."));
    }
    let columns = rows.iter().map(Vec::len).max().unwrap_or(1);
    let size = |cells: usize, cell: usize| cells * (cell + GAP) - GAP;
    let (width, height) = (size(columns, cell_width), size(rows.len(), cell_height));
    let (Ok(small_width), Ok(small_height)) = (u16::try_from(width), u16::try_from(height)) else {
        let hint = "Use fewer or smaller pictures.";
        return Err(Error::invalid("picture size", format!("{width} x {height}"), "below 65,536", hint));
    };
    let mut rgb = vec![GROUND; 3 * width * height];
    for (row, frames) in rows.iter().enumerate() {
        for (column, frame) in frames.iter().enumerate() {
            let corner = row * (cell_height + GAP) * width + column * (cell_width + GAP);
            for (y, pixels) in frame.rgb.chunks_exact(3 * cell_width).enumerate() {
                rgb[3 * (corner + y * width)..][..pixels.len()].copy_from_slice(pixels);
            }
        }
    }
    Ok(Frame { width: small_width, height: small_height, rgb })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(width: u16, height: u16, colour: [u8; 3]) -> Frame {
        Frame { width, height, rgb: colour.repeat(usize::from(width) * usize::from(height)) }
    }

    fn read(path: &Path) -> Frame {
        let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut rgb).unwrap();
        Frame { width: info.width as u16, height: info.height as u16, rgb }
    }

    #[test]
    fn pictures_come_back_and_stand_in_their_cells() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("strip.png");
        let [red, green, blue] = [[200, 0, 0], [0, 200, 0], [0, 0, 200]];
        let rows = vec![vec![plain(3, 2, red), plain(3, 2, green)], vec![plain(3, 2, blue)]];
        let strip = grid(&rows).unwrap();
        assert_eq!((strip.width, strip.height), (10, 8));
        write_png(&path, &strip).unwrap();
        let back = read(&path);
        assert_eq!(back, strip);
        let at = |x: usize, y: usize| &back.rgb[3 * (y * 10 + x)..][..3];
        assert_eq!([at(2, 1), at(7, 0), at(0, 6)], [&red, &green, &blue]);
        assert_eq!([at(3, 0), at(0, 2), at(7, 7)], [[GROUND; 3]; 3], "gaps and empty cells are grey");
    }

    #[test]
    fn empty_and_huge_grids_are_refused() {
        assert!(grid(&[]).unwrap_err().to_string().contains("at least 1"));
        let error = grid(&[vec![plain(40_000, 1, [0; 3]), plain(40_000, 1, [0; 3])]]).unwrap_err();
        assert!(error.to_string().contains("80004 x 1"), "{error}");
        let error = grid(&[vec![plain(3, 2, [0; 3]), plain(2, 2, [0; 3])]]).unwrap_err();
        assert!(error.to_string().contains("3 x 2, as the first"), "{error}");
        let nothing = Frame { width: 0, height: 2, rgb: Vec::new() };
        assert!(grid(&[vec![nothing]]).is_err());
    }
}
