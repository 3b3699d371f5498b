//! A chart in a file, by the ending of its name: as the SVG that it is drawn as, or as PNG.
//!
//! The PNG is drawn by `resvg` with a font that is part of the program, so that it is the same on every machine, and has its
//! labels on one that has no fonts. The font is the Latin part of Arimo, whose letters are as wide as those of Helvetica and
//! Arial, which the SVG asks for (`font/OFL.txt` is its licence); letters that it lacks are empty boxes.

use std::path::Path;

use super::write_whole;
use crate::error::{Error, Result};

/// What charts can be written as.
///
/// ```
/// use std::path::Path;
///
/// use softq::report::picture::Format;
///
/// assert_eq!(Format::of(Path::new("runs/curve.SVG"))?, Format::Svg);
/// let error = Format::of(Path::new("curve.jpg")).expect_err("no chart");
/// assert_eq!(error.exit_code(), 2);
/// # Ok::<(), softq::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines and letters, for any size.
    Svg,
    /// Pixels, two for each of the SVG's in either direction.
    #[cfg(feature = "rasterise")]
    Png,
}

impl Format {
    /// By the ending of a file's name, in letters of any case.
    ///
    /// # Errors
    ///
    /// For endings other than `.svg` and `.png`, and for `.png` in a build without the feature `rasterise`.
    pub fn of(path: &Path) -> Result<Format> {
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        let (allowed, hint) = match ending.to_str() {
            Some("svg") => return Ok(Format::Svg),
            #[cfg(feature = "rasterise")]
            Some("png") => return Ok(Format::Png),
            #[cfg(not(feature = "rasterise"))]
            Some("png") => (".svg", "This build lacks the feature `rasterise`, which draws PNG."),
            _ => (".svg or .png", "SVG is sharp at any size, PNG is shown by everything."),
        };
        let allowed = format!("a file name that ends in {allowed}");
        Err(Error::invalid("picture", path.display(), allowed, hint))
    }
}

/// Writes a chart.
pub(super) fn write_chart(path: &Path, svg: &str) -> Result<()> {
    match Format::of(path)? {
        Format::Svg => write_whole(path, svg.as_bytes()),
        #[cfg(feature = "rasterise")]
        Format::Png => write_whole(path, &pixels::png(svg).map_err(|why| Error::file("draw", path, why))?),
    }
}

#[cfg(feature = "rasterise")]
mod pixels {
    use std::sync::Arc;

    use resvg::tiny_skia::{Pixmap, Transform};
    use resvg::usvg::{Options, Tree, fontdb::Database};

    static FONT: &[u8] = include_bytes!("font/arimo-latin-400.ttf");
    const FAMILY: &str = "Arimo";
    /// Pixels for one of the SVG's, as sharp screens have.
    const PIXELS: f32 = 2.0;
    /// Of four bytes each: memory is asked for before anything is drawn.
    const MOST_PIXELS: u64 = 1 << 27;

    /// The bytes of a PNG.
    pub(super) fn png(svg: &str) -> std::result::Result<Vec<u8>, String> {
        let mut fonts = Database::new();
        fonts.load_font_data(FONT.to_vec());
        fonts.set_sans_serif_family(FAMILY);
        let options = Options { fontdb: Arc::new(fonts), ..Options::default() };
        let tree = Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
        let size = tree.size();
        // A cast to u32 saturates.
        let [width, height] = [size.width(), size.height()].map(|side| (PIXELS * side).ceil() as u32);
        let fits = u64::from(width) * u64::from(height) <= MOST_PIXELS;
        let mut pixmap = fits
            .then(|| Pixmap::new(width, height))
            .flatten()
            .ok_or_else(|| format!("{width} x {height} pixels are too many. Draw an SVG, or fewer panels"))?;
        resvg::render(&tree, Transform::from_scale(PIXELS, PIXELS), &mut pixmap.as_mut());
        pixmap.encode_png().map_err(|error| error.to_string())
    }
}

#[cfg(all(test, feature = "rasterise"))]
mod tests {
    use super::*;

    const SVG: &str = "<svg width='100' height='40' viewBox='0 0 400 160' xmlns='http://www.w3.org/2000/svg'>\
        <rect width='400' height='160' fill='#FFFFFF'/><rect width='40' height='160' fill='#D55E00'/>\
        <text x='80' y='120' font-family='Helvetica, Arial, sans-serif' font-size='96' fill='#000000'>IIII</text></svg>";

    /// Size and pixels, as RGBA.
    fn read(path: &Path) -> (u32, u32, Vec<u8>) {
        let file = std::io::BufReader::new(std::fs::File::open(path).expect("a file"));
        let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("pixels");
        assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgba, png::BitDepth::Eight));
        (info.width, info.height, pixels)
    }

    #[test]
    fn the_ending_chooses_and_pixels_come_back() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let file = |name: &str| dir.path().join(name);
        write_chart(&file("a.SVG"), SVG).expect("SVG");
        assert_eq!(std::fs::read_to_string(file("a.SVG")).expect("read"), SVG);
        write_chart(&file("a.Png"), SVG).expect("PNG");
        let (width, height, pixels) = read(&file("a.Png"));
        assert_eq!((width, height), (200, 80));
        let at = |x: usize, y: usize| &pixels[4 * (200 * y + x)..][..4];
        assert_eq!((at(10, 40), at(150, 5)), (&[213, 94, 0, 255][..], &[255; 4][..]));
        // Four stems of letters on a line through their middle: text is drawn, by the font that is built in.
        let dark: Vec<bool> = (20..200).map(|x| at(x, 45)[0] < 128).collect();
        assert_eq!(dark.windows(2).filter(|pair| pair[1] && !pair[0]).count(), 4, "{dark:?}");
    }

    #[test]
    fn other_endings_and_what_cannot_be_drawn_are_refused() {
        let dir = tempfile::tempdir().expect("temporary directory");
        for name in ["a.jpg", "a", "png"] {
            let error = write_chart(&dir.path().join(name), SVG).expect_err(name);
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains("ends in .svg or .png"), "{error}");
        }
        let huge = SVG.replacen("100", "100000000", 1);
        for (svg, reason) in [("<svg", "a.png"), (huge.as_str(), "too many")] {
            let error = write_chart(&dir.path().join("a.png"), svg).expect_err(reason);
            assert!(error.to_string().contains(reason), "{error}");
        }
        assert_eq!(std::fs::read_dir(dir.path()).expect("list").count(), 0);
    }
}
