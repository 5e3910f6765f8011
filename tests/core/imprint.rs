//! The imprint room: fingerprints, registered seals, the index and the comparison. The finder and the decoders have
//! files of their own.
//!
//! The seals are drawn by arithmetic, so nothing here depends on a typeface; the error rates on a model of stamping,
//! scanning and forging are measured by `make accuracy`.

use sealcore::Error;
use sealcore::imprint::{
    CODE_LENGTH, Comparison, FINGERPRINT_LENGTH, Fingerprint, Image, Imprint, Index, Ink, Measure, PartKind,
    Registered, Shape, Verdict, compare, register,
};
use std::path::PathBuf;
use support::pictures::{Drawing, Form, mixed};

/// 300 dpi.
const PER_METRE: u32 = 11_811;

/// The radius of a drawn seal in pixels: 38 mm across.
const RADIUS: f64 = 224.4;

/// A picture of a drawing and where it stands on it.
fn picture(drawing: &Drawing, radius: f64, degrees: f64) -> (Image, Imprint) {
    let side = (radius * 2.6) as u32;
    let middle = (f64::from(side) / 2.0 + 1.37, f64::from(side) / 2.0 - 2.21);
    let pixels = drawing.render(side, middle, radius, degrees);
    (Image::from_pixels(side, side, 3, Some(PER_METRE), pixels).unwrap(), place(drawing, middle, radius, degrees))
}

fn place(drawing: &Drawing, middle: (f64, f64), radius: f64, degrees: f64) -> Imprint {
    let (shape, ratio) = match drawing.form {
        Form::Round => (Shape::Round, 1.0),
        Form::Oval => (Shape::Oval, 0.75),
        Form::Square => (Shape::Square, 1.0),
    };
    let (s, c) = degrees.to_radians().sin_cos();
    let (u, v) = ((radius * c, -radius * s), (radius * ratio * s, radius * ratio * c));
    let mut imprint = Imprint::new(shape, Ink::Red, (middle.0 - 0.5, middle.1 - 0.5), u, v).unwrap();
    imprint.pixels_per_metre = Some(PER_METRE);
    imprint
}

fn registered(drawing: &Drawing) -> Registered {
    let (image, imprint) = picture(drawing, RADIUS, 0.0);
    register(&[(&image, &imprint)]).expect("a registered seal")
}

fn fingerprint(drawing: &Drawing, radius: f64, degrees: f64) -> Fingerprint {
    let (image, imprint) = picture(drawing, radius, degrees);
    Fingerprint::of(&image, &imprint)
}

fn held(registered: &Registered, questioned: &Drawing, degrees: f64) -> Comparison {
    let (image, imprint) = picture(questioned, RADIUS, degrees);
    compare(registered, &image, &imprint, &[])
}

/// The angle between two directions, 0 to 180 degrees.
fn apart(a: f64, b: f64) -> f64 {
    ((a - b + 180.0).rem_euclid(360.0) - 180.0).abs()
}

#[test]
fn every_rotation_is_the_same_seal_and_its_angle_is_known() {
    let drawing = Drawing::seal(7);
    let seal = registered(&drawing);
    let look_alike = registered(&drawing.with_changed(&[2, 6]));
    for degrees in (0..360).step_by(23) {
        let degrees = f64::from(degrees);
        let same = held(&seal, &drawing, degrees);
        assert_eq!(same.verdict, Verdict::Matches, "at {degrees}: {same:?}");
        assert!(apart(same.angle, degrees) < 0.1, "at {degrees}: {}", same.angle);
        assert!(same.displacement_rms_mm < 0.02 && same.extra < 0.001, "at {degrees}: {same:?}");
        assert!((same.scale.unwrap() - 1.0).abs() < 0.002);
        let turned = fingerprint(&drawing, 118.0, degrees);
        let distance = seal.fingerprint().code_distance(&turned);
        assert!(distance < 500, "at {degrees}: {distance}");
        if degrees > 300.0 {
            assert_ne!(held(&look_alike, &drawing, degrees).verdict, Verdict::Matches, "at {degrees}");
        }
    }
}

#[test]
fn other_seals_differ_and_their_codes_are_far() {
    let drawings: Vec<Drawing> = (20..26).map(Drawing::seal).collect();
    let seals: Vec<Registered> = drawings.iter().map(registered).collect();
    for (i, seal) in seals.iter().enumerate() {
        for (j, drawing) in drawings.iter().enumerate() {
            let comparison = held(seal, drawing, 31.0 * j as f64);
            if i == j {
                assert_eq!(comparison.verdict, Verdict::Matches, "{i}: {comparison:?}");
                assert!(comparison.score < 0.6, "{i}: {}", comparison.score);
            } else {
                assert!(
                    matches!(comparison.verdict, Verdict::Different | Verdict::LookAlike),
                    "{i} {j}: {comparison:?}"
                );
                assert!(comparison.score > 1.5 && comparison.score.is_finite(), "{i} {j}: {comparison:?}");
                let distance = seal.fingerprint().code_distance(seals[j].fingerprint());
                assert!(distance > 600, "{i} {j}: {distance}");
            }
        }
    }
}

#[test]
fn a_star_that_is_turned_and_a_wider_border_are_seen_and_named() {
    let drawing = Drawing::seal(11);
    let seal = registered(&drawing);
    let star = |c: &Comparison| c.parts.iter().position(|p| p.kind == PartKind::Star).expect("a star");
    let turned = held(&seal, &Drawing { star_turn: 5.0 / 360.0, ..drawing.clone() }, 140.0);
    assert_eq!(turned.verdict, Verdict::LookAlike, "{turned:?}");
    assert_eq!((turned.decided_by.measure, turned.decided_by.part), (Measure::PartTurn, Some(star(&turned))));
    assert!(apart(turned.parts[star(&turned)].turn_degrees, -5.0) < 0.7, "{:?}", turned.parts[star(&turned)]);
    let wider = held(&seal, &Drawing { border: 0.09, ..drawing.clone() }, 20.0);
    assert_eq!(wider.verdict, Verdict::LookAlike, "{wider:?}");
    let border = wider.evidence.iter().find(|e| e.measure == Measure::PartWidth && e.part == Some(0)).expect("a width");
    assert!(border.ratio > 1.0, "{border:?}");
    // The same seal, undisturbed: no evidence comes near its limit.
    let same = held(&seal, &drawing, 140.0);
    assert!(same.evidence.iter().all(|e| e.ratio < 0.7), "{:?}", same.evidence);
}

#[test]
fn missing_ink_is_no_evidence_but_added_ink_is() {
    let drawing = Drawing::seal(50);
    let seal = registered(&drawing);
    let (image, imprint) = picture(&drawing, RADIUS, 30.0);
    let wiped = |share: f64| {
        let mut pixels = image.pixels().to_vec();
        let line = image.width() as usize * 3;
        for row in pixels.chunks_exact_mut(line) {
            row[(share * line as f64 / 3.0) as usize * 3..].fill(255);
        }
        let image = Image::from_pixels(image.width(), image.height(), 3, Some(PER_METRE), pixels).unwrap();
        compare(&seal, &image, &imprint, &[])
    };
    let most = wiped(0.72);
    assert!(matches!(most.verdict, Verdict::Matches | Verdict::Insufficient), "{most:?}");
    let little = wiped(0.36);
    assert_eq!(little.verdict, Verdict::Insufficient, "{little:?}");
    assert!(little.coverage < 0.4 && most.coverage > little.coverage);
    // The questioned imprint has a line that the registered seal lacks.
    let mut without = drawing.clone();
    without.purpose.clear();
    let added = held(&registered(&without), &drawing, 30.0);
    assert!(matches!(added.verdict, Verdict::Different | Verdict::LookAlike), "{added:?}");
    assert!(added.extra > 0.05, "{added:?}");
    // A blank place is no imprint to judge.
    let blank = Image::from_pixels(600, 600, 3, Some(PER_METRE), vec![255; 1_080_000]).unwrap();
    let nothing = compare(&seal, &blank, &place(&drawing, (300.0, 300.0), RADIUS, 0.0), &[]);
    assert_eq!(nothing.verdict, Verdict::Insufficient, "{nothing:?}");
}

#[test]
fn black_text_over_the_imprint_does_not_hide_it() {
    let drawing = Drawing::seal(52);
    let (image, imprint) = picture(&drawing, RADIUS, 300.0);
    let width = image.width() as usize;
    let mut pixels = image.pixels().to_vec();
    for (index, pixel) in pixels.chunks_exact_mut(3).enumerate() {
        let (x, y) = (index % width, index / width);
        if y % 72 < 26 && mixed((x / 9 * 997 + y / 72) as u64).is_multiple_of(3) {
            pixel.iter_mut().for_each(|v| *v = (u16::from(*v) * 30 / 255) as u8);
        }
    }
    let image = Image::from_pixels(image.width(), image.height(), 3, Some(PER_METRE), pixels).unwrap();
    let comparison = compare(&registered(&drawing), &image, &imprint, &[]);
    assert_eq!(comparison.verdict, Verdict::Matches, "{comparison:?}");
    assert!(comparison.extra < 0.01);
}

#[test]
fn ovals_and_squares_are_compared_at_every_turn() {
    for form in [Form::Oval, Form::Square] {
        let drawing = Drawing { form, ..Drawing::seal(8) };
        let seal = registered(&drawing);
        for degrees in [0.0, 12.0, 90.0, 181.0, 275.0] {
            let comparison = held(&seal, &drawing, degrees);
            assert_eq!(comparison.verdict, Verdict::Matches, "{form:?} at {degrees}: {comparison:?}");
            assert!(apart(comparison.angle, degrees) < 0.2, "{form:?} at {degrees}: {}", comparison.angle);
        }
    }
    let round = registered(&Drawing::seal(8));
    let square = held(&round, &Drawing { form: Form::Square, ..Drawing::seal(8) }, 0.0);
    assert_ne!(square.verdict, Verdict::Matches, "{square:?}");
}

#[test]
fn a_seal_of_another_size_is_a_look_alike_where_the_resolution_is_known() {
    let drawing = Drawing::seal(13);
    let seal = registered(&drawing);
    let (image, imprint) = picture(&drawing, RADIUS * 1.06, 77.0);
    let larger = compare(&seal, &image, &imprint, &[]);
    assert_eq!((larger.verdict, larger.decided_by.measure), (Verdict::LookAlike, Measure::Size), "{larger:?}");
    let unknown = Imprint { pixels_per_metre: None, ..imprint };
    let pixels = image.pixels().to_vec();
    let image = Image::from_pixels(image.width(), image.height(), 3, None, pixels).unwrap();
    let somewhere = compare(&seal, &image, &unknown, &[]);
    assert_eq!((somewhere.verdict, somewhere.scale), (Verdict::Matches, None), "{somewhere:?}");
    assert!(matches!(register(&[(&image, &unknown)]), Err(Error::InvalidArgument { field: "dpi", .. })));
}

#[test]
fn a_seal_is_registered_from_several_imprints() {
    let drawing = Drawing::seal(14);
    let pictures: Vec<(Image, Imprint)> = [3.0, 95.0, 222.0].map(|degrees| picture(&drawing, RADIUS, degrees)).into();
    let pairs: Vec<(&Image, &Imprint)> = pictures.iter().map(|(image, imprint)| (image, imprint)).collect();
    let seal = register(&pairs).unwrap();
    assert_eq!(seal.imprints(), 3);
    assert!(seal.spread_mm().unwrap() < 0.02, "{:?}", seal.spread_mm());
    // Its frame stands as the first imprint does.
    let same = held(&seal, &drawing, 180.0);
    assert_eq!(same.verdict, Verdict::Matches, "{same:?}");
    assert!(apart(same.angle, 177.0) < 0.2, "{}", same.angle);
    let (other, imprint) = picture(&Drawing::seal(15), RADIUS, 0.0);
    let mixed = register(&[pairs[0], pairs[1], (&other, &imprint)]);
    assert!(matches!(mixed, Err(Error::InvalidArgument { field: "imprints", .. })), "{mixed:?}");
    assert!(matches!(register(&[]), Err(Error::InvalidArgument { .. })));
}

#[test]
fn stored_seals_are_read_strictly() {
    let drawing = Drawing::seal(16);
    let seal = registered(&drawing);
    let bytes = seal.to_bytes();
    let again = Registered::from_bytes(&bytes).unwrap();
    assert_eq!(again.to_bytes(), bytes);
    assert_eq!((again.fingerprint(), again.size_mm()), (seal.fingerprint(), seal.size_mm()));
    assert!((seal.size_mm().0 - 38.0).abs() < 0.1, "{:?}", seal.size_mm());
    let (a, b) = (held(&seal, &drawing, 50.0), held(&again, &drawing, 50.0));
    assert_eq!((a.score, a.extra, a.angle), (b.score, b.extra, b.angle));
    for length in [0, 7, 60, 2000, bytes.len() - 1] {
        assert!(matches!(Registered::from_bytes(&bytes[..length]), Err(Error::InvalidEncoding { .. })), "{length}");
    }
    // No byte of the head makes it read out of bounds or spin.
    for at in 0..56 {
        for value in [0, 1, 127, 255] {
            let mut changed = bytes.clone();
            changed[at] = value;
            if let Ok(seal) = Registered::from_bytes(&changed) {
                let _ = seal.size_mm();
            }
        }
    }
}

#[test]
fn stored_fingerprints_are_read_strictly() {
    let print = fingerprint(&Drawing::seal(9), 100.0, 0.0);
    let bytes = print.as_bytes();
    assert_eq!((bytes.len(), print.code().len()), (FINGERPRINT_LENGTH, CODE_LENGTH));
    assert_eq!(Fingerprint::from_bytes(bytes).unwrap(), print);
    for length in [0, 1, 8, 264, FINGERPRINT_LENGTH - 1] {
        let error = Fingerprint::from_bytes(&bytes[..length]).unwrap_err();
        let expected = FINGERPRINT_LENGTH;
        assert_eq!(error, Error::InvalidLength { field: "fingerprint", expected, actual: length });
    }
    let changed = |at: usize, value: u8| {
        let mut bytes = bytes.to_vec();
        bytes[at] = value;
        match Fingerprint::from_bytes(&bytes) {
            Err(Error::InvalidEncoding { field: "fingerprint", offset, .. }) => Some(offset),
            Ok(_) => None,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((changed(0, 2), changed(0, 4), changed(1, 3)), (Some(0), Some(0), Some(1)));
    assert_eq!((changed(3, 1), changed(6, 1)), (Some(3), None));
}

fn temporary(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("sealcore-{name}-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

/// Fingerprints without a picture: a seal's bytes with another code.
fn made_up(count: u64) -> Vec<Fingerprint> {
    let pattern = fingerprint(&Drawing::seal(1), 100.0, 0.0).as_bytes().to_vec();
    let one = |seed: u64| {
        let mut bytes = pattern.clone();
        for (k, byte) in bytes[8..].iter_mut().enumerate() {
            *byte = mixed(seed << 20 | k as u64) as u8;
        }
        Fingerprint::from_bytes(&bytes).unwrap()
    };
    (0..count).map(one).collect()
}

#[test]
fn an_index_finds_every_seal_again_however_it_was_closed() {
    let path = temporary("index");
    let prints = made_up(2_100);
    let seals: Vec<Drawing> = (60..66).map(Drawing::seal).collect();
    {
        let mut index = Index::create(&path).unwrap();
        for (k, print) in prints.iter().enumerate() {
            assert_eq!(index.add(&format!("seal {k}"), print).unwrap(), k as u64);
        }
        for (k, drawing) in seals.iter().enumerate() {
            index.add(&format!("印章 {k}"), &fingerprint(drawing, RADIUS, 0.0)).unwrap();
        }
        index.sync().unwrap();
        // One process adds, others only read.
        let mut other = Index::open(&path).unwrap();
        assert_eq!(other.len(), 2_106);
        assert!(matches!(other.add("x", &prints[0]), Err(Error::IndexIo { operation: "lock", .. })));
    }
    let mut index = Index::open(&path).unwrap();
    assert_eq!((index.len(), index.is_empty()), (2_106, false));
    for (k, drawing) in seals.iter().enumerate() {
        let hits = index.search(&fingerprint(drawing, 180.0, 40.0 * k as f64), 5).unwrap();
        assert_eq!(hits[0].name, format!("印章 {k}"));
        assert!(apart(hits[0].angle, 40.0 * k as f64) < 1.0, "{:?}", hits[0]);
        assert!(hits[0].score > 0.8 && hits.windows(2).all(|w| w[0].score >= w[1].score), "{hits:?}");
    }
    for k in [0, 1, 1_023, 1_024, 2_047, 2_048, 2_099] {
        let hits = index.search(&prints[k], 1).unwrap();
        assert_eq!((hits[0].position, hits[0].distance), (k as u64, 0));
        assert_eq!(index.get(k).unwrap(), (format!("seal {k}"), prints[k].clone()));
    }
    let queries: Vec<&Fingerprint> = prints[..20].iter().collect();
    let many = index.search_many(&queries, 3, 0).unwrap();
    assert!(many.iter().zip(&queries).all(|(hits, query)| *hits == index.search(query, 3).unwrap()));
    for (name, limit) in [("limit 0", 0), ("too many", 1_001)] {
        assert!(matches!(index.search(&prints[0], limit), Err(Error::InvalidArgument { .. })), "{name}");
    }
    for name in ["", &"n".repeat(241)] {
        assert!(matches!(index.add(name, &prints[0]), Err(Error::InvalidLength { field: "name", .. })));
    }
    assert!(matches!(index.get(2_106), Err(Error::InvalidArgument { .. })));
    assert!(matches!(Index::create(&path), Err(Error::IndexIo { operation: "create", .. })));
    drop(index);
    // A crash in the middle of a record: it does not count, and the next one takes its place.
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 100).unwrap();
    let mut index = Index::open(&path).unwrap();
    assert_eq!(index.len(), 2_105);
    assert_eq!(index.add("again", &prints[7]).unwrap(), 2_105);
    assert_eq!(index.get(2_105).unwrap().0, "again");
    drop(index);
    std::fs::write(&path, b"something else entirely").unwrap();
    assert!(matches!(Index::open(&path), Err(Error::InvalidEncoding { field: "index file", .. })));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(Index::open(&path), Err(Error::IndexIo { operation: "open", .. })));
}

#[test]
fn the_overlay_shows_what_differs() {
    let drawing = Drawing::seal(17);
    let seal = registered(&drawing);
    let count = |comparison: &Comparison, colour: [u8; 3]| {
        let overlay = comparison.overlay();
        assert_eq!(overlay.pixels.len(), overlay.side * overlay.side * 3);
        let file = Image::decode(&overlay.to_png()).unwrap();
        assert_eq!(file.pixels(), overlay.pixels);
        overlay.pixels.chunks_exact(3).filter(|p| *p == colour).count()
    };
    let (red, blue, orange) = ([225, 20, 30], [40, 90, 230], [245, 140, 0]);
    let same = held(&seal, &drawing, 10.0);
    let grey = count(&same, [128, 128, 128]);
    assert!(grey > 50_000 && count(&same, red) * 500 < grey && count(&same, orange) == 0);
    let other = held(&seal, &drawing.with_changed(&[4]), 10.0);
    assert!(count(&other, red) > 1_000 && count(&other, blue) > 1_000 && count(&other, orange) > 300);
}

#[test]
fn frozen_fingerprints() {
    let folder = support::vectors().join("imprint");
    let path = folder.join("fingerprints.json");
    let text = std::fs::read_to_string(&path).expect("fingerprints.json");
    let mut vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
    let update = std::env::var_os("SEALCORE_UPDATE_VECTORS").is_some();
    let rows = vectors["fingerprints"].as_array_mut().unwrap();
    assert!(rows.len() >= 5);
    for row in rows {
        let file = row["file"].as_str().unwrap().to_owned();
        let image = Image::decode(&std::fs::read(folder.join(&file)).unwrap()).unwrap();
        let pixels = sealcore::hash::sha256(image.pixels());
        assert_eq!(hex::encode(pixels), row["pixels_sha256"].as_str().unwrap(), "{file}: decoded pixels");
        let numbers: Vec<i64> = row["place"].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).collect();
        let sixteenths = |k: usize| (numbers[k] as f64 / 16.0, numbers[k + 1] as f64 / 16.0);
        let shape = match row["shape"].as_str().unwrap() {
            "round" => Shape::Round,
            "oval" => Shape::Oval,
            _ => Shape::Square,
        };
        let ink = if row["ink"] == "red" { Ink::Red } else { Ink::Drawn };
        let imprint = Imprint::new(shape, ink, sixteenths(0), sixteenths(2), sixteenths(4)).unwrap();
        let print = Fingerprint::of(&image, &imprint);
        let head = hex::encode(&print.as_bytes()[..8 + CODE_LENGTH]);
        let digest = hex::encode(sealcore::hash::sha256(print.as_bytes()));
        if update {
            row["head"] = head.into();
            row["fingerprint_sha256"] = digest.into();
        } else {
            assert_eq!(head, row["head"].as_str().unwrap(), "{file}: head and code");
            assert_eq!(digest, row["fingerprint_sha256"].as_str().unwrap(), "{file}: spectrum");
        }
    }
    if update {
        std::fs::write(path, serde_json::to_string_pretty(&vectors).unwrap() + "\n").unwrap();
    }
}
