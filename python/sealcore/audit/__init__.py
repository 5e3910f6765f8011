"""For auditors of large ledgers: places that are not this machine, verification on many machines, tables for analysts.

* :func:`open_place`: a ledger at any URL that fsspec knows (``s3://``, ``gs://``, ``http://``, ``memory://``, ...).
* :func:`verify_distributed`: the verification of :func:`sealcore.ledger.verify_ledger` with Dask, and the same report.
* :func:`export_parquet`: every entry as a row of a Parquet file.

The last two need extras: ``pip install "sealcore[dask]"`` (with fsspec) and ``pip install "sealcore[parquet]"``.
"""

from __future__ import annotations

from sealcore.audit.distributed import verify_distributed
from sealcore.audit.parquet import export_parquet
from sealcore.audit.places import FsspecObjects, open_place

__all__ = ["FsspecObjects", "export_parquet", "open_place", "verify_distributed"]
