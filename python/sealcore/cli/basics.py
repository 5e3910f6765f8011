"""Hashes, keys, detached signatures and what the machine runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Literal

import click

from sealcore import backends, pki
from sealcore import hash as hashes
from sealcore import ledger as ledgers
from sealcore.cli.common import emit, existing_file, json_option, password_options, password_source, write_new
from sealcore.errors import InvalidArgument, InvalidSignature
from sealcore.hash import HashName
from sealcore.sign import SigningKey, VerifyingKey, signature_from_der, signature_to_der

ALGORITHMS = click.Choice(["sm2", "p256"])
HASHES = click.Choice(["sm3", "sha256"])
force_option = click.option("--force", is_flag=True, help="Replace an existing output file.")


@click.command("hash")
@click.argument("files", nargs=-1, type=click.Path(dir_okay=False, path_type=Path))
@click.option("-a", "--algorithm", type=HASHES, default="sm3", show_default=True)
@json_option
def hash_command(files: tuple[Path, ...], algorithm: HashName, as_json: bool) -> None:
    """Print the digest of FILES (standard input without any, or for "-").

    \b
    Example:
      sealcore hash --algorithm sha256 contract.pdf
    """
    rows: list[dict[str, Any]] = []
    for file in files or (Path("-"),):
        if str(file) == "-":
            hasher = hashes.Hasher(algorithm)
            while block := sys.stdin.buffer.read(1 << 20):
                hasher.update(block)
            digest = hasher.digest()
        else:
            digest = hashes.file_digest(file, algorithm)
        rows.append({"file": str(file), "digest": digest.hex()})
    emit(
        {"algorithm": algorithm, "files": rows},
        as_json=as_json,
        text="\n".join(f"{row['digest']}  {row['file']}" for row in rows),
    )


@click.group()
def key() -> None:
    """Make and show private keys (PKCS#8, encrypted)."""


@key.command("generate")
@click.option(
    "-a",
    "--algorithm",
    type=click.Choice(["sm2", "p256", "ed25519"]),
    default="sm2",
    show_default=True,
    help="ed25519 signs checkpoints of ledgers only.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The PEM file to make.")
@click.option("--plain", is_flag=True, help="Do not encrypt. For tests only.")
@password_options
@force_option
@json_option
def key_generate(
    algorithm: Literal["sm2", "p256", "ed25519"],
    output: Path,
    plain: bool,
    password_file: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Make a private key and write it encrypted, readable by its owner only.

    \b
    Example:
      sealcore key generate --algorithm p256 -o signer.key
    """
    password = None if plain else password_source(password_file, confirm=True)(output.name)
    if algorithm == "ed25519":
        write_new(output, ledgers.generate_ed25519_key(password), mode=0o600, force=force)
        emit({"file": str(output), "algorithm": algorithm}, as_json=as_json, text=f"{output}: ed25519 private key")
        return
    made = SigningKey.generate(algorithm)
    write_new(output, pki.dump_private_key(made, password), mode=0o600, force=force)
    emit(
        {"file": str(output), "algorithm": algorithm, "public_key": made.verifying_key.to_sec1()},
        as_json=as_json,
        text=f"{output}: {algorithm} private key, public key {made.verifying_key.to_sec1(compressed=True).hex()}",
    )


@key.command("show")
@click.argument("file", type=existing_file)
@password_options
@json_option
def key_show(file: Path, password_file: Path | None, as_json: bool) -> None:
    """Print the algorithm and the public key of a private key, a public key or a certificate FILE."""
    public = _public_key(file, password_file)
    emit(
        {"algorithm": public.algorithm, "public_key": public.to_sec1(), "compressed": public.to_sec1(compressed=True)},
        as_json=as_json,
    )


def load_key(file: Path, password_file: Path | None) -> SigningKey:
    """A private key from a file; asks for the password only when the file is encrypted."""
    data = file.read_bytes()
    try:
        return pki.load_private_key(data)
    except InvalidArgument as error:
        if error.field != "password":
            raise
    return pki.load_private_key(data, password_source(password_file)(file.name))


def load_signer(name: str, file: Path, password_file: Path | None, *, witness: bool = False) -> ledgers.NoteSigner:
    """A private key from a file as a signer of notes; asks for the password only when the file is encrypted."""
    data = file.read_bytes()
    try:
        return ledgers.NoteSigner.load(name, data, witness=witness)
    except InvalidArgument as error:
        if error.field != "password":
            raise
    return ledgers.NoteSigner.load(name, data, password_source(password_file)(file.name), witness=witness)


def _public_key(file: Path, password_file: Path | None) -> VerifyingKey:
    data = file.read_bytes()
    if b"-----BEGIN CERTIFICATE-----" in data:
        return pki.Certificate.from_pem(data).public_key
    if b"-----BEGIN PUBLIC KEY-----" in data:
        return pki.load_public_key(data)
    return load_key(file, password_file).verifying_key


@click.command()
@click.argument("file", type=existing_file)
@click.option("-k", "--key", "key_file", type=existing_file, required=True, help="The private key.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where the signature goes. Default: FILE.sig")
@click.option("--format", "form", type=click.Choice(["der", "raw"]), default="der", show_default=True)
@click.option("--distid", help='SM2: the signer\'s identifier. Default: "1234567812345678".')
@password_options
@force_option
@json_option
def sign(
    file: Path,
    key_file: Path,
    output: Path | None,
    form: str,
    distid: str | None,
    password_file: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Sign FILE and write the detached signature."""
    private = load_key(key_file, password_file)
    signature = private.sign(file.read_bytes(), distid=None if distid is None else os.fsencode(distid))
    target = output or file.with_name(file.name + ".sig")
    write_new(target, signature_to_der(signature) if form == "der" else signature, force=force)
    emit(
        {"signature_file": str(target), "algorithm": private.algorithm, "format": form},
        as_json=as_json,
        text=f"{target}: {private.algorithm} signature ({form})",
    )


@click.command("verify-signature")
@click.argument("file", type=existing_file)
@click.argument("signature", type=existing_file)
@click.option("-k", "--key", "key_file", type=existing_file, required=True, help="Public key, certificate or key.")
@click.option("--distid", help='SM2: the signer\'s identifier. Default: "1234567812345678".')
@password_options
@json_option
def verify_signature(
    file: Path, signature: Path, key_file: Path, distid: str | None, password_file: Path | None, as_json: bool
) -> None:
    """Verify the detached SIGNATURE (DER or 64 bytes) of FILE. Exit code 1 if it is not valid."""
    public = _public_key(key_file, password_file)
    data = signature.read_bytes()
    raw = data if len(data) == 64 else signature_from_der(data)
    try:
        public.verify(file.read_bytes(), raw, distid=None if distid is None else os.fsencode(distid))
    except InvalidSignature:
        raise InvalidSignature(f"{signature}: not a valid signature of {file} by this key") from None
    emit({"valid": True, "algorithm": public.algorithm}, as_json=as_json, text=f"{signature}: valid")


@click.command("backends")
@json_option
def backends_command(as_json: bool) -> None:
    """Print which implementations this machine runs."""
    emit(backends(), as_json=as_json)


COMMANDS = [hash_command, key, sign, verify_signature, backends_command]
