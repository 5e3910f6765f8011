//! A questioned imprint against a registered seal.

use super::alarm::{Alarm, REPEATED, alarms, repeats};
use super::align::align;
use super::density::{Density, density};
use super::elements::PartKind;
use super::find::{Imprint, Shape};
use super::fingerprint::Fingerprint;
use super::image::Image;
use super::ink::Ink;
use super::measure::{Block, Laid, Measured, measure};
use super::outward::border_outward;
use super::plane::Map;
use super::play::{play, scatter};
use super::rates::{ERROR_RATES, ErrorRate};
use super::registered::{Design, Registered, levelled};
use super::scan::Scan;
use super::shares::{HOLLOW, absent, hollow, lost_line, obscured};
use super::turn::turns;
use super::verdict::{
    BLOCKS_ALIKE, Evidence, LEAST_AMOUNT, Measure, OTHER_DESIGN, OTHER_DESIGN_EXTRA, OTHER_TEXT_EXTRA, PARTS_ALIKE,
    Verdict, allowance, coarse, few, judges_shape, limit, together, unblurred, unsure,
};
use std::sync::Arc;

/// On grey pictures the edges of print, blurred by paper, lens and file, are as grey as ink: so far from print, in mm.
const FRINGE_MM: f64 = 0.12;

/// A part of the registered design, and how the questioned imprint shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct PartComparison {
    /// What it is.
    pub kind: PartKind,
    /// Its middle from the seal's middle and its size, in mm, to the right and down.
    pub centre_mm: (f64, f64),
    /// Width and height in mm.
    pub size_mm: (f64, f64),
    /// Its shift against the whole in mm, to the right and down.
    pub shift_mm: (f64, f64),
    /// Its turn against the whole in degrees, counter-clockwise.
    pub turn_degrees: f64,
    /// Its growth against the whole, a share.
    pub growth: f64,
    /// How much wider its strokes are than the others' at this ink, those of the border than of the characters beside it,
    /// in mm.
    pub width_mm: f64,
    /// Ink beside it further than the tolerance, over its own ink.
    pub extra: f64,
    /// The share of its ink that is there.
    pub coverage: f64,
    /// The share of its registered ink that neither print nor another imprint hides.
    pub clear: f64,
    /// Whether enough of its outline is clear to judge shift, turn, growth and width.
    pub judged: bool,
    /// The strongest evidence against it, value over limit.
    pub ratio: f64,
}

/// The outcome of [`compare`].
#[derive(Clone)]
pub struct Comparison {
    /// The verdict.
    pub verdict: Verdict,
    /// What decided: the strongest evidence. Of a look-alike by several together it may lie below its own limit.
    pub decided_by: Evidence,
    /// All evidence, the strongest first.
    pub evidence: Vec<Evidence>,
    /// All evidence together, the norm of each over its limit: from 1 on a look-alike. The larger, the less it is the
    /// registered design. Finite.
    pub score: f64,
    /// The parts of the design, the border first.
    pub parts: Vec<PartComparison>,
    /// The correlation of the whole after alignment, 0 to 1.
    pub likeness: f64,
    /// Share of the ink further than 0.2 mm from registered ink.
    pub extra: f64,
    /// The same of the characters' ink alone.
    pub extra_text: f64,
    /// Local displacement in mm: root mean square, and what a tenth exceeds.
    pub displacement_rms_mm: f64,
    /// The 90th percentile of the local displacement, in mm.
    pub displacement_p90_mm: f64,
    /// The share of the registered ink that is there.
    pub coverage: f64,
    /// The share of the registered ink of characters and stars that neither print nor another imprint hides.
    pub clear: f64,
    /// How much further than registered the ink reaches at every edge, in mm.
    pub gain_mm: f64,
    /// How the imprint is turned on its picture against the registered one, degrees counter-clockwise, 0 to 360.
    pub angle: f64,
    /// Its size against the registered one; None if the picture's resolution is unknown.
    pub scale: Option<f64>,
    pub(super) laid: Arc<Laid>,
    /// The ink as it is on the picture: what only the alarms need.
    density: Arc<Density>,
    pub(super) design: Arc<Design>,
    pub(super) blocks: Vec<Block>,
    pub(super) tolerance: Vec<f32>,
    pub(super) per_mm: f64,
}

/// Compare the imprint on a picture with a registered seal.
///
/// Ink that the questioned imprint lacks is no evidence (stamps miss ink) and only lowers the coverage; ink that the
/// registered seal lacks is. What print hides is not judged, nor ink that may be another imprint's.
///
/// # Inputs
/// `others`: the other imprints on the picture, as [`super::find()`] gives them; this one may be among them.
///
/// # Source
/// Own method. The alignment: Baker and Matthews. The asymmetry: Horiuchi, ICDAR 2001; the abstention: Ueda 1994.
pub fn compare(registered: &Registered, image: &Image, imprint: &Imprint, others: &[Imprint]) -> Comparison {
    let design = registered.design();
    let mut density = density(image, imprint);
    let fingerprint = Fingerprint::measured(&density, imprint);
    let frame = &registered.frame;
    let per_mm = frame.per_mm;
    if imprint.ink == Ink::Grey {
        density.ignore_fringes(FRINGE_MM * per_mm * coarseness(registered, imprint));
    }
    let (scan, rough) = laid_roughly(registered, imprint, &density, &fingerprint);
    let (map, likeness) = align(&design.levels, &scan, &rough).unwrap_or((rough[0], 0.0));
    let ink = scan.ink.warped_and_blurred(&map, frame.side, (0.05 * per_mm as f32).max(0.5));
    let hidden = scan.hidden.as_ref().map(|plane| plane.warped_mask(&map, frame.side));
    let mut laid = Laid { ink: levelled(&ink, 0.45), pressed: ink, hidden, foreign: Vec::new() };
    let over: Vec<&Imprint> =
        others.iter().filter(|other| other.ink == imprint.ink && other.is_over(imprint)).collect();
    if !over.is_empty() {
        let origin = scan.of_picture().inverse().unwrap_or(Map::scale(1.0, 0.0)).after(&map);
        laid.hide_foreign(design, per_mm as f32, |x, y| {
            let place = origin.apply(x as f64, y as f64);
            over.iter().any(|other| other.holds(place))
        });
    }
    if imprint.ink == Ink::Grey {
        laid.hide_thin_print(design, per_mm as f32);
    }
    let measured = measure(design, &laid, per_mm as f32);

    let picture = scan.of_picture().inverse().map_or(map, |back| back.after(&map));
    let [a, b, c, d] = picture.slope(frame.centre(), frame.centre());
    let angle = (-(c - b).atan2(a + d).to_degrees()).rem_euclid(360.0);
    let scale = imprint
        .pixels_per_metre
        .or(image.pixels_per_metre())
        .map(|per_metre| (a * d - b * c).abs().sqrt() * per_mm / (f64::from(per_metre) / 1000.0));
    let pixel_mm = 1.0 / (coarseness(registered, imprint) * per_mm);
    judge(registered, design, (laid, density), measured, likeness, (angle, scale, pixel_mm))
}

/// Pixels of the picture in one of the registered frame.
fn coarseness(registered: &Registered, imprint: &Imprint) -> f64 {
    let longer = |[u, v]: [(f64, f64); 2]| u.0.hypot(u.1).max(v.0.hypot(v.1));
    longer([real(imprint.u), real(imprint.v)]) / longer(registered.frame.axes)
}

fn real((x, y): (i64, i64)) -> (f64, f64) {
    (x as f64 / 16.0, y as f64 / 16.0)
}

/// The ink to align, and the maps from the frame to it where the imprint may lie.
pub(super) fn laid_roughly(
    registered: &Registered,
    imprint: &Imprint,
    density: &Density,
    fingerprint: &Fingerprint,
) -> (Scan, Vec<Map>) {
    let scan = Scan::new(density, coarseness(registered, imprint));
    let into = scan.of_picture();
    let rough = rough_maps(registered, imprint, fingerprint).iter().map(|map| into.after(map)).collect();
    (scan, rough)
}

/// Where the imprint may lie: the best turns of its axes.
fn rough_maps(registered: &Registered, imprint: &Imprint, fingerprint: &Fingerprint) -> Vec<Map> {
    let frame = &registered.frame;
    let [ru, rv] = frame.axes;
    let c = frame.centre();
    let (x, y) = real(imprint.centre);
    let (u, v) = (real(imprint.u), real(imprint.v));
    let from = Map::affine(ru.0, rv.0, c, ru.1, rv.1, c);
    let to = Map::affine(u.0, v.0, x, u.1, v.1, y);
    let Some(from) = from.inverse() else { return vec![to] };
    let mut found = turns(&registered.fingerprint, fingerprint, 3);
    if imprint.shape == Shape::Square {
        // A faint frame misleads the correlation: each of the four turns is tried.
        let near = |k: f64| super::turn::Turn { radians: k * std::f64::consts::FRAC_PI_2, score: 0.0 };
        found = (0..4).map(|k| near(f64::from(k))).collect();
    }
    let turned = |to: &Map| -> Vec<Map> {
        let turn = |turn: &super::turn::Turn| {
            let (s, c) = turn.radians.sin_cos();
            to.after(&Map::affine(c, -s, 0.0, s, c, 0.0)).after(&from)
        };
        found.iter().map(turn).collect()
    };
    let mut maps = turned(&to);
    // A border of another size than the registered one may be cut off at either side.
    let size = |(x, y): (f64, f64)| x.hypot(y);
    if let Some(per_metre) = imprint.pixels_per_metre {
        let pixels = f64::from(per_metre) / 1000.0 / frame.per_mm;
        let grown = [(u, size(ru)), (v, size(rv))].map(|(axis, registered)| registered * pixels / size(axis).max(1.0));
        if grown.iter().any(|g| (g - 1.0).abs() > 0.04) && grown.iter().all(|g| (0.5..2.5).contains(g)) {
            let stretched = |(x, y): (f64, f64), g: f64| (x * g, y * g);
            let (wide, high) = (stretched(u, grown[0]), stretched(v, grown[1]));
            for across in [-1.0, 0.0, 1.0] {
                for along in [-1.0, 0.0, 1.0] {
                    let off = (
                        u.0 * (grown[0] - 1.0) * across + v.0 * (grown[1] - 1.0) * along,
                        u.1 * (grown[0] - 1.0) * across + v.1 * (grown[1] - 1.0) * along,
                    );
                    maps.extend(turned(&Map::affine(wide.0, high.0, x + off.0, wide.1, high.1, y + off.1)));
                }
            }
        }
    }
    maps
}

fn judge(
    registered: &Registered,
    design: &Arc<Design>,
    (laid, density): (Laid, Density),
    measured: Measured,
    likeness: f64,
    (angle, scale, pixel_mm): (f64, Option<f64>, f64),
) -> Comparison {
    let per_mm = registered.frame.per_mm;
    let typical = typical_gain(&measured);
    // Blur moves the edges of thin strokes, not those of a border or a star: these are held against each other.
    let border = design.parts.iter().zip(&measured.fits).find(|(part, fit)| part.kind == PartKind::Border && fit.sized);
    let solid = border.map_or(typical, |(_, fit)| fit.outward);
    let centre = f64::from(design.outline.centre);
    let coverage = f64::from(measured.present_all);
    let play_of = |measure, part, value| {
        let plain = Evidence::of_play(measure, part, value, coverage);
        Evidence { ratio: plain.ratio / coarse(measure, pixel_mm), ..plain }
    };
    // Over so few places the play of an imprint averages less.
    let of_few = |measure, value, n| {
        let plain = play_of(measure, None, f64::from(value));
        Evidence { ratio: plain.ratio / few(n), ..plain }
    };
    let blocks = measured.blocks.len() / BLOCKS_ALIKE;
    let mut evidence = vec![
        Evidence::of(Measure::Extra, None, f64::from(measured.extra_all)),
        of_few(Measure::DisplacementRms, measured.rms, blocks),
        of_few(Measure::DisplacementP90, measured.p90, blocks),
    ];
    let (scattered, judged) = scatter(&measured.fits);
    evidence.push(of_few(Measure::Scatter, scattered, judged));
    evidence.push(Evidence::of(Measure::Absent, None, f64::from(absent(design, &measured.present, per_mm as f32))));
    if let Some((all, alone, n)) = play(design, &measured.fits, per_mm as f32) {
        let n = n / PARTS_ALIKE;
        evidence.extend([of_few(Measure::ShiftRms, all, n), of_few(Measure::ShiftAlone, alone, n)]);
    }
    if let Some(scale) = scale {
        evidence.push(Evidence::of(Measure::Size, None, (scale - 1.0).abs()));
    }
    let mut parts = Vec::with_capacity(design.parts.len());
    for (k, part) in design.parts.iter().enumerate() {
        let fit = &measured.fits[k];
        let extra = f64::from(measured.extra[k]);
        let beside = (part.kind == PartKind::Border)
            .then(|| border_outward(design, &measured.fits, &measured.border, per_mm as f32))
            .flatten();
        let width = 2.0 * f64::from(beside.unwrap_or(fit.outward - typical));
        let mut own = Vec::new();
        own.push(Evidence::of(Measure::PartExtra, Some(k), extra));
        // Specks have hardly an outline.
        if f64::from(part.area) > 1.5 * per_mm * per_mm && part.kind == PartKind::Character {
            own.push(play_of(Measure::PartStray, Some(k), f64::from(measured.stray[k])));
        }
        if fit.judged {
            let shift = f64::from(fit.displacement());
            let plain = play_of(Measure::PartShift, Some(k), shift);
            own.push(Evidence { ratio: plain.ratio / unsure(f64::from(fit.noise)), ..plain });
            if judges_shape(part.kind) {
                own.push(Evidence::of(Measure::PartTurn, Some(k), f64::from(fit.turn.abs().to_degrees())));
                own.push(Evidence::of(Measure::PartGrowth, Some(k), f64::from(fit.growth.abs())));
            }
        }
        match part.kind {
            PartKind::Border if fit.sized => {
                // A difference of two widths: each plays.
                let plain = play_of(Measure::PartWidth, Some(k), unblurred(width, pixel_mm));
                own.push(Evidence { ratio: plain.ratio / allowance(coverage), ..plain });
            }
            PartKind::Star if fit.sized => {
                own.push(play_of(Measure::StarSize, Some(k), f64::from((fit.outward - solid).abs())));
            }
            _ => {}
        }
        let ratio = own.iter().map(|e| e.ratio).fold(0.0, f64::max);
        evidence.extend(own);
        let mm = |v: f32| f64::from(v) / per_mm;
        parts.push(PartComparison {
            kind: part.kind,
            centre_mm: ((f64::from(part.centre.0) - centre) / per_mm, (f64::from(part.centre.1) - centre) / per_mm),
            size_mm: (mm(part.half.0) * 2.0, mm(part.half.1) * 2.0),
            shift_mm: (f64::from(fit.shift.0), f64::from(fit.shift.1)),
            turn_degrees: -f64::from(fit.turn.to_degrees()),
            growth: f64::from(fit.growth),
            width_mm: width,
            extra,
            coverage: f64::from(measured.present[k]),
            clear: f64::from(measured.clear[k]),
            judged: fit.judged,
            ratio,
        });
    }
    evidence.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
    let score = together(&evidence);
    let (extra, amount) = (f64::from(measured.extra_all), f64::from(measured.amount));
    let text = f64::from(measured.extra_text);
    let weak = Evidence {
        ratio: limit(Measure::Coverage) / coverage.max(1e-3),
        ..Evidence::of(Measure::Coverage, None, coverage)
    };
    let clear = f64::from(measured.clear_all);
    let unclear =
        Evidence { ratio: limit(Measure::Clear) / clear.max(1e-3), ..Evidence::of(Measure::Clear, None, clear) };
    let unlike = Evidence {
        ratio: limit(Measure::Likeness) / likeness.max(1e-3),
        ..Evidence::of(Measure::Likeness, None, likeness)
    };
    let seen: Vec<f32> = measured.present.iter().zip(&measured.clear).map(|(there, clear)| there.min(*clear)).collect();
    let (verdict, decided_by) = if amount < LEAST_AMOUNT {
        (Verdict::Insufficient, weak)
    } else if extra >= OTHER_DESIGN_EXTRA
        || text >= OTHER_TEXT_EXTRA
        || extra >= OTHER_DESIGN.0 && likeness < OTHER_DESIGN.1
    {
        (Verdict::Different, Evidence::of(Measure::Extra, None, extra))
    } else if coverage < limit(Measure::Coverage) {
        (Verdict::Insufficient, weak)
    } else if clear < limit(Measure::Clear) {
        (Verdict::Insufficient, unclear)
    } else if likeness < limit(Measure::Likeness) {
        (Verdict::Different, unlike)
    } else if score >= 1.0 {
        (Verdict::LookAlike, evidence[0])
    } else if let Some(k) = lost_line(design, &seen, per_mm as f32).or_else(|| hollow(design, &seen, per_mm as f32)) {
        let (there, clear) = (f64::from(measured.present[k]), f64::from(measured.clear[k]));
        let (measure, share) = if there < clear { (Measure::Coverage, there) } else { (Measure::Clear, clear) };
        let ratio = f64::from(HOLLOW) / share.max(1e-3);
        (Verdict::Insufficient, Evidence { ratio, ..Evidence::of(measure, Some(k), share) })
    } else if let Some((k, share)) = obscured(design, &measured.present, &measured.clear, per_mm as f32) {
        let ratio = f64::from(HOLLOW / share.max(1e-3));
        (Verdict::Insufficient, Evidence { ratio, ..Evidence::of(Measure::Clear, Some(k), f64::from(share)) })
    } else {
        (Verdict::Matches, evidence[0])
    };
    Comparison {
        verdict,
        decided_by,
        score: score.max(unlike.ratio.min(10.0)),
        evidence,
        parts,
        likeness,
        extra,
        extra_text: text,
        displacement_rms_mm: f64::from(measured.rms),
        displacement_p90_mm: f64::from(measured.p90),
        coverage,
        clear,
        gain_mm: f64::from(measured.gain),
        angle,
        scale,
        laid: Arc::new(laid),
        density: Arc::new(density),
        design: Arc::clone(design),
        blocks: measured.blocks,
        tolerance: measured.tolerance,
        per_mm,
    }
}

/// The gain of the middle part: what this ink and pressure do to every stroke.
fn typical_gain(measured: &Measured) -> f32 {
    let mut gains: Vec<f32> = measured.fits.iter().filter(|fit| fit.judged).map(|fit| fit.outward).collect();
    if gains.len() < 3 {
        return measured.gain;
    }
    let middle = gains.len() / 2;
    *gains.select_nth_unstable_by(middle, f32::total_cmp).1
}

impl Comparison {
    /// Signs that the imprint was not stamped, but drawn or printed; none where there is too little ink to tell.
    pub fn alarms(&self) -> Vec<Alarm> {
        match self.verdict {
            Verdict::Insufficient => Vec::new(),
            _ => alarms(&self.design, &self.laid, &self.density, self.per_mm as f32),
        }
    }

    /// How much the ink's texture repeats that of another imprint of the same seal, -1 to 1.
    ///
    /// Pores, streaks and pressure are new with every stamping; what the design itself does to the ink (it is paler
    /// towards the edges of strokes) is taken off first. A pasted or copied imprint repeats the first.
    /// [`Comparison::is_repeated`] says from where on it is alarming. 0 where the two have too little ink in common, or
    /// where they were compared with different seals.
    pub fn repetition(&self, other: &Comparison) -> f64 {
        if Arc::ptr_eq(&self.design, &other.design) || self.design.plane.values == other.design.plane.values {
            repeats(&self.design, &self.laid, &other.laid, self.per_mm as f32)
        } else {
            0.0
        }
    }

    /// Whether one of two imprints of the same seal was made from the other: pasted, copied or printed.
    pub fn is_repeated(&self, other: &Comparison) -> bool {
        self.repetition(other) >= REPEATED
    }

    /// How often the verdict errs on imprints of this coverage, as it was counted.
    pub fn error_rates(&self) -> impl Iterator<Item = &'static ErrorRate> {
        let coverage = self.coverage;
        ERROR_RATES.iter().filter(move |rate| rate.holds_at(coverage))
    }
}

impl std::fmt::Debug for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Comparison({:?} by {:?}, coverage {:.2})", self.verdict, self.decided_by, self.coverage)
    }
}
