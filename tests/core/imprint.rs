//! The imprint room: finding, fingerprints and comparison. The decoders have a file of their own.
//!
//! The seals are drawn by arithmetic, so nothing here depends on a typeface; the error rates on synthetic scans of
//! drawn company seals are measured in `tests/python/test_imprint.py`.

use sealcore::Error;
use sealcore::imprint::{self, FINGERPRINT_LENGTH, Fingerprint, Image, Ink, Shape, Verdict, compare};
use support::pictures::{Drawing, Form, mixed};

fn picture(drawing: &Drawing, side: u32, radius: f64, degrees: f64) -> Image {
    let middle = f64::from(side) / 2.0;
    Image::from_pixels(side, side, 3, Some(11_811), drawing.render(side, (middle, middle), radius, degrees)).unwrap()
}

fn fingerprint(drawing: &Drawing, radius: f64, degrees: f64) -> Fingerprint {
    Fingerprint::of(&picture(drawing, (radius * 2.2) as u32 + 8, radius, degrees)).expect("an imprint")
}

/// The angle between two directions, 0 to 180 degrees.
fn apart(a: f64, b: f64) -> f64 {
    ((a - b + 180.0).rem_euclid(360.0) - 180.0).abs()
}

#[test]
fn a_round_imprint_is_found_to_a_fraction_of_a_pixel() {
    let drawing = Drawing::seal(1);
    for (centre, radius) in [((150.0, 150.0), 120.0), ((131.3, 171.8), 101.6), ((90.25, 210.5), 60.2)] {
        let image = Image::from_pixels(300, 300, 3, Some(11_811), drawing.render(300, centre, radius, 20.0)).unwrap();
        let found = imprint::find(&image).unwrap();
        assert_eq!((found.shape, found.ink), (Shape::Round, Ink::Red));
        let (x, y) = (found.centre.0 as f64 / 16.0, found.centre.1 as f64 / 16.0);
        // A pixel's middle is half a pixel from its corner.
        assert!((x - centre.0).abs() < 0.8 && (y - centre.1).abs() < 0.8, "{x} {y} for {centre:?}");
        assert!((found.u.0 as f64 / 16.0 - radius).abs() < 0.8, "{:?} for {radius}", found.u);
        assert!(found.support > 240 && found.coverage > 40);
        let (wide, high) = found.size_mm().unwrap();
        assert!((wide - radius * 2.0 / 11.811).abs() < 0.15 && wide == high);
    }
}

#[test]
fn blue_ink_and_drawings_on_a_transparent_ground_are_found() {
    let mut drawing = Drawing::seal(2);
    drawing.colour = [30, 60, 200];
    let blue = imprint::find(&picture(&drawing, 260, 110.0, 0.0)).unwrap();
    assert_eq!(blue.ink, Ink::Blue);

    // Black on a transparent ground: only the alpha channel tells ink from paper.
    drawing.colour = [0, 0, 0];
    let opaque = drawing.render(260, (130.0, 130.0), 110.0, 0.0);
    let pixels = opaque.chunks_exact(3).flat_map(|p| [0, 0, 0, 255 - p[0]]).collect();
    let image = Image::from_pixels(260, 260, 4, None, pixels).unwrap();
    let drawn = imprint::find(&image).unwrap();
    assert_eq!((drawn.ink, drawn.size_mm()), (Ink::Drawn, None));
    // The same black circle on a scan is no seal ink.
    let scan = Image::from_pixels(260, 260, 3, None, opaque).unwrap();
    assert!(matches!(imprint::find(&scan), Err(Error::NoImprint { .. })));
    // The drawing and its coloured imprint show the same design.
    drawing.colour = [214, 20, 30];
    let comparison = compare(&Fingerprint::of(&image).unwrap(), &fingerprint(&drawing, 150.0, 77.0));
    assert_eq!(comparison.verdict, Verdict::Same, "{comparison:?}");
}

#[test]
fn oval_and_square_borders_are_found_at_any_angle() {
    for (form, shape, ratio) in [(Form::Oval, Shape::Oval, 0.75), (Form::Square, Shape::Square, 1.0)] {
        let drawing = Drawing { form, ..Drawing::seal(3) };
        for degrees in [0.0, 17.0, 45.0, 90.0, 133.0, 271.5] {
            let found = imprint::find(&picture(&drawing, 400, 120.0, degrees)).unwrap();
            assert_eq!(found.shape, shape, "{form:?} at {degrees}");
            let length = |(x, y): (i64, i64)| ((x * x + y * y) as f64).sqrt() / 16.0;
            assert!((length(found.u) - 120.0).abs() < 1.8, "{form:?} at {degrees}: {found:?}");
            assert!((length(found.v) - 120.0 * ratio).abs() < 1.8, "{form:?} at {degrees}: {found:?}");
        }
    }
}

#[test]
fn the_dominant_imprint_is_the_larger_one_whole() {
    let (large, small) = (Drawing::seal(4), Drawing::seal(5));
    let mut pixels = large.render(500, (170.0, 170.0), 140.0, 0.0);
    for (pixel, other) in pixels.chunks_exact_mut(3).zip(small.render(500, (400.0, 400.0), 70.0, 0.0).chunks_exact(3)) {
        pixel.iter_mut().zip(other).for_each(|(a, b)| *a = (*a).min(*b));
    }
    let image = Image::from_pixels(500, 500, 3, None, pixels).unwrap();
    let found = imprint::find(&image).unwrap();
    assert!((found.centre.0 - 170 * 16).abs() < 16 && (found.u.0 - 140 * 16).abs() < 16, "{found:?}");
    assert_eq!(compare(&fingerprint(&large, 150.0, 0.0), &Fingerprint::of(&image).unwrap()).verdict, Verdict::Same);
}

#[test]
fn a_picture_without_an_imprint_says_so() {
    let blank = |value| Image::from_pixels(300, 200, 3, None, vec![value; 180_000]).unwrap();
    let noise = (0..180_000).map(|k| mixed(k) as u8).collect();
    // A red bar, and a red disc without a design.
    let mut bar = vec![255; 180_000];
    bar[60_000..90_000].chunks_exact_mut(3).for_each(|p| p.copy_from_slice(&[220, 10, 10]));
    let text = (0..180_000).map(|k| if mixed(k / 12).is_multiple_of(3) { 20 } else { 250 }).collect();
    for (name, image) in [
        ("white", blank(255)),
        ("black", blank(0)),
        ("grey", blank(128)),
        ("noise", Image::from_pixels(300, 200, 3, None, noise).unwrap()),
        ("a red bar", Image::from_pixels(300, 200, 3, None, bar).unwrap()),
        ("grey text", Image::from_pixels(600, 300, 1, None, text).unwrap()),
        ("a transparent sheet", Image::from_pixels(200, 200, 4, None, vec![0; 160_000]).unwrap()),
        ("one pixel", Image::from_pixels(1, 1, 1, None, vec![0]).unwrap()),
        ("too small a seal", picture(&Drawing::seal(6), 60, 20.0, 0.0)),
    ] {
        assert!(matches!(imprint::find(&image), Err(Error::NoImprint { .. })), "{name}: {:?}", imprint::find(&image));
        assert_eq!(Fingerprint::of(&image).unwrap_err(), imprint::find(&image).unwrap_err(), "{name}");
    }
}

#[test]
fn every_rotation_is_the_same_seal_and_its_angle_is_known() {
    let drawing = Drawing::seal(7);
    let registered = fingerprint(&drawing, 150.0, 0.0);
    let look_alike = fingerprint(&drawing.with_changed(&[2, 6]), 150.0, 0.0);
    for degrees in 0..360 {
        let turned = fingerprint(&drawing, 118.0, f64::from(degrees));
        let same = compare(&registered, &turned);
        assert_eq!(same.verdict, Verdict::Same, "at {degrees}: {same:?}");
        assert!(same.similarity > 0.75, "at {degrees}: {same:?}");
        assert!(apart(same.angle, f64::from(degrees)) < 1.0, "at {degrees}: {same:?}");
        assert!(registered.code_distance(&turned) < 200, "at {degrees}: {}", registered.code_distance(&turned));
        if degrees % 15 == 0 {
            assert_eq!(compare(&look_alike, &turned).verdict, Verdict::Different, "at {degrees}");
        }
    }
}

#[test]
fn other_seals_differ_and_their_codes_are_far() {
    let seals: Vec<Fingerprint> =
        (20..36).map(|seed| fingerprint(&Drawing::seal(seed), 120.0, seed as f64 * 31.0)).collect();
    for (i, a) in seals.iter().enumerate() {
        for (j, b) in seals.iter().enumerate() {
            let comparison = compare(a, b);
            if i == j {
                assert_eq!((comparison.similarity, comparison.angle, comparison.missing), (1.0, 0.0, 0));
                assert_eq!((comparison.verdict, a.code_distance(b)), (Verdict::Same, 0));
            } else {
                assert_eq!(comparison.verdict, Verdict::Different, "{i} and {j}: {comparison:?}");
                assert!(comparison.similarity < 0.5, "{i} and {j}: {comparison:?}");
                assert!(a.code_distance(b) > 300, "{i} and {j}: {}", a.code_distance(b));
                assert_eq!(a.code_distance(b), b.code_distance(a));
            }
        }
    }
}

#[test]
fn two_changed_characters_or_another_purpose_are_another_seal() {
    for seed in 40..46 {
        let drawing = Drawing::seal(seed);
        let questioned = fingerprint(&drawing, 118.0, 200.0);
        let places = [seed as usize % 10, (seed as usize + 3) % 10];
        let changed = compare(&fingerprint(&drawing.with_changed(&places), 118.0, 0.0), &questioned);
        assert_ne!(changed.verdict, Verdict::Same, "{changed:?}");
        let mut purpose = drawing.clone();
        purpose.purpose[1] = mixed(purpose.purpose[1]);
        purpose.purpose[2] = mixed(purpose.purpose[2]);
        let changed = compare(&fingerprint(&purpose, 118.0, 0.0), &questioned);
        assert_ne!(changed.verdict, Verdict::Same, "{changed:?}");
    }
}

#[test]
fn missing_ink_is_no_evidence_but_added_ink_is() {
    let whole = Drawing::seal(50);
    let mut without = whole.clone();
    without.purpose.clear();
    let (whole, without) = (fingerprint(&whole, 118.0, 0.0), fingerprint(&without, 118.0, 90.0));
    // The line under the star is missing on the questioned imprint: perhaps it was not printed.
    let comparison = compare(&whole, &without);
    assert_eq!(comparison.verdict, Verdict::Insufficient, "{comparison:?}");
    assert!(comparison.missing > 0 && comparison.similarity < imprint::SAME_AT_LEAST);
    // The questioned imprint has a line that the registered seal lacks.
    let comparison = compare(&without, &whole);
    assert_eq!(comparison.verdict, Verdict::Different, "{comparison:?}");
}

#[test]
fn an_imprint_of_which_half_is_gone_is_insufficient() {
    let drawing = Drawing::seal(51);
    let registered = fingerprint(&drawing, 118.0, 0.0);
    let mut pixels = drawing.render(268, (134.0, 134.0), 118.0, 30.0);
    // The right third was not printed.
    for row in pixels.chunks_exact_mut(268 * 3) {
        row[175 * 3..].fill(255);
    }
    let questioned = Fingerprint::of(&Image::from_pixels(268, 268, 3, None, pixels).unwrap()).unwrap();
    let comparison = compare(&registered, &questioned);
    assert_eq!(comparison.verdict, Verdict::Insufficient, "{comparison:?}");
    assert!(apart(comparison.angle, 30.0) < 1.0 && comparison.missing > 4);
    assert!(questioned.support() < 220);
}

#[test]
fn black_text_over_the_imprint_does_not_hide_it() {
    let drawing = Drawing::seal(52);
    let mut pixels = drawing.render(268, (134.0, 134.0), 118.0, 300.0);
    for (index, pixel) in pixels.chunks_exact_mut(3).enumerate() {
        let (x, y) = (index % 268, index / 268);
        if y % 36 < 14 && mixed((x / 5 * 997 + y / 36) as u64).is_multiple_of(2) {
            pixel.iter_mut().for_each(|v| *v = (u16::from(*v) * 60 / 255) as u8);
        }
    }
    let questioned = Fingerprint::of(&Image::from_pixels(268, 268, 3, None, pixels).unwrap()).unwrap();
    let comparison = compare(&fingerprint(&drawing, 118.0, 0.0), &questioned);
    assert_eq!(comparison.verdict, Verdict::Same, "{comparison:?}");
}

#[test]
fn another_form_is_another_seal() {
    let [round, oval, square] = [Form::Round, Form::Oval, Form::Square]
        .map(|form| fingerprint(&Drawing { form, ..Drawing::seal(8) }, 110.0, 0.0));
    assert_eq!((round.shape(), oval.shape(), square.shape()), (Shape::Round, Shape::Oval, Shape::Square));
    for (a, b) in [(&round, &oval), (&round, &square), (&oval, &square), (&square, &round)] {
        assert_eq!(compare(a, b).verdict, Verdict::Different);
    }
    for (form, print) in [(Form::Oval, &oval), (Form::Square, &square)] {
        for degrees in [10.0, 90.0, 200.0] {
            let turned = fingerprint(&Drawing { form, ..Drawing::seal(8) }, 130.0, degrees);
            let comparison = compare(print, &turned);
            assert_eq!(comparison.verdict, Verdict::Same, "{form:?} at {degrees}: {comparison:?}");
        }
    }
}

#[test]
fn stored_fingerprints_are_read_strictly() {
    let print = fingerprint(&Drawing::seal(9), 100.0, 0.0);
    let bytes = print.as_bytes();
    assert_eq!(bytes.len(), FINGERPRINT_LENGTH);
    assert_eq!(Fingerprint::from_bytes(bytes).unwrap(), print);
    for length in [0, 1, 8, 136, FINGERPRINT_LENGTH - 1] {
        let error = Fingerprint::from_bytes(&bytes[..length]).unwrap_err();
        let expected = FINGERPRINT_LENGTH;
        assert_eq!(error, Error::InvalidLength { field: "fingerprint", expected, actual: length });
    }
    assert!(Fingerprint::from_bytes(&[bytes, &[0]].concat()).is_err());
    let changed = |at: usize, value: u8| {
        let mut bytes = bytes.to_vec();
        bytes[at] = value;
        match Fingerprint::from_bytes(&bytes) {
            Err(Error::InvalidEncoding { field: "fingerprint", offset, .. }) => Some(offset),
            Ok(_) => None,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((changed(0, 0), changed(0, 2), changed(1, 3)), (Some(0), Some(0), Some(1)));
    assert_eq!((changed(6, 1), changed(7, 1)), (Some(6), Some(6)));
    // Every flipped bit of the code is noticed.
    for (at, byte) in bytes.iter().enumerate().take(136).skip(8) {
        for bit in 0..8 {
            assert_eq!(changed(at, byte ^ 1 << bit), Some(8), "byte {at} bit {bit}");
        }
    }
}

#[test]
fn frozen_fingerprints() {
    let folder = support::vectors().join("imprint");
    let text = std::fs::read_to_string(folder.join("fingerprints.json")).expect("fingerprints.json");
    let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rows = vectors["fingerprints"].as_array().unwrap();
    assert!(rows.len() >= 5);
    for row in rows {
        let file = row["file"].as_str().unwrap();
        let image = Image::decode(&std::fs::read(folder.join(file)).unwrap()).unwrap();
        let pixels = sealcore::hash::sha256(image.pixels());
        assert_eq!(hex::encode(pixels), row["pixels_sha256"].as_str().unwrap(), "{file}: decoded pixels");
        let print = Fingerprint::of(&image).unwrap();
        assert_eq!(hex::encode(&print.as_bytes()[..136]), row["head"].as_str().unwrap(), "{file}: head and code");
        let digest = sealcore::hash::sha256(print.as_bytes());
        assert_eq!(hex::encode(digest), row["fingerprint_sha256"].as_str().unwrap(), "{file}: map");
    }
}
