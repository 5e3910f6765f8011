"""Imprints: ``sealcore imprint``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sealcore import imprint as imprints
from sealcore.cli.common import emit, existing_file, json_option, write_new


@click.group()
def imprint() -> None:
    """Fingerprint and compare the imprints of seals."""


@imprint.command("find")
@click.argument("image", type=existing_file)
@json_option
def find(image: Path, as_json: bool) -> None:
    """Find the dominant imprint on IMAGE (PNG or JPEG): shape, ink, place, size."""
    found = imprints.find(image.read_bytes())
    facts = {
        name: getattr(found, name) for name in ("shape", "ink", "centre", "axes", "size_mm", "support", "coverage")
    }
    emit({"file": str(image), **facts}, as_json=as_json)


@imprint.command("fingerprint")
@click.argument("image", type=existing_file)
@json_option
def fingerprint(image: Path, as_json: bool) -> None:
    """Print the rotation-invariant fingerprint of the imprint on IMAGE (PNG or JPEG)."""
    made = imprints.fingerprint(image.read_bytes())
    emit({"file": str(image), "fingerprint": made.to_bytes()}, as_json=as_json, text=made.to_bytes().hex())


@imprint.command("compare")
@click.argument("registered", type=existing_file)
@click.argument("questioned", type=existing_file)
@json_option
def compare(registered: Path, questioned: Path, as_json: bool) -> int:
    """Tell whether QUESTIONED shows the seal of REGISTERED. Exit code 0 only for "same"."""
    a = imprints.fingerprint(registered.read_bytes())
    b = imprints.fingerprint(questioned.read_bytes())
    result = imprints.compare(a, b)
    same = result.verdict == "same"
    emit(
        {"ok": same, "verdict": result.verdict, "similarity": result.similarity, "angle_degrees": result.angle},
        as_json=as_json,
        text=f"{result.verdict} (similarity {result.similarity:.3f}, turned by {result.angle:.1f} degrees)",
    )
    return 0 if same else 1


@imprint.command("draw")
@click.option("--name", required=True, help="The name on the ring, for example 某某科技有限公司.")
@click.option("--purpose", default="", help="The line below the star, for example 合同专用章.")
@click.option("--code", default="", help="The number along the lower edge.")
@click.option("--shape", type=click.Choice(["round", "oval", "square"]), default="round", show_default=True)
@click.option("--width-mm", type=click.FloatRange(8, 100), help="Default: 40 (square: 20).")
@click.option("--dpi", type=click.IntRange(72, 2400), default=600, show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--force", is_flag=True, help="Replace an existing output file.")
@json_option
def draw(
    name: str,
    purpose: str,
    code: str,
    shape: Any,
    width_mm: float | None,
    dpi: int,
    output: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Draw a seal at its true size as a transparent PNG.

    \b
    Example:
      sealcore imprint draw --name 北京晨光科技有限公司 --purpose 合同专用章 -o seal.png
    """
    from sealcore.seals.drawing import SealDesign, draw_seal  # noqa: PLC0415  loads Pillow

    design = SealDesign(name=name, purpose=purpose, code=code, shape=shape, width_mm=width_mm)
    write_new(output, draw_seal(design, dpi=dpi), force=force)
    emit(
        {"file": str(output), "size_mm": design.size_mm, "dpi": dpi},
        as_json=as_json,
        text=f"{output}: {design.size_mm[0]:g} x {design.size_mm[1]:g} mm at {dpi} dpi",
    )


COMMANDS = [imprint]
