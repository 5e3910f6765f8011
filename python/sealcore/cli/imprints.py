"""Imprints: ``sealcore imprint``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sealcore import imprint as imprints
from sealcore.cli.common import emit, emit_table, existing_file, json_option, progress, write_new
from sealcore.errors import MissingExtra, SealcoreError


@click.group()
def imprint() -> None:
    """Find, fingerprint and compare the imprints of seals."""


@imprint.command("find")
@click.argument("sources", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--dpi", type=click.FloatRange(30, 4800), help="Resolution, if it is known better than by the file.")
@json_option
def find(sources: tuple[Path, ...], dpi: float | None, as_json: bool) -> int:
    """Find every imprint on SOURCES: pictures (PNG, JPEG, BMP, TIFF), PDFs, or folders of them.

    One row an imprint: page, shape, ink, box and size, the surest first on each page. Exit code 1 if there is none, 3
    if a file could not be read (the others are searched all the same).

    \b
    Examples:
      sealcore imprint find page.png
      sealcore imprint find contract.pdf --json
      sealcore imprint find scans/ --dpi 300
    """
    files = [file for source in sources for file in files_of(source)]
    rows: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    searched = 0
    with progress("searching", quiet=as_json or len(files) == 1) as step:
        for done, file in enumerate(files):
            step(done, len(files))
            try:
                for number, page in enumerate(imprints.pages(file, dpi=dpi), start=1):
                    searched += 1
                    rows += [_row(file, number, found) for found in imprints.find(page)]
            except (SealcoreError, OSError) as error:
                if isinstance(error, MissingExtra):
                    raise
                failed.append({"file": str(file), "error": str(error)})
    if as_json:
        emit({"ok": bool(rows) and not failed, "pages": searched, "rows": rows, "failed": failed}, as_json=True)
    else:
        columns = ("file", "page", "shape", "ink", "centre", "size", "angle", "coverage", "confidence")
        emit_table([_readable(row) for row in rows], columns, as_json=False, empty=f"no imprint on {searched} pages")
        for failure in failed:
            click.echo(f"{failure['file']}: {failure['error']}", err=True)
    return 3 if failed else 0 if rows else 1


_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".bmp", ".dib", ".tif", ".tiff", ".pdf"})


def files_of(source: Path) -> list[Path]:
    """A file itself; of a folder the pictures and PDFs at any depth, by name."""
    if not source.is_dir():
        return [source]
    return sorted(file for file in source.rglob("*") if file.suffix.lower() in _SUFFIXES and file.is_file())


def _row(file: Path, page: int, found: imprints.Imprint) -> dict[str, Any]:
    names = ("shape", "ink", "centre", "axes", "box", "size_mm", "angle", "coverage", "confidence")
    return {"file": str(file), "page": page, **{name: getattr(found, name) for name in names}}


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """A row for people: lengths in millimetres if they are known."""
    left, top, right, bottom = row["box"]
    pixels = f"{right - left} x {bottom - top} px"
    size = pixels if row["size_mm"] is None else "{:.1f} x {:.1f} mm".format(*row["size_mm"])
    return {
        **row,
        "centre": "{:.0f}, {:.0f}".format(*row["centre"]),
        "size": size,
        "angle": f"{row['angle']:.1f}",
        "coverage": f"{row['coverage']:.2f}",
        "confidence": f"{row['confidence']:.2f}",
    }


@imprint.command("fingerprint")
@click.argument("image", type=existing_file)
@json_option
def fingerprint(image: Path, as_json: bool) -> None:
    """Print the rotation-invariant fingerprint of the imprint on IMAGE (PNG or JPEG)."""
    made = imprints.fingerprint(image.read_bytes())
    emit({"file": str(image), "fingerprint": made.to_bytes()}, as_json=as_json, text=made.to_bytes().hex())


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
