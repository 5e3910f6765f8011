"""The command line: ``sealcore --help``.

Exit codes: 0 done; 1 the answer is no (invalid signature, altered document, findings in a ledger, another seal);
2 wrong usage; 3 input that cannot be read; 4 refused by authority; 5 ledger or storage trouble; 6 a part of sealcore or
of the system is missing; 70 a bug in sealcore; 130 interrupted.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

__all__ = ["main"]


def main() -> None:
    """Runs the command line and ends the process with its exit code."""
    if not all(map(find_spec, ("click", "rich"))):
        print('sealcore: the command line needs an extra: pip install "sealcore[cli]"', file=sys.stderr)
        sys.exit(6)
    from sealcore.cli.app import run  # noqa: PLC0415  the library must not load the command line's packages

    sys.exit(run())
