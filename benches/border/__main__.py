"""Signing and verifying from Python, beside the Rust core itself and beside the libraries that Python has today.

``make bench ROOM=sign`` runs it after the Rust rows. The border is measured against ``border``, a program of the
benches that does the same without Python, asked for spells in turn with this process.
"""

from __future__ import annotations

import os
import subprocess
import warnings
from pathlib import Path
from typing import Any

import sealcore
from border.rows import Bench, spell
from sealcore.sign import SigningKey, VerifyingKey, sign_digest_many, verify_digest_many

DIGEST = bytes([7]) * 32
ITEMS, KEYS = 65_536, 16
BORDER = Path(__file__).parents[2] / "target" / "release" / "border"


class Core:
    """The Rust program, asked by lines."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603  our own program
            [BORDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
        )

    def seconds(self, operation: str) -> float:
        """Seconds that one call of the operation takes there."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(operation + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self) -> None:
        """End the program."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def batch(algorithm: Any) -> tuple[list[VerifyingKey], list[bytes], list[bytes]]:
    """Digest i is that of i, signed by key i mod 16."""
    keys = [SigningKey.generate(algorithm) for _ in range(KEYS)]
    digests = [sealcore.sha256(index.to_bytes(8, "big")) for index in range(ITEMS)]
    signatures: list[bytes] = [b""] * ITEMS
    for number, key in enumerate(keys):
        signatures[number::KEYS] = sign_digest_many(key, digests[number::KEYS])
    public = [key.verifying_key for key in keys]
    return [public[index % KEYS] for index in range(ITEMS)], digests, signatures


def border(bench: Bench, core: Core, backend: str) -> None:
    """The border against the core: 0.95 of the rate of a batch, at most a microsecond on a call."""
    for algorithm in ("sm2", "p256"):
        keys, digests, signatures = batch(algorithm)
        operation = f"verify_many {algorithm}"
        bench.row(
            f"{operation}, {KEYS} keys, from Python",
            lambda keys=keys, digests=digests, signatures=signatures: verify_digest_many(
                keys, digests, signatures, threads=1
            ),
            backend=backend,
            size=str(ITEMS),
            work=ITEMS,
            peer="the Rust core",
            peer_run=lambda: None,
            peer_work=ITEMS,
            peer_spell=lambda operation=operation: core.seconds(operation),
            target=0.95,
            spells=5,
        )
        key = SigningKey.generate(algorithm)
        differences, here = [], []
        # The difference of two times of 20 µs: it takes many spells until the median of it stands still.
        for _ in range(101):
            there = core.seconds(f"sign {algorithm}")
            here.append(spell(lambda key=key: key.sign_digest(DIGEST)))
            differences.append((here[-1] - there) * 1e6)
        differences.sort()
        on_top = differences[len(differences) // 2]
        bench.report(
            f"sign {algorithm}, from Python, on top of Rust",
            on_top,
            on_top,
            backend=backend,
            size="1",
            unit="us",
            peer="1 us",
            target=1.0,
            at_most=True,
        )


def others(bench: Bench, backend: str) -> None:
    """sealcore against what Python has: one signature at a time."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, utils  # noqa: PLC0415

    key = SigningKey.generate("p256")
    peer = ec.generate_private_key(ec.SECP256R1())
    how = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
    peer_signature = peer.sign(DIGEST, how)
    signature = key.sign_digest(DIGEST)
    rows: list[tuple[str, Any, str, Any]] = [
        ("sign p256", lambda: key.sign_digest(DIGEST), "cryptography", lambda: peer.sign(DIGEST, how)),
        (
            "verify p256",
            lambda: key.verifying_key.verify_digest(DIGEST, signature),
            "cryptography",
            lambda: peer.public_key().verify(peer_signature, DIGEST, how),
        ),
        *_sm2(),
    ]
    for operation, run, name, peer_run in rows:
        bench.row(f"{operation}, from Python", run, backend=backend, size="1", peer=name, peer_run=peer_run, spells=7)


def _sm2() -> list[tuple[str, Any, str, Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from gmssl import func, sm2  # noqa: PLC0415
        from gmssl_pyx import sm2_sign, sm2_verify  # noqa: PLC0415

    key = SigningKey.generate("sm2")
    public = key.verifying_key.to_sec1()[1:]
    signature = key.sign(DIGEST)
    pure = sm2.CryptSM2(private_key=key.to_bytes().hex(), public_key=public.hex())
    nonce = func.random_hex(pure.para_len)
    pure_signature = pure.sign(DIGEST, nonce)
    pyx_signature = sm2_sign(key.to_bytes(), public, DIGEST)

    def run_sign() -> bytes:
        return key.sign(DIGEST)

    def run_verify() -> None:
        key.verifying_key.verify(DIGEST, signature)

    return [
        ("sign sm2", run_sign, "gmssl", lambda: pure.sign(DIGEST, nonce)),
        ("verify sm2", run_verify, "gmssl", lambda: pure.verify(pure_signature, DIGEST)),
        ("sign sm2", run_sign, "gmssl_pyx", lambda: sm2_sign(key.to_bytes(), public, DIGEST)),
        ("verify sm2", run_verify, "gmssl_pyx", lambda: sm2_verify(public, DIGEST, pyx_signature)),
    ]


def main() -> None:
    """Print the rows and add them to target/bench/sign.jsonl."""
    backend = sealcore.backends()["sign"]
    bench = Bench("sign", append=True)
    core = Core()
    border(bench, core, backend)
    core.close()
    others(bench, backend)


if __name__ == "__main__":
    main()
