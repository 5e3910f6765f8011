"""Every entry of a ledger as a row of a Parquet file, for analysts' engines.

The stored bytes stand in the column ``raw``: what is derived from them in the other columns can be made again, and with
the roots of the segments in the file's metadata it can be compared with a signed checkpoint. The entries are read
against the newest checkpoint as ever; their signatures are :func:`sealcore.ledger.verify_ledger`'s matter. Row groups
are small, so that memory does not grow with the ledger.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealcore.audit.places import FsspecObjects, open_place
from sealcore.errors import MissingExtra, StorageError
from sealcore.ledger import Entry, LedgerReader, decode_body

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["METADATA", "export_parquet"]

METADATA = b"sealcore.ledger"
"""The key of the file's metadata: JSON with origin, id, hash, size, root, checkpoint (the signed note) and segments."""

_ROWS = 8192
_BYTES = 8 << 20
"""A row group ends after so many rows or bytes of entries: entries are 161 to 65,535 bytes long."""


def export_parquet(
    where: str | PathLike[str] | FsspecObjects,
    file: str | PathLike[str],
    *,
    compression: str = "zstd",
    progress: Callable[[int, int], object] | None = None,
) -> int:
    """Write the entries of a ledger, up to its newest checkpoint, into one Parquet file.

    Columns: ``index`` (uint64), ``time`` (timestamp, µs, UTC), ``type`` and ``kind`` (dictionaries of text; the kind is
    the body's own), ``key_idx`` (uint32), ``algorithm``, ``statement``, ``prev``, ``leaf_hash`` (32 bytes each),
    ``signature`` (64 bytes), ``body`` (JSON with bytes in hexadecimal; null for a body that is not CBOR), ``raw``.

    Args:
        where: A directory, or a URL that fsspec knows.
        file: The file, which is replaced when it is whole.
        compression: Of the columns; any that pyarrow knows.
        progress: Called with (entries done, entries in all).

    Returns:
        The number of rows.

    Raises:
        MissingExtra: If pyarrow is not installed.
        StorageError: If the file cannot be written.
        LedgerCorrupt, RootMismatch: If an entry is not what the newest checkpoint covers.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415  an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError:
        raise MissingExtra('Parquet needs pyarrow: pip install "sealcore[parquet]"', extra="parquet") from None
    reader = LedgerReader.open(open_place(where))
    target = Path(file)
    aside = target.with_name(target.name + ".new")
    schema = _schema(pa).with_metadata({METADATA: json.dumps(_metadata(reader)).encode()})
    done = 0
    try:
        with pq.ParquetWriter(aside, schema, compression=compression) as writer:
            for rows in _groups(reader):
                writer.write_table(pa.Table.from_pylist(rows, schema))
                done += len(rows)
                if progress is not None:
                    progress(done, reader.size)
        os.replace(aside, target)
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error}") from None
    finally:
        aside.unlink(missing_ok=True)
    return done


def _schema(pa: Any) -> pa.Schema:
    word = pa.dictionary(pa.int32(), pa.string())
    fields = [
        ("index", pa.uint64()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("type", word),
        ("kind", word),
        ("key_idx", pa.uint32()),
        ("algorithm", word),
        ("statement", pa.binary(32)),
        ("prev", pa.binary(32)),
        ("leaf_hash", pa.binary(32)),
        ("signature", pa.binary(64)),
        ("body", pa.string()),
        ("raw", pa.binary()),
    ]
    return pa.schema([pa.field(name, kind, nullable=name in {"kind", "body"}) for name, kind in fields])


def _metadata(reader: LedgerReader) -> dict[str, Any]:
    return {
        "origin": reader.origin,
        "id": reader.id.hex(),
        "hash": reader.hash,
        "size": reader.size,
        "root": reader.root().hex(),
        "checkpoint": reader.checkpoint,
        "segments": [{"start": start, "end": end, "root": root.hex()} for start, end, root in reader.segment_roots()],
    }


def _groups(reader: LedgerReader) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    held = 0
    for entry in reader:
        rows.append(_row(entry))
        held += len(rows[-1]["raw"])
        if len(rows) >= _ROWS or held >= _BYTES:
            yield rows
            rows, held = [], 0
    if rows:
        yield rows


def _row(entry: Entry) -> dict[str, Any]:
    try:
        body = decode_body(entry.body)
    except ValueError:
        body = None
    return {
        "index": entry.index,
        "time": entry.time,
        "type": entry.type,
        "kind": body.get("kind") if isinstance(body, dict) and isinstance(body.get("kind"), str) else None,
        "key_idx": entry.key_idx,
        "algorithm": entry.algorithm,
        "statement": entry.statement,
        "prev": entry.prev,
        "leaf_hash": entry.leaf_hash,
        "signature": entry.signature,
        "body": None if body is None else json.dumps(body, ensure_ascii=False, default=bytes.hex),
        "raw": bytes(entry),
    }
