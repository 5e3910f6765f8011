//! No vector engine on this architecture: the type has no value, so that the scalar code is all that runs.

use super::nonce::Hedge;
use super::{Signature, SigningKey};
use crate::cpu::Backend;
use crate::curve::{Affine, Curve, Jacobian, P256, Scalar, Sm2};

/// The engine, which there is not.
#[derive(Clone, Copy)]
pub(super) enum Engine {}

/// The table of a key, which there is not.
pub(super) enum Table {}

/// A curve in lanes.
pub(super) trait Laned: Curve {}
impl Laned for Sm2 {}
impl Laned for P256 {}

/// A signature to verify, and the digest that it is of.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "only an engine reads the fields")]
pub(super) struct Item<'a> {
    pub(super) digest: &'a [u8; 32],
    pub(super) signature: &'a Signature,
}

impl Engine {
    pub(super) fn new(_: Backend) -> Option<Self> {
        None
    }

    pub(super) fn key_table<C: Laned>(self, _: &Affine<C>) -> Table {
        match self {}
    }

    pub(super) fn multiply_base<C: Laned>(self, _: &Scalar<C>) -> Jacobian<C> {
        match self {}
    }

    pub(super) fn combine<C: Laned>(self, _: &Table, _: &Scalar<C>, _: &Scalar<C>) -> Option<Jacobian<C>> {
        match self {}
    }

    pub(super) fn verify_known<'a, C: Laned>(
        self,
        _: impl Fn(usize) -> Item<'a>,
        _: impl Fn(usize) -> &'a Table,
        _: &mut [bool],
    ) {
        match self {}
    }

    pub(super) fn verify_unknown<'a, C: Laned>(
        self,
        _: impl Fn(usize) -> Item<'a>,
        _: impl Fn(usize) -> &'a Affine<C>,
        _: &mut [bool],
    ) {
        match self {}
    }

    pub(super) fn sign<C: Laned>(
        self,
        _: &SigningKey,
        _: &Scalar<C>,
        _: &Scalar<C>,
        _: &[[u8; 32]],
        _: &[Hedge],
        _: &mut [Signature],
    ) {
        match self {}
    }
}
