"""A ledger for the tools of transparency logs: static tiles, an HTTP view of them, witnesses over HTTP.

What is here lets programs that no one here wrote read a ledger and vouch for it: the C2SP formats tlog-tiles and
tlog-witness. Formats, keys and proofs are in :mod:`sealcore.ledger`; here are files and HTTP. The functions need only
Python; the two servers of the command line run on waitress (extra ``service``).
"""

from __future__ import annotations

from sealcore.tlog.tiles import ExportSummary, export_tiles, tile_path
from sealcore.tlog.view import tiles_application
from sealcore.tlog.witness import Witness, witness_application
from sealcore.tlog.witnessing import Cosigned, WitnessAnswer, anchored_note, collect_cosignatures

__all__ = [
    "Cosigned",
    "ExportSummary",
    "Witness",
    "WitnessAnswer",
    "anchored_note",
    "collect_cosignatures",
    "export_tiles",
    "tile_path",
    "tiles_application",
    "witness_application",
]
