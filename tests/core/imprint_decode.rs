//! The decoders against hostile files: a typed error, no panic, bounded memory and time.

use proptest::prelude::*;
use sealcore::Error;
use sealcore::imprint::{self, Image, MAX_PIXELS, MAX_SIDE};
use std::path::PathBuf;
use support::pictures::{chunk, lines, png, stored};

fn reason(file: &[u8]) -> &'static str {
    match Image::decode(file) {
        Err(Error::InvalidImage { reason }) => reason,
        other => panic!("expected InvalidImage, got {other:?}"),
    }
}

fn jpegs() -> Vec<(String, Vec<u8>)> {
    let folder: PathBuf = support::vectors().join("imprint");
    ["baseline", "baseline-420-restart", "progressive", "grey", "cmyk"]
        .map(|name| (name.to_owned(), std::fs::read(folder.join(format!("{name}.jpg"))).expect(name)))
        .into()
}

fn files() -> Vec<(String, Vec<u8>)> {
    let folder: PathBuf = support::vectors().join("imprint");
    let others = ["rgb.bmp", "rgb-lzw.tif", "fax4.tif", "grey-deflate.tif"];
    let read = |name: &str| (name.to_owned(), std::fs::read(folder.join(name)).expect(name));
    jpegs().into_iter().chain(others.map(read)).collect()
}

fn near(a: [u8; 3], b: [u8; 3], tolerance: u8) -> bool {
    a.iter().zip(b).all(|(&a, b)| a.abs_diff(b) <= tolerance)
}

#[test]
fn every_colour_type_and_depth_of_png() {
    let palette = chunk(b"PLTE", &[255, 0, 0, 0, 0, 255]);
    let clear_second = chunk(b"tRNS", &[255, 0]);
    let resolution = chunk(b"pHYs", &[0, 0, 46, 35, 0, 0, 46, 35, 1]);
    let red = [255, 0, 0];
    // Depth, colour type, extra chunks, the two pixels of a line, channels, what they look like.
    #[allow(clippy::type_complexity, reason = "a table")]
    let cases: &[(u8, u8, Vec<Vec<u8>>, &[u8], u8, [[u8; 3]; 2])] = &[
        (1, 0, vec![], &[0b0100_0000], 1, [[0; 3], [255; 3]]),
        (2, 0, vec![], &[0b0110_0000], 1, [[85; 3], [170; 3]]),
        (4, 0, vec![], &[0x0f], 1, [[0; 3], [255; 3]]),
        (8, 0, vec![], &[7, 200], 1, [[7; 3], [200; 3]]),
        (16, 0, vec![], &[7, 255, 200, 0], 1, [[7; 3], [200; 3]]),
        (8, 2, vec![], &[255, 0, 0, 1, 2, 3], 3, [red, [1, 2, 3]]),
        (16, 2, vec![], &[255, 9, 0, 9, 0, 9, 1, 9, 2, 9, 3, 9], 3, [red, [1, 2, 3]]),
        (1, 3, vec![palette.clone()], &[0b0100_0000], 3, [red, [0, 0, 255]]),
        (8, 3, vec![palette.clone(), clear_second], &[0, 1], 4, [red, [255; 3]]),
        (8, 4, vec![], &[10, 255, 10, 0], 4, [[10; 3], [255; 3]]),
        (8, 6, vec![], &[255, 0, 0, 255, 0, 0, 0, 128], 4, [red, [127; 3]]),
        (16, 6, vec![resolution], &[255, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0], 4, [red, [255; 3]]),
    ];
    for (depth, colour, extra, line, channels, looks) in cases {
        let file = png(2, 2, *depth, *colour, extra, &lines(line.len(), &[*line, *line].concat()));
        let image = Image::decode(&file).unwrap_or_else(|e| panic!("depth {depth} colour {colour}: {e}"));
        assert_eq!(
            (image.width(), image.height(), image.channels()),
            (2, 2, *channels),
            "depth {depth} colour {colour}"
        );
        for y in 0..2 {
            assert_eq!([image.pixel(0, y), image.pixel(1, y)], *looks, "depth {depth} colour {colour}");
        }
        assert_eq!(image.pixels_per_metre(), (*depth == 16 && *colour == 6).then_some(11_811));
    }
}

#[test]
fn every_kind_of_jpeg() {
    for (name, file) in jpegs() {
        let image = Image::decode(&file).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((image.width(), image.height()), (37, 29), "{name}");
        assert_eq!(image.channels(), if name == "grey" { 1 } else { 3 }, "{name}");
        // Paper, the red ring, the blue block.
        assert!(near(image.pixel(18, 12), [255; 3], 25), "{name}: {:?}", image.pixel(18, 12));
        if name != "grey" {
            assert!(near(image.pixel(5, 14), [200, 20, 20], 60), "{name}: {:?}", image.pixel(5, 14));
            assert!(near(image.pixel(32, 24), [20, 30, 200], 60), "{name}: {:?}", image.pixel(32, 24));
        }
        let resolution = match name.as_str() {
            "baseline" => Some(11_811),
            "grey" => Some(23_622),
            _ => None,
        };
        assert_eq!(image.pixels_per_metre(), resolution, "{name}");
    }
}

#[test]
fn a_file_cut_at_any_length_is_refused() {
    let line: Vec<u8> = (0..24).collect();
    let whole = png(8, 8, 8, 2, &[], &lines(24, &line.repeat(8)));
    assert!(Image::decode(&whole).is_ok());
    for length in 0..whole.len() {
        // Without the closing chunk's checksum the pixels are whole, and so is the verdict: damaged.
        assert!(reason(&whole[..length]).contains("PNG"), "PNG of {length} bytes");
    }
    for (name, file) in jpegs() {
        for length in 0..file.len() - 2 {
            assert!(!reason(&file[..length]).is_empty(), "{name} of {length} bytes");
        }
    }
}

#[test]
fn a_changed_byte_is_an_error_or_another_picture_never_a_panic() {
    let line: Vec<u8> = (0..24).collect();
    let mut files = jpegs();
    files.push(("png".into(), png(8, 8, 8, 2, &[], &lines(24, &line.repeat(8)))));
    for (name, file) in files {
        for at in 0..file.len() {
            for value in [0, 0xff, file[at] ^ 1, file[at] ^ 0x80, file[at].wrapping_add(1)] {
                let mut changed = file.clone();
                changed[at] = value;
                match Image::decode(&changed) {
                    Ok(image) => assert!(u64::from(image.width()) * u64::from(image.height()) <= MAX_PIXELS, "{name}"),
                    Err(Error::InvalidImage { .. }) => {}
                    Err(other) => panic!("{name}: byte {at} = {value}: {other:?}"),
                }
            }
        }
    }
}

#[test]
fn bounds_are_checked_before_memory_is_taken() {
    // 64 gigapixels in 60 bytes of file.
    for (width, height, says) in [
        (0, 10, "damaged"),
        (10, 0, "damaged"),
        (u32::MAX, 1, "20,000"),
        (MAX_SIDE + 1, 1, "20,000"),
        (1, MAX_SIDE + 1, "20,000"),
        (MAX_SIDE, MAX_SIDE, "40 million"),
        (20_000, 2_001, "40 million"),
    ] {
        let text = reason(&png(width, height, 8, 6, &[], &[]));
        assert!(text.contains(says), "{width} x {height}: {text}");
    }
    // Within the bounds, but the data is not there.
    assert!(reason(&png(6_000, 6_000, 8, 6, &[], &[0; 100])).contains("PNG"));
    for (width, height) in [(65_535u16, 65_535u16), (20_001, 8), (20_000, 20_000), (0, 8)] {
        let (_, mut file) = jpegs().swap_remove(0);
        let frame = file.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a frame");
        file[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
        file[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
        assert!(!reason(&file).is_empty(), "{width} x {height}");
    }
}

#[test]
fn compressed_data_beyond_the_picture_is_not_unpacked() {
    // A small picture followed by 64 MiB of zeros in the same stream: the extra lines are never taken.
    let mut data = lines(24, &[9; 24 * 8]);
    data.resize(64 << 20, 0);
    let file = png(8, 8, 8, 2, &[], &data);
    match Image::decode(&file) {
        Ok(image) => assert_eq!(image.pixels().len(), 8 * 8 * 3),
        Err(error) => assert!(matches!(error, Error::InvalidImage { .. })),
    }
    // Text chunks that would unpack to much memory are skipped, not unpacked.
    let bomb = [b"k\0\0".to_vec(), stored(&vec![b' '; 4 << 20])].concat();
    let file = png(8, 8, 8, 2, &[chunk(b"zTXt", &bomb)], &lines(24, &[9; 24 * 8]));
    assert!(Image::decode(&file).is_ok());
    // A JPEG that repeats its scan a thousand times is refused, not decoded a thousand times.
    let (_, file) = jpegs().swap_remove(2);
    let scan = file.windows(2).position(|pair| pair == [0xff, 0xda]).expect("a scan");
    let mut repeated = file[..scan].to_vec();
    (0..1000).for_each(|_| repeated.extend_from_slice(&file[scan..file.len() - 2]));
    repeated.extend_from_slice(&[0xff, 0xd9]);
    assert!(!reason(&repeated).is_empty());
}

#[test]
fn other_files_are_named() {
    for file in [&b""[..], b"\x89PN", b"GIF89a", b"%PDF-1.7", b"\xff\xd8"] {
        assert_eq!(reason(file), "neither a PNG nor a JPEG, BMP or TIFF file");
    }
    assert!(reason(b"BM").contains("BMP"));
    assert!(reason(b"II*\0").contains("TIFF"));
}

#[test]
fn raw_pixels_are_checked() {
    for (width, height, channels, length) in
        [(0, 1, 3, 0), (1, 0, 3, 0), (2, 2, 3, 11), (2, 2, 3, 13), (2, 2, 2, 8), (2, 2, 0, 0), (20_001, 1, 1, 20_001)]
    {
        assert!(
            matches!(
                Image::from_pixels(width, height, channels, None, vec![0; length]),
                Err(Error::InvalidImage { .. })
            ),
            "{width} x {height} x {channels}"
        );
    }
    assert!(Image::check_bounds(5_000, 8_000).is_ok());
    assert!(Image::check_bounds(5_000, 8_001).is_err());
}

#[test]
fn every_kind_of_bmp_and_tiff() {
    let folder: PathBuf = support::vectors().join("imprint");
    let read = |name: &str| std::fs::read(folder.join(name)).expect(name);
    let (rgb, grey, white) =
        ([[0; 3], [243, 228, 1], [200, 20, 30]], [[0; 3], [207; 3], [75; 3]], [[0; 3], [255; 3], [0; 3]]);
    for (name, channels, looks) in [
        ("rgb.bmp", 3, rgb),
        ("rgba.bmp", 4, rgb),
        ("grey.bmp", 3, grey),
        ("one.bmp", 3, white),
        ("palette.bmp", 3, [[21, 63, 12], [212, 198, 126], [206, 17, 26]]),
        ("rgb-raw.tif", 3, rgb),
        ("rgb-lzw.tif", 3, rgb),
        ("cmyk.tif", 3, rgb),
        ("grey-deflate.tif", 1, grey),
        ("grey16.tif", 1, grey),
        ("fax4.tif", 1, white),
    ] {
        let image = Image::decode(&read(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((image.width(), image.height(), image.channels()), (28, 20, channels), "{name}");
        assert_eq!([image.pixel(0, 0), image.pixel(27, 19), image.pixel(7, 6)], looks, "{name}");
        assert!(
            image.pixels_per_metre().is_some_and(|p| p.abs_diff(11_811) < 2),
            "{name}: {:?}",
            image.pixels_per_metre()
        );
        assert_eq!(Image::count_pages(&read(name)), Ok(1), "{name}");
        assert!(Image::decode_page(&read(name), 1).is_err(), "{name} has one page");
    }
    let pages = read("pages.tif");
    assert_eq!(Image::count_pages(&pages), Ok(3));
    let kinds = [0, 1, 2].map(|page| Image::decode_page(&pages, page).unwrap().channels());
    assert_eq!(kinds, [3, 1, 1]);
    assert!(reason(&read("palette-packbits.tif")).contains("palette"));
    assert!(reason(&read("rgb-jpeg.tif")).contains("JPEG"));
    // A directory that is its own successor.
    let mut circle = read("rgb-raw.tif");
    let at = u32::from_le_bytes(circle[4..8].try_into().unwrap()) as usize;
    let entries = usize::from(u16::from_le_bytes([circle[at], circle[at + 1]]));
    let next = at + 2 + entries * 12;
    circle[next..next + 4].copy_from_slice(&(at as u32).to_le_bytes());
    assert!(Image::count_pages(&circle).is_err());
}

#[test]
fn resolutions_that_nobody_measured_are_unknown() {
    let mut bmp = std::fs::read(support::vectors().join("imprint/rgb.bmp")).unwrap();
    for (pixels_per_metre, known) in [(2_835u32, false), (3_780, false), (3_937, true), (11_811, true), (0, false)] {
        for at in [38, 42] {
            bmp[at..at + 4].copy_from_slice(&pixels_per_metre.to_le_bytes());
        }
        let image = Image::decode(&bmp).unwrap();
        assert_eq!(image.pixels_per_metre(), known.then_some(pixels_per_metre));
        assert_eq!(image.with_resolution(5_000).pixels_per_metre(), Some(5_000));
    }
}

#[test]
fn pictures_of_others() {
    let Some(shared) = support::shared_data() else { return };
    for entry in std::fs::read_dir(shared.join("imprint/licensed")).expect("imprint/licensed") {
        let path = entry.unwrap().path();
        let image = Image::decode(&std::fs::read(&path).unwrap()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(image.width() > 200 && image.height() > 200);
    }
}

/// A clean drawn seal of others, turned by a quarter and mirrored, which is exact.
#[test]
fn a_drawn_seal_of_others_is_found_again() {
    let Some(shared) = support::shared_data() else { return };
    let image = Image::decode(&std::fs::read(shared.join("imprint/licensed/ofdrw_StampImg.png")).unwrap()).unwrap();
    let (w, h, n) = (image.width() as usize, image.height() as usize, usize::from(image.channels()));
    let moved = |place: &dyn Fn(usize, usize) -> (usize, usize), width: usize, height: usize| {
        let mut pixels = vec![0; w * h * n];
        for y in 0..h {
            for x in 0..w {
                let (to_x, to_y) = place(x, y);
                pixels[(to_y * width + to_x) * n..][..n].copy_from_slice(&image.pixels()[(y * w + x) * n..][..n]);
            }
        }
        Image::from_pixels(width as u32, height as u32, n as u8, None, pixels).unwrap()
    };
    let upright = imprint::find(&image);
    assert_eq!(upright.len(), 1, "{upright:?}");
    let (x, y) = upright[0].centre;
    for (name, picture, centre) in [
        ("a quarter", moved(&|x, y| (y, w - 1 - x), h, w), (y, w as i64 * 16 - x)),
        ("mirrored", moved(&|x, y| (w - 1 - x, y), w, h), (w as i64 * 16 - x, y)),
    ] {
        let found = imprint::find(&picture);
        assert_eq!((found.len(), found[0].shape), (1, upright[0].shape), "{name}: {found:?}");
        let near = |a: i64, b: i64| (a - b).abs() <= 16;
        assert!(near(found[0].centre.0, centre.0) && near(found[0].centre.1, centre.1), "{name}: {found:?}");
        assert!(near(found[0].u.0, upright[0].u.0), "{name}: {found:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_bytes_are_refused(kind in 0..3usize, bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let start: &[u8] = [b"\x89PNG\r\n\x1a\n", &b"\xff\xd8\xff\xe0"[..], b""][kind];
        if let Err(error) = Image::decode(&[start, &bytes].concat()) {
            prop_assert!(matches!(error, Error::InvalidImage { .. }), "{error:?}");
        }
    }

    #[test]
    fn mangled_files_never_panic(which in 0..9usize, cuts in proptest::collection::vec((any::<u16>(), any::<u16>(), any::<u8>()), 1..8)) {
        let (_, mut file) = files().swap_remove(which);
        for (at, length, value) in cuts {
            let at = usize::from(at) % file.len();
            let end = (at + usize::from(length) % 40).min(file.len());
            if value % 3 == 0 {
                let copy = file[at..end].to_vec();
                file.splice(at..at, copy);
            } else if value % 3 == 1 && file.len() > 60 {
                file.drain(at..end);
            } else {
                file[at] = value;
            }
        }
        if let Err(error) = Image::decode(&file) {
            prop_assert!(matches!(error, Error::InvalidImage { .. }), "{error:?}");
        }
    }

    #[test]
    fn any_pixels_give_imprints_within_bounds(width in 1..90u32, height in 1..90u32, channels in prop::sample::select(vec![1u8, 3, 4]), seed in any::<u64>()) {
        let length = width as usize * height as usize * usize::from(channels);
        let pixels: Vec<u8> = (0..length as u64).map(|k| support::pictures::mixed(seed ^ (k / 40)) as u8).collect();
        let image = Image::from_pixels(width, height, channels, None, pixels).unwrap();
        for found in imprint::find(&image) {
            prop_assert!(found.confidence > 0);
            let print = imprint::Fingerprint::of(&image, &found);
            prop_assert_eq!(print.as_bytes().len(), imprint::FINGERPRINT_LENGTH);
        }
    }
}
