"""SM2 and SM3 for pyHanko: certificates and CMS signatures of the Chinese standards, verified by sealcore's core.

pyHanko lets a program bring its own ``SignatureValidator``; asn1crypto, which reads its certificates, has to learn the
object identifiers first. Both is public here, for any program that uses pyHanko::

    from sealcore.pdf import sm2
    sm2.register()
    context = ValidationContext(trust_roots=[root], signature_validator=sm2.Sm2SignatureValidator())

Source: GB/T 32918.2-2016 and GM/T 0009-2012 (SM2 with SM3, the default signer identifier 1234567812345678), GM/T
0006-2012 (identifiers), RFC 5652. It does *not* accept the conventions of other identifiers or of no Z_A.
"""

from __future__ import annotations

from typing import Any, Final

from asn1crypto import algos, keys
from cryptography.exceptions import InvalidSignature as PycaInvalidSignature
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from pyhanko_certvalidator.sig_validate import (
    DEFAULT_SIGNATURE_VALIDATOR,
    DEFAULT_VALIDATION_CONTEXT,
    SignatureValidationContext,
    SignatureValidator,
)

from sealcore.errors import InputError, InternalError, InvalidSignature
from sealcore.sign import VerifyingKey

__all__ = ["SM2_CURVE", "SM2_WITH_SM3", "SM3", "Sm2SignatureValidator", "is_sm2_key", "register"]

SM2_CURVE: Final = "1.2.156.10197.1.301"
"""The curve sm2p256v1; some files name it as the key's algorithm too."""
SM2_WITH_SM3: Final = "1.2.156.10197.1.501"
SM3: Final = "1.2.156.10197.1.401"

_SM2_SIGNATURE: Final = "1.2.156.10197.1.301.1"
_SIGNATURE_NAMES: Final = frozenset({"sm2_sm3", "sm2", SM2_WITH_SM3, _SM2_SIGNATURE})


def register() -> None:
    """Teaches asn1crypto the identifiers of SM2 and SM3; calling it again does nothing.

    asn1crypto keeps its identifiers in private tables, so the result is tested at once.

    Raises:
        InternalError: the tables of this asn1crypto are others, or pyca/cryptography was built without SM3.
    """
    names = (
        (algos.DigestAlgorithmId, SM3, "sm3"),
        (algos.SignedDigestAlgorithmId, SM2_WITH_SM3, "sm2_sm3"),
        (algos.SignedDigestAlgorithmId, _SM2_SIGNATURE, "sm2"),
    )
    for kind, oid, name in names:
        kind._map[oid] = name
        if kind._reverse_map is not None:  # asn1crypto makes it when it first needs it
            kind._reverse_map[name] = oid
    if SM2_CURVE not in keys.NamedCurve._map:
        keys.NamedCurve.register("sm2p256v1", SM2_CURVE, 32)
    _self_test(names)


def _self_test(names: tuple[tuple[Any, str, str], ...]) -> None:
    try:
        learnt = all(
            kind(name).dotted == oid and kind.load(kind(name).dump()).native == name for kind, oid, name in names
        )
        learnt = learnt and keys.NamedCurve(SM2_CURVE).native == "sm2p256v1"
        digest = hashes.Hash(hashes.SM3())
        digest.update(b"abc")  # GB/T 32905-2016, A.1
        known = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
        learnt = learnt and digest.finalize().hex() == known
    except UnsupportedAlgorithm:
        raise InternalError("this build of the cryptography package has no SM3; use its wheel from PyPI") from None
    except Exception as error:
        raise InternalError(f"asn1crypto does not take the identifiers of SM2 and SM3: {error}") from error
    if not learnt:
        raise InternalError("asn1crypto does not keep the identifiers of SM2 and SM3")


def is_sm2_key(public_key: keys.PublicKeyInfo) -> bool:
    """Whether a certificate's public key is on the SM2 curve."""
    algorithm = public_key["algorithm"]
    name = algorithm["algorithm"].native
    if name in (SM2_CURVE, _SM2_SIGNATURE):
        return True
    if name != "ec" or algorithm["parameters"].name != "named":
        return False
    return bool(algorithm["parameters"].chosen.dotted == SM2_CURVE)


class Sm2SignatureValidator(SignatureValidator):
    """Verifies SM2 signatures with the core and leaves every other algorithm to pyHanko."""

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: keys.PublicKeyInfo,
        signature_algorithm: algos.SignedDigestAlgorithm,
        context: SignatureValidationContext = DEFAULT_VALIDATION_CONTEXT,
    ) -> None:
        """As the base class says.

        Raises:
            cryptography.exceptions.InvalidSignature: the signature does not verify, key and algorithm are of different
                kinds, or only the digest of the message is there (SM2 hashes the key with the message).
        """
        sm2_signature = signature_algorithm["algorithm"].native in _SIGNATURE_NAMES
        sm2_key = is_sm2_key(public_key_info)
        if not sm2_signature and not sm2_key:
            DEFAULT_SIGNATURE_VALIDATOR.validate_signature(
                signature, signed_data, public_key_info, signature_algorithm, context
            )
            return
        if not (sm2_signature and sm2_key) or context.prehashed:
            raise PycaInvalidSignature
        try:
            key = VerifyingKey.from_sec1("sm2", _point(public_key_info))
            key.verify(signed_data, signature, encoding="der")
        except (InvalidSignature, InputError):
            raise PycaInvalidSignature from None


def _point(public_key: keys.PublicKeyInfo) -> bytes:
    value = public_key["public_key"]
    native = value.native
    return native if isinstance(native, bytes) else bytes(value)
