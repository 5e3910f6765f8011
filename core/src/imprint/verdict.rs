//! From measurements to one of four words. Every threshold stands in the one table here.

use super::elements::PartKind;

/// What a comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Nothing beyond the play of genuine imprints differs. A seal cut from the same artwork shows the same design.
    Matches,
    /// The registered text, in another geometry: a seal cut anew.
    LookAlike,
    /// Another design.
    Different,
    /// Too little of the imprint is clear enough to tell.
    Insufficient,
}

/// What is measured against a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Share of the ink that lies further than 0.2 mm from registered ink.
    Extra,
    /// The same in the neighbourhood of one part, of that part's ink.
    PartExtra,
    /// Outlines beside one part that the registered seal has not, of its own outlines' length.
    PartStray,
    /// Local displacement, rms over blocks of 2.4 mm, in mm.
    DisplacementRms,
    /// Local displacement that a tenth of the blocks exceeds, in mm.
    DisplacementP90,
    /// The shifts of the parts (characters and star) against the whole, rms in mm.
    ShiftRms,
    /// What of these shifts the other parts do not foretell, rms in mm: paper and rubber move neighbours alike.
    ShiftAlone,
    /// The scatter of the outlines about the best fit of each part, in mm: other strokes.
    Scatter,
    /// The shift of one part against the whole, in mm.
    PartShift,
    /// The turn of one part against the whole, in degrees.
    PartTurn,
    /// The growth of one part against the whole, a share.
    PartGrowth,
    /// How much wider the border is than the strokes of the characters beside it are at this ink, beyond what blur does to
    /// thin strokes, in mm.
    PartWidth,
    /// How much further out the edges of the star lie than the border's at this ink, in mm: all edges of a larger star lie
    /// further out by the same, as by more ink, so only the rest of the seal tells the two apart.
    StarSize,
    /// Parts that are gone though the parts around them are there.
    Absent,
    /// The size against the registered one, a share; only on pictures of known resolution.
    Size,
    /// The correlation of the whole, 0 to 1; below its limit the design is another.
    Likeness,
    /// The share of the registered ink that is there, 0 to 1; below its limit there is no verdict.
    Coverage,
    /// The share of the registered ink of characters and stars that neither print nor another imprint hides, 0 to 1;
    /// below its limit there is no verdict.
    Clear,
}

/// A threshold, and how often it errs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// What is measured.
    pub measure: Measure,
    /// From here on the imprint is a look-alike, by this alone (for [`Measure::Likeness`], [`Measure::Coverage`] and [`Measure::Clear`]: below it).
    pub limit: f64,
}

/// The thresholds. They are chosen from what genuine imprints do (elastic play of 42 to 68 um rms, a gain of up to
/// 0.1 mm of stroke, missing ink), not from the forgeries of one set; `core/docs/imprint.md` says of each why there.
pub const THRESHOLDS: [Threshold; 18] = [
    Threshold { measure: Measure::Extra, limit: 0.035 },
    Threshold { measure: Measure::PartExtra, limit: 0.14 },
    Threshold { measure: Measure::PartStray, limit: 0.085 },
    Threshold { measure: Measure::DisplacementRms, limit: 0.087 },
    Threshold { measure: Measure::DisplacementP90, limit: 0.17 },
    Threshold { measure: Measure::ShiftRms, limit: 0.08 },
    Threshold { measure: Measure::ShiftAlone, limit: 0.08 },
    Threshold { measure: Measure::Scatter, limit: 0.0535 },
    Threshold { measure: Measure::PartShift, limit: 0.17 },
    Threshold { measure: Measure::PartTurn, limit: 1.6 },
    Threshold { measure: Measure::PartGrowth, limit: 0.02 },
    Threshold { measure: Measure::PartWidth, limit: 0.08 },
    Threshold { measure: Measure::StarSize, limit: 0.11 },
    Threshold { measure: Measure::Absent, limit: 2.5 },
    Threshold { measure: Measure::Size, limit: 0.035 },
    Threshold { measure: Measure::Likeness, limit: 0.40 },
    Threshold { measure: Measure::Coverage, limit: 0.35 },
    Threshold { measure: Measure::Clear, limit: 0.35 },
];

/// The limit of a measure.
pub(super) fn limit(measure: Measure) -> f64 {
    THRESHOLDS.iter().find(|t| t.measure == measure).map_or(f64::INFINITY, |t| t.limit)
}

/// One measurement that a verdict may rest on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// What was measured.
    pub measure: Measure,
    /// The part it was measured on, by its place in the list of parts; None for the whole.
    pub part: Option<usize>,
    /// Its value, in the measure's unit.
    pub value: f64,
    /// The value over the limit, with its allowances: from 1 on it decides alone, below with others near theirs.
    pub ratio: f64,
}

/// What a faint imprint adds to the play of its outlines: measured on imprints of one seal from crisp to ghostly, the
/// displacements grow by half from full coverage to 0.5. Crisp imprints are held to the limits as they stand.
pub(super) fn allowance(coverage: f64) -> f64 {
    1.0 + (0.85 - coverage).clamp(0.0, 0.35)
}

/// So many blocks of the local displacement, and so many parts, play alike: rubber and paper move 5 mm together.
pub(super) const BLOCKS_ALIKE: usize = 8;
pub(super) const PARTS_ALIKE: usize = 2;

/// What few places add to the limit of a root mean square over them, against twenty: the quantile of its chi-squared.
pub(super) fn few(parts: usize) -> f64 {
    let width = |n: f64| (1.0 + 2.3 / (2.0 * n).sqrt()).sqrt();
    (width(parts.max(1) as f64) / width(20.0)).max(1.0)
}

impl Evidence {
    /// Evidence of displacement, with the allowance for a faint imprint.
    pub(super) fn of_play(measure: Measure, part: Option<usize>, value: f64, coverage: f64) -> Self {
        let plain = Self::of(measure, part, value);
        Evidence { ratio: plain.ratio / allowance(coverage), ..plain }
    }

    pub(super) fn of(measure: Measure, part: Option<usize>, value: f64) -> Self {
        Evidence { measure, part, value, ratio: value / limit(measure) }
    }
}

/// What a part's measures mean on it: a character's turn is measured by little ink.
pub(super) fn judges_shape(kind: PartKind) -> bool {
    kind == PartKind::Star
}

/// More extra ink than this of the whole, or of the characters alone, is another design, however well the rest lies.
pub(super) const OTHER_DESIGN_EXTRA: f64 = 0.22;
pub(super) const OTHER_TEXT_EXTRA: f64 = 0.21;

/// With so much extra ink and no more likeness than this the design is another.
pub(super) const OTHER_DESIGN: (f64, f64) = (0.10, 0.70);

/// With less ink than this share of the registered ink nothing can be said.
pub(super) const LEAST_AMOUNT: f64 = 0.2;

/// How strongly one piece of evidence outweighs many: the power of the norm of all.
const TOGETHER: i32 = 8;

/// All evidence together: the norm of the strongest of each measure, over its limit. One at its limit decides as ever;
/// several that are each beyond what is usual do so together.
pub(super) fn together(evidence: &[Evidence]) -> f64 {
    let strongest = |measure| evidence.iter().filter(|e| e.measure == measure).map(|e| e.ratio).fold(0.0, f64::max);
    THRESHOLDS.iter().map(|t| strongest(t.measure).powi(TOGETHER)).sum::<f64>().powf(1.0 / f64::from(TOGETHER))
}

/// Blur widens the thin strokes of characters against a border, by so many pixels of the picture. Where the registered
/// seal is a mean of imprints it is blurred alike.
const BLUR_PIXELS: f64 = 0.6;

/// How much of a border's width, against the strokes of the characters, blur does not explain, in mm.
pub(super) fn unblurred(width: f64, pixel_mm: f64) -> f64 {
    width.max(-width - BLUR_PIXELS * pixel_mm).max(0.0)
}

/// The pixel of a scan at 300 dpi, at which the limits are set, in mm.
const PIXEL_MM: f64 = 25.4 / 300.0;

/// What each further pixel of that size adds to the limits of scatter and of stray outlines: on coarser scans every edge
/// is less sure, and strokes that are close together run into each other.
const COARSE_SCATTER: f64 = 0.12;
const COARSE_STRAY: f64 = 0.5;

/// The allowance of a measure for a picture of coarse pixels.
pub(super) fn coarse(measure: Measure, pixel_mm: f64) -> f64 {
    let share = match measure {
        Measure::Scatter => COARSE_SCATTER,
        Measure::PartStray => COARSE_STRAY,
        _ => 0.0,
    };
    1.0 + share * (pixel_mm / PIXEL_MM - 1.0).max(0.0)
}

/// What the scatter of its few outlines adds to the limit of one part's shift: twice the noise that it makes, in mm.
pub(super) fn unsure(noise: f64) -> f64 {
    1.0 + 2.0 * noise / limit(Measure::PartShift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_near_their_limits_decide_together() {
        let near = |measure, ratio| Evidence { ratio, ..Evidence::of(measure, None, 0.0) };
        let one = near(Measure::Scatter, 0.95);
        assert!((together(&[one]) - 0.95).abs() < 1e-12);
        // The same measure of two parts is one.
        assert!((together(&[one, near(Measure::Scatter, 0.9)]) - 0.95).abs() < 1e-12);
        assert!(together(&[one, near(Measure::ShiftAlone, 0.95)]) > 1.0);
        assert!(together(&[one, near(Measure::ShiftAlone, 0.6)]) < 0.96);
        assert_eq!(together(&[]), 0.0);
    }

    #[test]
    fn blur_explains_a_thinner_border_but_no_wider_one() {
        let pixel = 0.1;
        assert!((unblurred(0.2, pixel) - 0.2).abs() < 1e-12);
        assert_eq!(unblurred(-0.05, pixel), 0.0);
        assert!((unblurred(-0.2, pixel) - 0.14).abs() < 1e-12);
    }
}
