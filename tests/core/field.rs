//! The inside of both curves: field, scalars and point formulas, through the hidden `sealcore::curve`, against slow
//! integers and the textbook's affine formulas. What is seen from outside is in `curve`.

#[path = "field/arithmetic.rs"]
mod arithmetic;
#[path = "field/oracle.rs"]
mod oracle;
#[path = "field/point.rs"]
mod point;
