//! Pictures, imprints and their fingerprints.

use crate::error::{CoreError, PyCoreResult};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use sealcore::imprint::{self, Ink, Shape};

const WANTED: &str = "expected a picture file as bytes, an Image, or a C-contiguous array of uint8 with shape \
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
    let pixels_per_metre = pixels_per_metre(dpi)?;
    // The bounds hold before the pixels are copied.
    let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    imprint::Image::check_bounds(side(width), side(height)).map_err(CoreError)?;
    let pixels = buffer.to_vec(py)?;
    Ok(imprint::Image::from_pixels(side(width), side(height), channels, pixels_per_metre, pixels).map_err(CoreError)?)
}

/// A picture however it is given.
pub(crate) enum Picture<'py> {
    Decoded(PyRef<'py, Image>),
    Read(imprint::Image),
}

impl<'py> Picture<'py> {
    pub(crate) fn of(object: &Bound<'py, PyAny>) -> PyResult<Self> {
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

    pub(crate) fn image(&self) -> &imprint::Image {
        match self {
            Picture::Decoded(image) => &image.0,
            Picture::Read(image) => image,
        }
    }
}

/// Where and what an imprint is on a picture.
#[pyclass(frozen, eq, module = "sealcore.imprint")]
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Imprint(pub(crate) imprint::Imprint);

fn sixteenths((x, y): (i64, i64)) -> (f64, f64) {
    (x as f64 / 16.0, y as f64 / 16.0)
}

pub(crate) fn shape_name(shape: Shape) -> &'static str {
    match shape {
        Shape::Round => "round",
        Shape::Oval => "oval",
        Shape::Square => "square",
    }
}

fn refused(field: &'static str, reason: &'static str) -> PyErr {
    CoreError(sealcore::Error::InvalidArgument { field, reason }).into()
}

/// Dots an inch as pixels a metre.
pub(crate) fn pixels_per_metre(dpi: Option<f64>) -> PyResult<Option<u32>> {
    match dpi {
        None => Ok(None),
        Some(dpi) if (1.0..=100_000.0).contains(&dpi) => Ok(Some((dpi / 0.0254).round() as u32)),
        Some(_) => Err(refused("dpi", "1 to 100,000 dots an inch")),
    }
}

#[pymethods]
impl Imprint {
    /// An imprint whose place on a picture is known.
    #[new]
    #[pyo3(signature = (*, shape, ink, centre, axes, coverage=0.0, confidence=1.0, dpi=None))]
    fn new(
        shape: &str,
        ink: &str,
        centre: (f64, f64),
        axes: ((f64, f64), (f64, f64)),
        coverage: f64,
        confidence: f64,
        dpi: Option<f64>,
    ) -> PyResult<Self> {
        let shape = match shape {
            "round" => Shape::Round,
            "oval" => Shape::Oval,
            "square" => Shape::Square,
            _ => return Err(refused("shape", "\"round\", \"oval\" or \"square\"")),
        };
        let ink = match ink {
            "red" => Ink::Red,
            "blue" => Ink::Blue,
            "grey" => Ink::Grey,
            "drawn" => Ink::Drawn,
            _ => return Err(refused("ink", "\"red\", \"blue\", \"grey\" or \"drawn\"")),
        };
        let share = |field, value: f64| match (0.0..=1.0).contains(&value) {
            true => Ok((value * 255.0).round() as u8),
            false => Err(refused(field, "a share from 0 to 1")),
        };
        let mut made = imprint::Imprint::new(shape, ink, centre, axes.0, axes.1).map_err(CoreError)?;
        made.coverage = share("coverage", coverage)?;
        made.confidence = share("confidence", confidence)?;
        made.pixels_per_metre = pixels_per_metre(dpi)?;
        Ok(Imprint(made))
    }

    /// "round", "oval" or "square".
    #[getter]
    fn shape(&self) -> &'static str {
        shape_name(self.0.shape)
    }

    /// "red", "blue", "grey" (a picture without colour) or "drawn" (any colour on a transparent ground).
    #[getter]
    fn ink(&self) -> &'static str {
        match self.0.ink {
            Ink::Red => "red",
            Ink::Blue => "blue",
            Ink::Grey => "grey",
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

    /// The upright box around the border in pixels: left, top, right, bottom, the last two just outside.
    #[getter(r#box)]
    fn bounds(&self) -> (i64, i64, i64, i64) {
        self.0.bounds().into()
    }

    /// The lengths of the axes, border to border, in millimetres; None if the resolution is unknown.
    #[getter]
    fn size_mm(&self) -> Option<(f64, f64)> {
        self.0.size_mm()
    }

    /// How the longer axis is turned, in degrees counter-clockwise; 0 for a circle.
    #[getter]
    fn angle(&self) -> f64 {
        self.0.angle()
    }

    /// The share of the area inside the border that carries ink, 0 to 1.
    #[getter]
    fn coverage(&self) -> f64 {
        f64::from(self.0.coverage) / 255.0
    }

    /// How sure it is that this is an imprint, 0 to 1.
    #[getter]
    fn confidence(&self) -> f64 {
        f64::from(self.0.confidence) / 255.0
    }

    /// The resolution in dots an inch that the size rests on, or None.
    #[getter]
    fn dpi(&self) -> Option<f64> {
        self.0.pixels_per_metre.map(|p| f64::from(p) * 0.0254)
    }

    fn __repr__(&self) -> String {
        let (x, y) = self.centre();
        let (name, ink, confidence) = (self.shape(), self.ink(), self.confidence());
        format!("Imprint({name}, {ink} ink, centre ({x:.1}, {y:.1}), confidence {confidence:.2})")
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let names = PyDict::new(py);
        names.set_item("shape", self.shape())?;
        names.set_item("ink", self.ink())?;
        names.set_item("centre", self.centre())?;
        names.set_item("axes", self.axes())?;
        names.set_item("coverage", self.coverage())?;
        names.set_item("confidence", self.confidence())?;
        names.set_item("dpi", self.dpi())?;
        Ok((PyTuple::empty(py), names))
    }
}

/// How many pages a picture file holds.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub(crate) fn page_count(py: Python<'_>, data: crate::bytes::Bytes<'_>) -> PyCoreResult<u32> {
    let file = data.as_slice();
    Ok(py.detach(|| imprint::Image::count_pages(file))?)
}

/// Decode a page of a picture file.
#[pyfunction]
#[pyo3(signature = (data, page=0, /, *, dpi=None))]
pub(crate) fn decode_image(
    py: Python<'_>,
    data: crate::bytes::Bytes<'_>,
    page: u32,
    dpi: Option<f64>,
) -> PyResult<Image> {
    let given = pixels_per_metre(dpi)?;
    let file = data.as_slice();
    let image = py.detach(|| imprint::Image::decode_page(file, page)).map_err(CoreError)?;
    Ok(Image(match given {
        Some(given) => image.with_resolution(given),
        None => image,
    }))
}

/// Find every imprint of a picture.
#[pyfunction]
#[pyo3(signature = (image, /, *, dpi=None))]
pub(crate) fn find_imprints(image: &Bound<'_, PyAny>, dpi: Option<f64>) -> PyResult<Vec<Imprint>> {
    let given = pixels_per_metre(dpi)?;
    let picture = Picture::of(image)?;
    let pixels = picture.image();
    let found = image.py().detach(|| imprint::find_at(pixels, given.or(pixels.pixels_per_metre())));
    Ok(found.into_iter().map(Imprint).collect())
}
