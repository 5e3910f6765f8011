"""The development certificate authority: ``sealcore ca``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from sealcore import pki
from sealcore.cli.basics import ALGORITHMS, force_option, load_key
from sealcore.cli.common import (
    MOMENT,
    emit,
    existing_file,
    json_option,
    password_options,
    password_source,
    write_new,
)
from sealcore.errors import InvalidArgument
from sealcore.sign import AlgorithmName, SigningKey

output_option = click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
days_option = click.option("--days", type=click.IntRange(1, 36500), default=365, show_default=True)


@click.group()
def ca() -> None:
    """A small certificate authority for development and tests. Not for production."""


@ca.command("init")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("-a", "--algorithm", type=ALGORITHMS, default="sm2", show_default=True)
@click.option("--name", default="sealcore development root", show_default=True, help="Common name of the root.")
@click.option("--days", type=click.IntRange(1, 36500), default=3650, show_default=True)
@password_options
@json_option
def ca_init(
    directory: Path, algorithm: AlgorithmName, name: str, days: int, password_file: Path | None, as_json: bool
) -> None:
    """Make a root certificate and its encrypted key in DIRECTORY (ca.pem, ca.key).

    \b
    Example:
      sealcore ca init ./ca --algorithm sm2 --name "Example root"
    """
    for name_of_file in ("ca.key", "ca.pem"):
        if (directory / name_of_file).exists():
            message = f"directory: {directory} holds a {name_of_file} already; choose another directory"
            raise InvalidArgument(message, field="directory")
    directory.mkdir(parents=True, exist_ok=True)
    password = password_source(password_file, confirm=True)("the CA key")
    key = SigningKey.generate(algorithm)
    now = datetime.now(UTC)
    made = pki.CertificateAuthority.create_root(
        key, full_name(name), not_before=now, not_after=now + timedelta(days=days)
    )
    root = made.certificate
    write_new(directory / "ca.key", pki.dump_private_key(key, password), mode=0o600)
    write_new(directory / "ca.pem", root.to_pem().encode())
    emit(_facts(root, directory / "ca.pem"), as_json=as_json, text=f"{directory / 'ca.pem'}: {root.subject}")


@ca.command("issue")
@click.argument("csr", type=existing_file)
@click.option("--ca", "directory", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@output_option
@days_option
@password_options
@force_option
@json_option
def ca_issue(
    csr: Path, directory: Path, output: Path, days: int, password_file: Path | None, force: bool, as_json: bool
) -> None:
    """Issue a signing certificate for a certificate request CSR (PEM or DER)."""
    request = pki.CertificateRequest.load(csr.read_bytes())
    issuer = pki.Certificate.from_pem((directory / "ca.pem").read_bytes())
    key = load_key(directory / "ca.key", password_file)
    now = datetime.now(UTC)
    request.verify()
    authority = pki.CertificateAuthority(key, issuer)
    made = authority.issue_request(request, not_before=now, not_after=now + timedelta(days=days))
    write_new(output, made.to_pem().encode(), force=force)
    emit(_facts(made, output), as_json=as_json, text=f"{output}: {made.subject}, issued by {made.issuer}")


@ca.command("request")
@click.argument("key_file", type=existing_file)
@click.option("--subject", required=True, help="Common name, or an RFC 4514 name such as CN=Seal,O=Example,C=CN.")
@output_option
@password_options
@force_option
@json_option
def ca_request(
    key_file: Path, subject: str, output: Path, password_file: Path | None, force: bool, as_json: bool
) -> None:
    """Make a certificate request for a private KEY_FILE."""
    made = pki.CertificateRequest.create(load_key(key_file, password_file), full_name(subject))
    write_new(output, made.to_pem().encode(), force=force)
    emit({"file": str(output), "subject": made.subject}, as_json=as_json, text=f"{output}: {made.subject}")


@ca.command("show")
@click.argument("certificate", type=existing_file)
@json_option
def ca_show(certificate: Path, as_json: bool) -> None:
    """Print what a CERTIFICATE says."""
    emit(_facts(pki.Certificate.load(certificate.read_bytes()), certificate), as_json=as_json)


@ca.command("verify")
@click.argument("certificate", type=existing_file)
@click.option("--root", "roots", type=existing_file, multiple=True, required=True, help="Trusted root, repeatable.")
@click.option("--intermediate", "intermediates", type=existing_file, multiple=True)
@click.option("--at", type=MOMENT, help="The moment of trust. Default: now.")
@json_option
def ca_verify(
    certificate: Path, roots: tuple[Path, ...], intermediates: tuple[Path, ...], at: datetime | None, as_json: bool
) -> None:
    """Verify the chain of CERTIFICATE to a trusted root. Exit code 1 if it does not hold."""
    moment = at or datetime.now(UTC)
    leaf = pki.Certificate.load(certificate.read_bytes())
    chain = pki.verify_chain(
        leaf,
        [pki.Certificate.load(p.read_bytes()) for p in intermediates],
        [pki.Certificate.load(p.read_bytes()) for p in roots],
        at=moment,
    )
    subjects = [link.subject for link in chain]
    emit(
        {"trusted": True, "at": moment, "chain": subjects},
        as_json=as_json,
        text="trusted at " + moment.isoformat() + "\n" + "\n".join(f"  {s}" for s in subjects),
    )


def full_name(name: str) -> str:
    """An RFC 4514 name as it is; anything else becomes the common name."""
    if "=" in name:
        return name
    return "CN=" + "".join("\\" + c if c in '\\,+"<>;#' else c for c in name)


def _facts(certificate: pki.Certificate, file: Path) -> dict[str, Any]:
    return {
        "file": str(file),
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "serial": f"{certificate.serial:x}",
        "algorithm": certificate.public_key.algorithm,
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "sha256": certificate.fingerprint,
    }


COMMANDS = [ca]
