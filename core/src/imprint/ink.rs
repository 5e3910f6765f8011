//! The colours of ink.

/// The colour of an imprint's ink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ink {
    /// Vermilion, the usual seal ink.
    Red,
    /// Blue ink.
    Blue,
    /// Dark ink of a picture without colour: a grey scan.
    Grey,
    /// Any colour: a drawing on a transparent ground, where darkness is ink.
    Drawn,
}
