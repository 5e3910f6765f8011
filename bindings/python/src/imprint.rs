//! Pictures, imprints and their fingerprints.

use crate::error::{CoreError, PyCoreResult};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use sealcore::imprint::{self, FINGERPRINT_LENGTH, Ink, Shape, Verdict};

const WANTED: &str = "expected a PNG or JPEG file as bytes, an Image, or a C-contiguous array of uint8 with shape \
    (height, width), (height, width, 3) or (height, width, 4)";

/// A picture of 8 bits a channel: grey, RGB or RGBA.
#[pyclass(frozen, module = "sealcore.imprint")]
pub(crate) struct Image(imprint::Image);

#[pymethods]
impl Image {
    /// A picture from an array of uint8, height x width (grey), x 3 (RGB) or x 4 (RGBA).
    #[staticmethod]
    #[pyo3(signature = (array, *, dpi=None))]
    fn from_array(array: &Bound<'_, PyAny>, dpi: Option<f64>) -> PyResult<Self> {
        let buffer = PyBuffer::<u8>::get(array).map_err(|_| PyTypeError::new_err(WANTED))?;
        from_buffer(array.py(), &buffer, dpi).map(Image)
    }

    /// Width in pixels.
    #[getter]
    fn width(&self) -> u32 {
        self.0.width()
    }

    /// Height in pixels.
    #[getter]
    fn height(&self) -> u32 {
        self.0.height()
    }

    /// Bytes a pixel: 1 grey, 3 RGB, 4 RGBA.
    #[getter]
    fn channels(&self) -> u8 {
        self.0.channels()
    }

    /// Dots an inch, or None if unknown.
    #[getter]
    fn dpi(&self) -> Option<f64> {
        self.0.pixels_per_metre().map(|p| f64::from(p) * 0.0254)
    }

    /// The pixels row by row, interleaved.
    #[getter]
    fn pixels<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.pixels())
    }

    fn __repr__(&self) -> String {
        let dpi = self.dpi().map_or("unknown".to_owned(), |dpi| format!("{dpi:.0}"));
        format!("Image({} x {}, {} channels, dpi {dpi})", self.width(), self.height(), self.channels())
    }
}

fn from_buffer(py: Python<'_>, buffer: &PyBuffer<u8>, dpi: Option<f64>) -> PyResult<imprint::Image> {
    let (height, width, channels) = match *buffer.shape() {
        [height, width] => (height, width, 1),
        [height, width, channels @ (3 | 4)] => (height, width, channels as u8),
        _ => return Err(PyTypeError::new_err(WANTED)),
    };
    if !buffer.is_c_contiguous() {
        return Err(PyTypeError::new_err(
            "the array is not C-contiguous: copy it first, for example with array.copy()",
        ));
    }
    let invalid = |field, reason| CoreError(sealcore::Error::InvalidArgument { field, reason });
    let pixels_per_metre = match dpi {
        None => None,
        Some(dpi) if (1.0..=100_000.0).contains(&dpi) => Some((dpi / 0.0254).round() as u32),
        Some(_) => return Err(invalid("dpi", "1 to 100,000 dots an inch").into()),
    };
    // The bounds hold before the pixels are copied.
    let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    imprint::Image::check_bounds(side(width), side(height)).map_err(CoreError)?;
    let pixels = buffer.to_vec(py)?;
    Ok(imprint::Image::from_pixels(side(width), side(height), channels, pixels_per_metre, pixels).map_err(CoreError)?)
}

/// A picture however it is given.
enum Picture<'py> {
    Decoded(PyRef<'py, Image>),
    Read(imprint::Image),
}

impl<'py> Picture<'py> {
    fn of(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(image) = object.cast::<Image>() {
            return Ok(Picture::Decoded(image.borrow()));
        }
        let py = object.py();
        let read = |file: &[u8]| py.detach(|| imprint::Image::decode(file)).map_err(CoreError);
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Picture::Read(read(bytes.as_bytes())?));
        }
        let buffer = PyBuffer::<u8>::get(object).map_err(|_| PyTypeError::new_err(WANTED))?;
        if buffer.dimensions() == 1 {
            return Ok(Picture::Read(read(&buffer.to_vec(py)?)?));
        }
        from_buffer(py, &buffer, None).map(Picture::Read)
    }

    fn image(&self) -> &imprint::Image {
        match self {
            Picture::Decoded(image) => &image.0,
            Picture::Read(image) => image,
        }
    }
}

/// Where and what an imprint is on a picture.
#[pyclass(frozen, module = "sealcore.imprint")]
pub(crate) struct Imprint(imprint::Imprint);

fn sixteenths((x, y): (i64, i64)) -> (f64, f64) {
    (x as f64 / 16.0, y as f64 / 16.0)
}

fn shape_name(shape: Shape) -> &'static str {
    match shape {
        Shape::Round => "round",
        Shape::Oval => "oval",
        Shape::Square => "square",
    }
}

#[pymethods]
impl Imprint {
    /// "round", "oval" or "square".
    #[getter]
    fn shape(&self) -> &'static str {
        shape_name(self.0.shape)
    }

    /// "red", "blue", or "drawn" (any colour on a transparent ground).
    #[getter]
    fn ink(&self) -> &'static str {
        match self.0.ink {
            Ink::Red => "red",
            Ink::Blue => "blue",
            Ink::Drawn => "drawn",
        }
    }

    /// The middle in pixels, to the right and down.
    #[getter]
    fn centre(&self) -> (f64, f64) {
        sixteenths(self.0.centre)
    }

    /// The two vectors from the middle to the border, the longer axis first, in pixels.
    #[getter]
    fn axes(&self) -> ((f64, f64), (f64, f64)) {
        (sixteenths(self.0.u), sixteenths(self.0.v))
    }

    /// The lengths of the axes, border to border, in millimetres; None if the resolution is unknown.
    #[getter]
    fn size_mm(&self) -> Option<(f64, f64)> {
        self.0.size_mm()
    }

    /// The share of the border that carries ink, 0 to 1.
    #[getter]
    fn support(&self) -> f64 {
        f64::from(self.0.support) / 255.0
    }

    /// The share of the area inside the border that carries ink, 0 to 1.
    #[getter]
    fn coverage(&self) -> f64 {
        f64::from(self.0.coverage) / 255.0
    }

    fn __repr__(&self) -> String {
        let (x, y) = self.centre();
        format!("Imprint({}, {} ink, centre ({x:.1}, {y:.1}), support {:.2})", self.shape(), self.ink(), self.support())
    }
}

/// What an imprint looks like, apart from place, size and rotation.
#[pyclass(frozen, eq, hash, module = "sealcore.imprint")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint(imprint::Fingerprint);

#[pymethods]
impl Fingerprint {
    /// The length of a stored fingerprint in bytes.
    #[classattr]
    const LENGTH: usize = FINGERPRINT_LENGTH;

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

    /// The share of the border that carried ink, 0 to 1.
    #[getter]
    fn support(&self) -> f64 {
        f64::from(self.0.support()) / 255.0
    }

    /// The share of the area inside the border that carried ink, 0 to 1.
    #[getter]
    fn coverage(&self) -> f64 {
        f64::from(self.0.coverage()) / 255.0
    }

    /// The 128 bytes for searching, the same however the imprint is turned.
    #[getter]
    fn code<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.code())
    }

    /// In how many of the 1,024 bits of the code two fingerprints differ.
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

/// The outcome of a comparison.
#[pyclass(frozen, module = "sealcore.imprint")]
pub(crate) struct Comparison(imprint::Comparison);

#[pymethods]
impl Comparison {
    /// "same", "different" or "insufficient".
    #[getter]
    fn verdict(&self) -> &'static str {
        match self.0.verdict {
            Verdict::Same => "same",
            Verdict::Different => "different",
            Verdict::Insufficient => "insufficient",
        }
    }

    /// The likeness of the least alike parts, 0 to 1.
    #[getter]
    fn similarity(&self) -> f64 {
        self.0.similarity
    }

    /// By how many degrees the questioned imprint is turned against the registered one, counter-clockwise.
    #[getter]
    fn angle(&self) -> f64 {
        self.0.angle
    }

    /// How many windows were compared.
    #[getter]
    fn windows(&self) -> u32 {
        self.0.windows
    }

    /// How many windows of the registered imprint are empty in the questioned one.
    #[getter]
    fn missing(&self) -> u32 {
        self.0.missing
    }

    fn __repr__(&self) -> String {
        format!(
            "Comparison({}, similarity {:.3}, angle {:.1}, {} windows, {} missing)",
            self.verdict(),
            self.0.similarity,
            self.0.angle,
            self.0.windows,
            self.0.missing
        )
    }

    fn __bool__(&self) -> PyResult<bool> {
        Err(PyTypeError::new_err("a Comparison has no truth value: look at .verdict"))
    }
}

/// Decode a PNG or JPEG file.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub(crate) fn decode_image(py: Python<'_>, data: crate::bytes::Bytes<'_>) -> PyCoreResult<Image> {
    let file = data.as_slice();
    Ok(Image(py.detach(|| imprint::Image::decode(file))?))
}

/// Find the dominant imprint of a picture.
#[pyfunction]
#[pyo3(signature = (image, /))]
pub(crate) fn find_imprint(image: &Bound<'_, PyAny>) -> PyResult<Imprint> {
    let picture = Picture::of(image)?;
    let pixels = picture.image();
    Ok(Imprint(image.py().detach(|| imprint::find(pixels)).map_err(CoreError)?))
}

/// The fingerprint of the dominant imprint of a picture.
#[pyfunction]
#[pyo3(signature = (image, /))]
pub(crate) fn fingerprint_imprint(image: &Bound<'_, PyAny>) -> PyResult<Fingerprint> {
    let picture = Picture::of(image)?;
    let pixels = picture.image();
    Ok(Fingerprint(image.py().detach(|| imprint::Fingerprint::of(pixels)).map_err(CoreError)?))
}

/// Compare a questioned imprint with a registered one.
#[pyfunction]
#[pyo3(signature = (registered, questioned, /))]
pub(crate) fn compare_imprints(py: Python<'_>, registered: &Fingerprint, questioned: &Fingerprint) -> Comparison {
    let (registered, questioned) = (&registered.0, &questioned.0);
    Comparison(py.detach(|| imprint::compare(registered, questioned)))
}
