//! Fingerprints, registered seals and comparisons.

use crate::error::{CoreError, PyCoreResult};
use crate::imprint::{Imprint, Picture, pixels_per_metre, shape_name};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView};
use sealcore::imprint::{self, CODE_LENGTH, FINGERPRINT_LENGTH, Measure, Mistake, PartKind, Source, Verdict};

/// What an imprint looks like, apart from place, size and rotation.
#[pyclass(frozen, eq, hash, module = "sealcore.imprint")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint(pub(crate) imprint::Fingerprint);

#[pymethods]
impl Fingerprint {
    /// The length of a stored fingerprint in bytes.
    #[classattr]
    const LENGTH: usize = FINGERPRINT_LENGTH;

    /// The length of the code in bits.
    #[classattr]
    const CODE_BITS: usize = CODE_LENGTH * 8;

    /// A stored fingerprint.
    #[staticmethod]
    fn from_bytes(data: crate::bytes::Bytes<'_>) -> PyCoreResult<Self> {
        Ok(Fingerprint(imprint::Fingerprint::from_bytes(data.as_slice())?))
    }

    /// The bytes to store.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.as_bytes())
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        self.to_bytes(py)
    }

    /// "round", "oval" or "square".
    #[getter]
    fn shape(&self) -> &'static str {
        shape_name(self.0.shape())
    }

    /// The share of the area inside the border that carried ink, 0 to 1.
    #[getter]
    fn coverage(&self) -> f64 {
        f64::from(self.0.coverage()) / 255.0
    }

    /// The 256 bytes for searching, the same however the imprint is turned.
    #[getter]
    fn code<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.code())
    }

    /// In how many of the 2,048 bits of the code two fingerprints differ.
    fn code_distance(&self, other: &Fingerprint) -> u32 {
        self.0.code_distance(&other.0)
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<Fingerprint>().getattr("from_bytes")?, (self.to_bytes(py),)))
    }
}

/// A seal as the registry knows it.
#[pyclass(frozen, module = "sealcore.imprint")]
pub(crate) struct Registered(imprint::Registered);

#[pymethods]
impl Registered {
    /// A stored seal.
    #[staticmethod]
    fn from_bytes(data: crate::bytes::Bytes<'_>) -> PyCoreResult<Self> {
        Ok(Registered(imprint::Registered::from_bytes(data.as_slice())?))
    }

    /// The bytes to store.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.to_bytes())
    }

    /// The design as a picture: red on white, a PNG file.
    fn to_png<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.to_png())
    }

    /// The fingerprint of the design.
    #[getter]
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint(self.0.fingerprint().clone())
    }

    /// "round", "oval" or "square".
    #[getter]
    fn shape(&self) -> &'static str {
        shape_name(self.0.shape())
    }

    /// Width and height, border to border, in millimetres.
    #[getter]
    fn size_mm(&self) -> (f64, f64) {
        self.0.size_mm()
    }

    /// Of how many imprints it is the mean; 1 for a drawing.
    #[getter]
    fn imprints(&self) -> u16 {
        self.0.imprints()
    }

    /// The seal's own elastic spread between its imprints, rms in mm; None if fewer than three are known.
    #[getter]
    fn spread_mm(&self) -> Option<f64> {
        self.0.spread_mm()
    }

    fn __repr__(&self) -> String {
        let (width, height) = self.0.size_mm();
        format!("Registered({}, {width:.1} x {height:.1} mm, imprints {})", self.shape(), self.0.imprints())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<Registered>().getattr("from_bytes")?, (self.to_bytes(py),)))
    }
}

fn measure_name(measure: Measure) -> &'static str {
    match measure {
        Measure::Extra => "extra",
        Measure::PartExtra => "part_extra",
        Measure::PartStray => "part_stray",
        Measure::DisplacementRms => "displacement_rms",
        Measure::DisplacementP90 => "displacement_p90",
        Measure::ShiftRms => "shift_rms",
        Measure::ShiftAlone => "shift_alone",
        Measure::Scatter => "scatter",
        Measure::Absent => "absent",
        Measure::PartShift => "part_shift",
        Measure::PartTurn => "part_turn",
        Measure::PartGrowth => "part_growth",
        Measure::PartWidth => "part_width",
        Measure::StarSize => "star_size",
        Measure::Size => "size",
        Measure::Likeness => "likeness",
        Measure::Coverage => "coverage",
        Measure::Clear => "clear",
    }
}

/// One measurement that a verdict may rest on.
#[pyclass(frozen, get_all, module = "sealcore.imprint")]
#[derive(Clone)]
pub(crate) struct Evidence {
    /// What was measured.
    measure: &'static str,
    /// The place of its part in the list of parts; None for the whole.
    part: Option<usize>,
    /// Its value, in the measure's unit.
    value: f64,
    /// The value over the limit: from 1 on it decides.
    ratio: f64,
}

impl From<imprint::Evidence> for Evidence {
    fn from(e: imprint::Evidence) -> Self {
        Evidence { measure: measure_name(e.measure), part: e.part, value: e.value, ratio: e.ratio }
    }
}

#[pymethods]
impl Evidence {
    fn __repr__(&self) -> String {
        let part = self.part.map_or(String::new(), |part| format!(" of part {part}"));
        format!("Evidence({}{part} {:.4}, {:.2} of the limit)", self.measure, self.value, self.ratio)
    }
}

/// A part of the registered design, and how the questioned imprint shows it.
#[pyclass(frozen, get_all, module = "sealcore.imprint")]
#[derive(Clone)]
pub(crate) struct Part {
    /// "border", "star" or "character".
    kind: &'static str,
    centre_mm: (f64, f64),
    size_mm: (f64, f64),
    shift_mm: (f64, f64),
    turn: f64,
    growth: f64,
    width_mm: f64,
    extra: f64,
    coverage: f64,
    clear: f64,
    judged: bool,
    ratio: f64,
}

#[pymethods]
impl Part {
    fn __repr__(&self) -> String {
        let (x, y) = self.centre_mm;
        format!("Part({} at ({x:.1}, {y:.1}) mm, {:.2} of the limit)", self.kind, self.ratio)
    }
}

/// So many errors in so many trials, at the limits as they are.
#[pyclass(frozen, get_all, module = "sealcore.imprint")]
#[derive(Clone)]
pub(crate) struct ErrorRate {
    /// "false refusal" or "false acceptance".
    mistake: &'static str,
    /// "model" or "real": what the imprints are.
    source: &'static str,
    /// What was tried, in words.
    trial: &'static str,
    /// The coverage of these imprints: from, and below.
    coverage: (f64, f64),
    errors: u32,
    trials: u32,
    /// Errors over trials.
    rate: f64,
    /// The exact interval of 95% (Clopper and Pearson).
    interval: (f64, f64),
}

impl From<&imprint::ErrorRate> for ErrorRate {
    fn from(e: &imprint::ErrorRate) -> Self {
        let mistake = match e.mistake {
            Mistake::FalseRefusal => "false refusal",
            Mistake::FalseAcceptance => "false acceptance",
        };
        let source = match e.source {
            Source::Model => "model",
            Source::Real => "real",
        };
        let (coverage, errors, trials) = (e.coverage, e.errors, e.trials);
        ErrorRate { mistake, source, trial: e.trial, coverage, errors, trials, rate: e.rate(), interval: e.interval() }
    }
}

#[pymethods]
impl ErrorRate {
    fn __repr__(&self) -> String {
        let (low, high) = (100.0 * self.interval.0, 100.0 * self.interval.1);
        let (mistake, trial, errors, trials) = (self.mistake, self.trial, self.errors, self.trials);
        format!("ErrorRate({mistake}, {trial}: {errors} of {trials}, 95% {low:.2}% to {high:.2}%)")
    }
}

/// All error rates; when they were counted; on what.
#[pyfunction]
pub(crate) fn comparison_rates() -> (Vec<ErrorRate>, &'static str, &'static str) {
    (imprint::ERROR_RATES.iter().map(ErrorRate::from).collect(), imprint::RATES_DATE, imprint::RATES_SET)
}

/// The outcome of a comparison.
#[pyclass(frozen, module = "sealcore.imprint")]
pub(crate) struct Comparison(imprint::Comparison);

#[pymethods]
impl Comparison {
    /// "matches the registered design", "look-alike", "different" or "insufficient".
    #[getter]
    fn verdict(&self) -> &'static str {
        match self.0.verdict {
            Verdict::Matches => "matches the registered design",
            Verdict::LookAlike => "look-alike",
            Verdict::Different => "different",
            Verdict::Insufficient => "insufficient",
        }
    }

    /// What decided: the strongest evidence.
    #[getter]
    fn decided_by(&self) -> Evidence {
        self.0.decided_by.into()
    }

    /// All evidence, the strongest first.
    #[getter]
    fn evidence(&self) -> Vec<Evidence> {
        self.0.evidence.iter().copied().map(Evidence::from).collect()
    }

    /// All evidence together, from 1 on a look-alike: the larger, the less it is the registered design. Finite.
    #[getter]
    fn score(&self) -> f64 {
        self.0.score
    }

    /// The parts of the design, the border first.
    #[getter]
    fn parts(&self) -> Vec<Part> {
        let kind = |kind| match kind {
            PartKind::Border => "border",
            PartKind::Star => "star",
            PartKind::Character => "character",
        };
        let part = |p: &imprint::PartComparison| Part {
            kind: kind(p.kind),
            centre_mm: p.centre_mm,
            size_mm: p.size_mm,
            shift_mm: p.shift_mm,
            turn: p.turn_degrees,
            growth: p.growth,
            width_mm: p.width_mm,
            extra: p.extra,
            coverage: p.coverage,
            clear: p.clear,
            judged: p.judged,
            ratio: p.ratio,
        };
        self.0.parts.iter().map(part).collect()
    }

    /// The correlation of the whole after alignment, 0 to 1.
    #[getter]
    fn likeness(&self) -> f64 {
        self.0.likeness
    }

    /// Share of the ink further than 0.2 mm from registered ink.
    #[getter]
    fn extra(&self) -> f64 {
        self.0.extra
    }

    /// The same of the characters' ink alone.
    #[getter]
    fn extra_text(&self) -> f64 {
        self.0.extra_text
    }

    /// Local displacement, root mean square in mm.
    #[getter]
    fn displacement_rms_mm(&self) -> f64 {
        self.0.displacement_rms_mm
    }

    /// Local displacement that a tenth of the blocks exceeds, in mm.
    #[getter]
    fn displacement_p90_mm(&self) -> f64 {
        self.0.displacement_p90_mm
    }

    /// The quality: the share of the registered ink that is there, 0 to 1.
    #[getter]
    fn coverage(&self) -> f64 {
        self.0.coverage
    }

    /// The share of the registered ink of characters and stars that neither print nor another imprint hides, 0 to 1.
    #[getter]
    fn clear(&self) -> f64 {
        self.0.clear
    }

    /// How much further than registered the ink reaches at every edge, in mm.
    #[getter]
    fn gain_mm(&self) -> f64 {
        self.0.gain_mm
    }

    /// By how many degrees the questioned imprint is turned, counter-clockwise.
    #[getter]
    fn angle(&self) -> f64 {
        self.0.angle
    }

    /// Its size against the registered one; None if the resolution is unknown.
    #[getter]
    fn scale(&self) -> Option<f64> {
        self.0.scale
    }

    /// Signs that the imprint was not stamped: "flat" (perfectly even ink), "halftone" (dots of a printer).
    #[getter]
    fn alarms(&self, py: Python<'_>) -> Vec<&'static str> {
        let name = |alarm: &imprint::Alarm| match alarm {
            imprint::Alarm::Flat => "flat",
            imprint::Alarm::Halftone => "halftone",
        };
        py.detach(|| self.0.alarms()).iter().map(name).collect()
    }

    /// How often the verdict errs on imprints of this coverage, as it was counted.
    #[getter]
    fn error_rates(&self) -> Vec<ErrorRate> {
        self.0.error_rates().map(ErrorRate::from).collect()
    }

    /// How much the ink's texture repeats that of another imprint of the same seal, -1 to 1.
    fn repetition(&self, py: Python<'_>, other: &Comparison) -> f64 {
        py.detach(|| self.0.repetition(&other.0))
    }

    /// Whether one of two imprints of the same seal was made from the other: pasted, copied or printed.
    fn is_repeated(&self, py: Python<'_>, other: &Comparison) -> bool {
        py.detach(|| self.0.is_repeated(&other.0))
    }

    /// The overlay: a writable buffer of bytes with the shape (side, side, 3), red, green and blue.
    fn overlay<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let overlay = py.detach(|| self.0.overlay());
        let pixels = PyByteArray::new(py, &overlay.pixels);
        PyMemoryView::from(&pixels)?.call_method1("cast", ("B", (overlay.side, overlay.side, 3)))
    }

    /// The overlay as a PNG file.
    fn overlay_png<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let png = py.detach(|| self.0.overlay().to_png());
        PyBytes::new(py, &png)
    }

    fn __repr__(&self) -> String {
        format!(
            "Comparison({}, decided by {}, coverage {:.2}, angle {:.1})",
            self.verdict(),
            self.decided_by().__repr__(),
            self.0.coverage,
            self.0.angle
        )
    }

    fn __bool__(&self) -> PyResult<bool> {
        Err(PyTypeError::new_err("a Comparison has no truth value: look at .verdict"))
    }
}

/// The imprint that is meant: the given one, or the best of the picture.
fn meant(image: &imprint::Image, given: Option<&Imprint>, per_metre: Option<u32>) -> PyCoreResult<imprint::Imprint> {
    let found = if given.is_some() { Vec::new() } else { imprint::find_at(image, known(image, per_metre)) };
    given_or_first(image, given, &found, per_metre)
}

/// The given imprint, or the first of those that were found, at the resolution that is known best.
fn given_or_first(
    image: &imprint::Image,
    given: Option<&Imprint>,
    found: &[imprint::Imprint],
    per_metre: Option<u32>,
) -> PyCoreResult<imprint::Imprint> {
    let none = sealcore::Error::NoImprint { reason: "no round, oval or square border of a seal was found" };
    let mut place = given.map(|given| given.0).or(found.first().copied()).ok_or(none)?;
    place.pixels_per_metre = per_metre.or(place.pixels_per_metre).or(image.pixels_per_metre());
    Ok(place)
}

/// The resolution: as given, or as the picture states it.
fn known(image: &imprint::Image, per_metre: Option<u32>) -> Option<u32> {
    per_metre.or(image.pixels_per_metre())
}

/// The fingerprint of an imprint on a picture.
#[pyfunction]
#[pyo3(signature = (image, imprint=None, /))]
pub(crate) fn fingerprint_imprint(image: &Bound<'_, PyAny>, imprint: Option<&Imprint>) -> PyResult<Fingerprint> {
    let picture = Picture::of(image)?;
    let pixels = picture.image();
    let made = image.py().detach(|| {
        let place = meant(pixels, imprint, None)?;
        Ok::<_, CoreError>(imprint::Fingerprint::of(pixels, &place))
    });
    Ok(Fingerprint(made?))
}

/// Register a seal from a drawing or from imprints.
#[pyfunction]
#[pyo3(signature = (images, imprints, dpi, /))]
pub(crate) fn register_seal(
    py: Python<'_>,
    images: Vec<Bound<'_, PyAny>>,
    imprints: Option<Vec<PyRef<'_, Imprint>>>,
    dpi: Option<f64>,
) -> PyResult<Registered> {
    let pictures = images.iter().map(Picture::of).collect::<PyResult<Vec<_>>>()?;
    if imprints.as_ref().is_some_and(|imprints| imprints.len() != pictures.len()) {
        let reason = "one imprint for each picture";
        return Err(CoreError(sealcore::Error::InvalidArgument { field: "imprints", reason }).into());
    }
    let given: Vec<Option<&Imprint>> =
        (0..pictures.len()).map(|k| imprints.as_ref().map(|imprints| &*imprints[k])).collect();
    let pixels: Vec<&imprint::Image> = pictures.iter().map(Picture::image).collect();
    let dpi = pixels_per_metre(dpi)?;
    let made = py.detach(|| {
        let places = pixels
            .iter()
            .zip(given)
            .map(|(image, given)| meant(image, given, dpi))
            .collect::<PyCoreResult<Vec<imprint::Imprint>>>()?;
        let pairs: Vec<(&imprint::Image, &imprint::Imprint)> = pixels.iter().copied().zip(&places).collect();
        imprint::register(&pairs).map_err(CoreError)
    });
    Ok(Registered(made?))
}

/// Compare the imprint on a picture with a registered seal.
#[pyfunction]
#[pyo3(signature = (registered, image, imprint, others, dpi, /))]
pub(crate) fn compare_imprint(
    registered: &Registered,
    image: &Bound<'_, PyAny>,
    imprint: Option<&Imprint>,
    others: Vec<PyRef<'_, Imprint>>,
    dpi: Option<f64>,
) -> PyResult<Comparison> {
    let dpi = pixels_per_metre(dpi)?;
    let picture = Picture::of(image)?;
    let pixels = picture.image();
    let others: Vec<imprint::Imprint> = others.iter().map(|other| other.0).collect();
    let made = image.py().detach(|| {
        let others = if imprint.is_some() { others } else { imprint::find_at(pixels, known(pixels, dpi)) };
        let place = given_or_first(pixels, imprint, &others, dpi)?;
        Ok::<_, CoreError>(imprint::compare(&registered.0, pixels, &place, &others))
    });
    Ok(Comparison(made?))
}

/// An imprint with a little around it, as a PNG file.
#[pyfunction]
#[pyo3(signature = (image, imprint, /))]
pub(crate) fn cut_out<'py>(image: &Bound<'py, PyAny>, imprint: &Imprint) -> PyResult<Bound<'py, PyBytes>> {
    let py = image.py();
    let picture = Picture::of(image)?;
    let pixels = picture.image();
    let png = py.detach(|| imprint::cutout(pixels, &imprint.0));
    Ok(PyBytes::new(py, &png))
}

/// The limit of every measure.
#[pyfunction]
pub(crate) fn comparison_limits() -> Vec<(&'static str, f64)> {
    imprint::THRESHOLDS.iter().map(|t| (measure_name(t.measure), t.limit)).collect()
}
