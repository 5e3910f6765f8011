//! Finding imprints on pages, and unmixing their ink.
//!
//! The seals are drawn by arithmetic; the pages of others stand in `../shared/data/imprint`, and where the seals are on
//! them in `tests/vectors/imprint/pages.json`. Hard synthetic pages are measured in `tests/python/test_imprint_pages.py`.

use sealcore::Error;
use sealcore::imprint::{self, Image, Imprint, Ink, Shape, density};
use support::pictures::{Drawing, Form, mixed};

/// A white sheet with drawings on it: drawing, centre, radius, degrees.
fn sheet(width: u32, height: u32, drawings: &[(&Drawing, (f64, f64), f64, f64)]) -> Vec<u8> {
    let side = width.max(height);
    let mut pixels = vec![255; width as usize * height as usize * 3];
    for (drawing, centre, radius, degrees) in drawings {
        let drawn = drawing.render(side, *centre, *radius, *degrees);
        for (to, from) in pixels.chunks_exact_mut(width as usize * 3).zip(drawn.chunks_exact(side as usize * 3)) {
            to.iter_mut().zip(from).for_each(|(a, b)| *a = (*a).min(*b));
        }
    }
    pixels
}

fn picture(drawing: &Drawing, side: u32, radius: f64, degrees: f64) -> Image {
    let middle = f64::from(side) / 2.0;
    Image::from_pixels(side, side, 3, Some(11_811), drawing.render(side, (middle, middle), radius, degrees)).unwrap()
}

fn pixels((x, y): (i64, i64)) -> (f64, f64) {
    (x as f64 / 16.0, y as f64 / 16.0)
}

fn length(v: (i64, i64)) -> f64 {
    pixels(v).0.hypot(pixels(v).1)
}

/// Common over joint area of two boxes: left, top, right, bottom.
fn overlap(a: [f64; 4], b: [f64; 4]) -> f64 {
    let area = |b: [f64; 4]| (b[2] - b[0]).max(0.0) * (b[3] - b[1]).max(0.0);
    let common = area([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
    common / (area(a) + area(b) - common)
}

/// The boxes that no imprint covers, and the imprints that cover no box.
fn unmatched(found: &[Imprint], boxes: &[[f64; 4]]) -> (Vec<[f64; 4]>, Vec<Imprint>) {
    let mut left = boxes.to_vec();
    let mut extra = Vec::new();
    for imprint in found {
        let own = imprint.bounds().map(|v| v as f64);
        match (0..left.len()).max_by(|&a, &b| overlap(own, left[a]).total_cmp(&overlap(own, left[b]))) {
            Some(best) if overlap(own, left[best]) >= 0.5 => drop(left.swap_remove(best)),
            _ => extra.push(*imprint),
        }
    }
    (left, extra)
}

#[test]
fn a_round_imprint_is_found_to_a_fraction_of_a_pixel() {
    let drawing = Drawing::seal(1);
    for (centre, radius) in [((150.0, 150.0), 120.0), ((131.3, 171.8), 101.6), ((90.25, 210.5), 60.2)] {
        let image = Image::from_pixels(300, 300, 3, Some(11_811), drawing.render(300, centre, radius, 20.0)).unwrap();
        let found = imprint::find(&image);
        assert_eq!(found.len(), 1, "{found:?}");
        let found = found[0];
        assert_eq!((found.shape, found.ink), (Shape::Round, Ink::Red));
        let (x, y) = pixels(found.centre);
        // A pixel's middle is half a pixel from its corner.
        assert!((x - centre.0).abs() < 0.8 && (y - centre.1).abs() < 0.8, "{x} {y} for {centre:?}");
        assert!((length(found.u) - radius).abs() < 0.8, "{found:?} for {radius}");
        assert!(found.confidence > 230 && found.coverage > 25, "{found:?}");
        let (wide, high) = found.size_mm().unwrap();
        assert!((wide - radius * 2.0 / 11.811).abs() < 0.15 && (wide - high).abs() < 0.1);
        let [left, top, right, bottom] = found.bounds().map(|v| v as f64);
        assert!((left - centre.0 + radius).abs() < 2.0 && (right - centre.0 - radius).abs() < 2.0);
        assert!((top - centre.1 + radius).abs() < 2.0 && (bottom - centre.1 - radius).abs() < 2.0);
    }
}

#[test]
fn a_seal_that_fills_its_picture_is_found_at_any_resolution() {
    let drawing = Drawing::seal(1);
    for radius in [60.0, 118.0, 158.0, 200.0, 250.0, 318.0, 473.0, 700.0, 1100.0] {
        for margin in [2.0, 30.0] {
            let image = picture(&drawing, (2.0 * (radius + margin)) as u32, radius, 20.0);
            let found = imprint::find(&image);
            assert_eq!(found.len(), 1, "radius {radius}: {found:?}");
            assert!((length(found[0].u) / radius - 1.0).abs() < 0.012, "{found:?} for {radius}");
        }
    }
}

#[test]
fn blue_grey_and_drawn_ink() {
    let mut drawing = Drawing::seal(2);
    drawing.colour = [30, 60, 200];
    let blue = imprint::find(&picture(&drawing, 260, 110.0, 0.0));
    assert_eq!((blue.len(), blue[0].ink), (1, Ink::Blue));

    // Black on a transparent ground: only the alpha channel tells ink from paper.
    drawing.colour = [0, 0, 0];
    let opaque = drawing.render(260, (130.0, 130.0), 110.0, 0.0);
    let pixels = opaque.chunks_exact(3).flat_map(|p| [0, 0, 0, 255 - p[0]]).collect();
    let image = Image::from_pixels(260, 260, 4, None, pixels).unwrap();
    let drawn = imprint::find(&image);
    assert_eq!((drawn.len(), drawn[0].ink, drawn[0].size_mm()), (1, Ink::Drawn, None));

    // The same as a copy in black and white, and a red one scanned in grey.
    for (colour, channels) in [([0, 0, 0], 3), ([100, 100, 100], 1)] {
        drawing.colour = colour;
        let opaque = drawing.render(260, (130.0, 130.0), 110.0, 0.0);
        let pixels = if channels == 1 { opaque.chunks_exact(3).map(|p| p[0]).collect() } else { opaque };
        let scan = Image::from_pixels(260, 260, channels, None, pixels).unwrap();
        let grey = imprint::find(&scan);
        assert_eq!((grey.len(), grey[0].ink), (1, Ink::Grey), "{colour:?}");
    }
}

#[test]
fn oval_and_square_borders_are_found_at_any_angle() {
    for (form, shape, ratio) in [(Form::Oval, Shape::Oval, 0.75), (Form::Square, Shape::Square, 1.0)] {
        let drawing = Drawing { form, ..Drawing::seal(3) };
        for degrees in [0.0, 17.0, 45.0, 90.0, 133.0, 271.5] {
            let found = imprint::find(&picture(&drawing, 400, 120.0, degrees));
            assert_eq!(found.len(), 1, "{form:?} at {degrees}: {found:?}");
            let found = found[0];
            assert_eq!(found.shape, shape, "{form:?} at {degrees}");
            assert!((length(found.u) - 120.0).abs() < 1.8, "{form:?} at {degrees}: {found:?}");
            assert!((length(found.v) - 120.0 * ratio).abs() < 1.8, "{form:?} at {degrees}: {found:?}");
            // A square looks alike in four directions, an oval in two.
            let period = if form == Form::Oval { 180.0 } else { 90.0 };
            let apart = (found.angle() - degrees).rem_euclid(period);
            assert!(apart.min(period - apart) < 1.0, "{degrees}: {}", found.angle());
        }
    }
}

/// A drawing on a sheet: its middle, its radius, its angle.
type Placed<'a> = (&'a Drawing, (f64, f64), f64, f64);

/// Boxes on a page: left, top, right, bottom.
type Boxes = Vec<[f64; 4]>;

#[test]
fn every_imprint_is_found_touching_overlapping_and_in_two_inks() {
    let (a, b) = (Drawing::seal(4), Drawing::seal(5));
    let blue = Drawing { colour: [40, 70, 190], ..Drawing::seal(6) };
    let square = Drawing { form: Form::Square, ..Drawing::seal(7) };
    let box_of = |(x, y): (f64, f64), r: f64| [x - r, y - r, x + r, y + r];
    let cases: [(&str, Vec<Placed<'_>>); 5] = [
        ("large and small", vec![(&a, (170.0, 170.0), 140.0, 0.0), (&b, (600.0, 400.0), 60.0, 40.0)]),
        ("touching", vec![(&a, (200.0, 300.0), 120.0, 10.0), (&b, (440.0, 310.0), 120.0, 200.0)]),
        ("overlapping", vec![(&a, (220.0, 300.0), 130.0, 10.0), (&b, (400.0, 330.0), 120.0, 77.0)]),
        ("two inks over each other", vec![(&a, (220.0, 300.0), 130.0, 10.0), (&blue, (380.0, 300.0), 130.0, 99.0)]),
        ("a square beside", vec![(&a, (220.0, 300.0), 130.0, 10.0), (&square, (480.0, 330.0), 60.0, 0.0)]),
    ];
    for (name, drawings) in cases {
        let image = Image::from_pixels(800, 700, 3, None, sheet(800, 700, &drawings)).unwrap();
        let found = imprint::find(&image);
        let boxes: Vec<[f64; 4]> = drawings.iter().map(|(_, centre, radius, _)| box_of(*centre, *radius)).collect();
        let (missed, extra) = unmatched(&found, &boxes);
        assert!(missed.is_empty() && extra.is_empty(), "{name}: missed {missed:?}, extra {extra:?}");
        assert!(found.is_sorted_by_key(|f| std::cmp::Reverse(f.confidence)), "{name}");
    }
}

#[test]
fn the_same_page_turned_by_quarters_has_the_same_imprints() {
    let (a, oval) = (Drawing::seal(8), Drawing { form: Form::Oval, ..Drawing::seal(9) });
    let (w, h) = (620u32, 480u32);
    let mut pixels = sheet(w, h, &[(&a, (160.0, 200.0), 120.0, 10.0), (&oval, (450.0, 240.0), 110.0, 0.0)]);
    let mut sides = (w as usize, h as usize);
    for quarter in 0..4 {
        let image = Image::from_pixels(sides.0 as u32, sides.1 as u32, 3, None, pixels.clone()).unwrap();
        let mut shapes: Vec<Shape> = imprint::find(&image).iter().map(|f| f.shape).collect();
        shapes.sort_by_key(|&s| s as u8);
        assert_eq!(shapes, [Shape::Round, Shape::Oval], "after {quarter} quarters");
        let mut turned = vec![0; pixels.len()];
        for y in 0..sides.1 {
            for x in 0..sides.0 {
                let to = (x * sides.1 + sides.1 - 1 - y) * 3;
                turned[to..to + 3].copy_from_slice(&pixels[(y * sides.0 + x) * 3..][..3]);
            }
        }
        (pixels, sides) = (turned, (sides.1, sides.0));
    }
}

/// Rows of blocks that look like characters.
fn text(width: usize, height: usize, ink: [u8; 3]) -> Vec<u8> {
    let mut pixels = vec![250; width * height * 3];
    for y in 0..height {
        for x in 0..width {
            let character = (x / 24 + y / 34 * 97) as u64;
            let inked = y % 34 < 22
                && x % 24 < 20
                && mixed(character * 64 + (x % 24 / 4 * 6 + y % 34 / 4) as u64).is_multiple_of(2);
            if inked {
                pixels[(y * width + x) * 3..][..3].copy_from_slice(&ink);
            }
        }
    }
    pixels
}

#[test]
fn what_is_no_seal_is_not_found() {
    let blank = |value| Image::from_pixels(300, 200, 3, None, vec![value; 180_000]).unwrap();
    let noise = (0..180_000).map(|k| mixed(k) as u8).collect();
    let disc = |inside: &dyn Fn(f64) -> bool| {
        let pixel = |k: usize| {
            let (x, y) = ((k % 300) as f64 - 150.0, (k / 300) as f64 - 150.0);
            if inside(x.hypot(y)) { [220, 20, 30] } else { [255; 3] }
        };
        Image::from_pixels(300, 300, 3, None, (0..90_000).flat_map(pixel).collect()).unwrap()
    };
    let mut bar = vec![255; 180_000];
    bar[60_000..90_000].chunks_exact_mut(3).for_each(|p| p.copy_from_slice(&[220, 10, 10]));
    // A table of red lines.
    let table =
        (0..400 * 500).flat_map(|k| if k % 400 % 90 < 2 || k / 400 % 60 < 2 { [200, 40, 50] } else { [255; 3] });
    // A matrix code.
    let code = (0..330 * 330).flat_map(|k| {
        let (x, y) = (k % 330 / 10, k / 330 / 10);
        let finder = |x: usize, y: usize| x < 7 && y < 7 && !(1..6).contains(&x.max(y).min(6 - x.min(y)));
        let dark = finder(x, y)
            || finder(32 - x, y)
            || finder(x, 32 - y)
            || (x.min(y) > 7 && mixed((x * 40 + y) as u64).is_multiple_of(2));
        if dark { [210, 20, 30] } else { [255; 3] }
    });
    for (name, image) in [
        ("white", blank(255)),
        ("black", blank(0)),
        ("grey", blank(128)),
        ("noise", Image::from_pixels(300, 200, 3, None, noise).unwrap()),
        ("a red bar", Image::from_pixels(300, 200, 3, None, bar).unwrap()),
        ("a red disc", disc(&|r| r < 120.0)),
        ("an empty ring", disc(&|r| (114.0..120.0).contains(&r))),
        ("red print", Image::from_pixels(720, 680, 3, None, text(720, 680, [210, 30, 40])).unwrap()),
        ("black print", Image::from_pixels(720, 680, 3, None, text(720, 680, [20, 20, 25])).unwrap()),
        ("a red table", Image::from_pixels(400, 500, 3, None, table.collect()).unwrap()),
        ("a red matrix code", Image::from_pixels(330, 330, 3, None, code.collect()).unwrap()),
        ("a transparent sheet", Image::from_pixels(200, 200, 4, None, vec![0; 160_000]).unwrap()),
        ("one pixel", Image::from_pixels(1, 1, 1, None, vec![0]).unwrap()),
        ("a line of pixels", Image::from_pixels(20_000, 1, 3, None, vec![7; 60_000]).unwrap()),
        ("too small a seal", picture(&Drawing::seal(6), 60, 14.0, 0.0)),
    ] {
        let found = imprint::find(&image);
        assert!(found.is_empty(), "{name}: {found:?}");
    }
}

#[test]
fn every_seal_on_the_pages_of_others_is_found() {
    let Some(shared) = support::shared_data() else { return };
    let text = std::fs::read_to_string(support::vectors().join("imprint/pages.json")).expect("pages.json");
    let listed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let number = |v: &serde_json::Value| v.as_f64().expect("a number");
    let mut pages: Vec<(String, Boxes, Boxes)> = Vec::new();
    for page in listed["pages"].as_array().unwrap() {
        let boxes = |name: &str| -> Vec<[f64; 4]> {
            let seals = page[name].as_array().map_or(&[][..], Vec::as_slice);
            seals.iter().map(|s| std::array::from_fn(|k| number(&s["box"][k]))).collect()
        };
        pages.push((page["file"].as_str().unwrap().to_owned(), boxes("seals"), boxes("optional")));
    }
    let folder = "private/imprints";
    let text = std::fs::read_to_string(shared.join("imprint").join(folder).join("boxes.json")).expect("boxes.json");
    let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
    for row in rows.as_array().unwrap() {
        let name = format!("{folder}/{}", row["page"].as_str().unwrap());
        if !pages.iter().any(|p| p.0 == name) {
            pages.push((name.clone(), Vec::new(), Vec::new()));
        }
        let page = pages.iter_mut().find(|p| p.0 == name).unwrap();
        let (s, c) = number(&row["rect_angle"]).to_radians().sin_cos();
        let (w, h) = (number(&row["w"]) / 2.0, number(&row["h"]) / 2.0);
        let (x, y) = (number(&row["cx"]), number(&row["cy"]));
        let (a, b) = (w * c.abs() + h * s.abs(), w * s.abs() + h * c.abs());
        // Where ink of an imprint is missing its box is not known.
        let boxes = if row["full"].as_bool().unwrap() { &mut page.1 } else { &mut page.2 };
        boxes.push([x - a, y - b, x + a, y + b]);
    }
    let (mut all, mut missed, mut extra) = (0, Vec::new(), Vec::new());
    for (file, boxes, optional) in &pages {
        let image = Image::decode(&std::fs::read(shared.join("imprint").join(file)).unwrap()).unwrap();
        let (left, more) = unmatched(&imprint::find(&image), boxes);
        let (_, more) = unmatched(&more, optional);
        all += boxes.len();
        missed.extend(left.iter().map(|b| (file, *b)));
        extra.extend(more.iter().map(|i| (file, i.bounds())));
    }
    assert!(pages.len() >= 14 && all >= 160, "{} pages, {all} seals", pages.len());
    // Every seal of the documents; of the sheets full of imprints, from crisp to ghostly, all but a few whose frame
    // is broken for more than a third.
    let (faint, lost): (Vec<_>, Vec<_>) = missed.into_iter().partition(|(file, _)| file.starts_with(folder));
    assert!(lost.is_empty(), "missed: {lost:?}");
    assert!(faint.len() <= 4, "missed: {faint:?}");
    assert!(extra.len() * 5 <= pages.len(), "more than 0.2 false boxes a page: {extra:?}");
}

#[test]
fn ink_is_unmixed_from_the_paper_and_from_black_print() {
    // A red that lets a little less red through, on yellowish paper, under black print of every strength.
    let paper = [250.0, 240.0, 215.0f64];
    let seal = [0.10, 0.62, 0.55];
    let (w, h) = (200usize, 200usize);
    let print = |x: usize| {
        if (90..110).contains(&x) {
            0.25
        } else if (120..140).contains(&x) {
            1.3
        } else {
            0.0
        }
    };
    let inked = |y: usize| (60..100).contains(&y);
    let stray = 12.0;
    let pixels = (0..w * h)
        .flat_map(|k| {
            [0, 1, 2].map(|c| {
                let density = print(k % w) + if inked(k / w) { seal[c] } else { 0.0 };
                ((paper[c] + stray) * 10f64.powf(-density) - stray).round().clamp(0.0, 255.0) as u8
            })
        })
        .collect();
    let image = Image::from_pixels(w as u32, h as u32, 3, None, pixels).unwrap();
    let imprint = Imprint::new(Shape::Square, Ink::Red, (100.0, 100.0), (80.0, 0.0), (0.0, 80.0)).unwrap();
    let plane = density(&image, &imprint);
    assert_eq!(plane.paper, [250, 240, 215]);
    let expected = f64::midpoint(seal[1], seal[2]) * 128.0;
    for y in (20..180).step_by(7) {
        for x in (20..180).step_by(3) {
            let at = plane.at(x, y);
            let dark = (120..140).contains(&x);
            match (dark, inked(y as usize)) {
                (true, false) => assert_eq!(at, None, "black print hides what is under it at {x} {y}"),
                // Under black print little light is left to tell.
                (true, true) => {}
                (false, true) => {
                    assert!((f64::from(at.unwrap()) - expected).abs() < 4.0, "{at:?} at {x} {y}, not {expected}")
                }
                (false, false) => assert!(at.unwrap() < 4, "{at:?} at {x} {y}"),
            }
        }
    }
    assert!((f64::from(plane.level) - expected).abs() < 5.0, "{}", plane.level);
    assert_eq!(plane.at(-500, 0), None);
    assert_eq!((plane.width, plane.height, plane.ink.len()), (plane.height, plane.width, plane.ignore.len()));
    // Beyond the picture nothing is known.
    let beyond = Imprint::new(Shape::Round, Ink::Red, (0.0, 0.0), (80.0, 0.0), (0.0, 80.0)).unwrap();
    let plane = density(&image, &beyond);
    assert_eq!((plane.at(-5, 5), plane.at(5, 5)), (None, Some(0)));
}

#[test]
fn imprints_made_by_hand_are_checked() {
    let make = |centre, u, v| Imprint::new(Shape::Oval, Ink::Blue, centre, u, v);
    let good = make((100.0, 90.0), (30.0, 40.0), (-20.0, 15.0)).unwrap();
    assert_eq!((good.centre, good.u, good.v), ((1600, 1440), (480, 640), (-320, 240)));
    assert_eq!((good.confidence, good.size_mm()), (255, None));
    assert!((good.angle() + 53.13).abs() < 0.01);
    for (field, made) in [
        ("centre", make((f64::NAN, 0.0), (30.0, 0.0), (0.0, 30.0))),
        ("centre", make((1e9, 0.0), (30.0, 0.0), (0.0, 30.0))),
        ("axes", make((0.0, 0.0), (f64::INFINITY, 0.0), (0.0, 30.0))),
        ("axes", make((0.0, 0.0), (30.0, 0.0), (0.0, 1.0))),
        ("axes", make((0.0, 0.0), (30.0, 0.0), (20.0, 20.0))),
    ] {
        assert!(matches!(made, Err(Error::InvalidArgument { field: f, .. }) if f == field), "{field}: {made:?}");
    }
}
