"""``make accuracy``: how often the imprint room errs, as tables with counts and 95% intervals.

Thresholds come from seeds A, results from seeds B, and nothing is tuned on B. The default run takes about three
quarters of an hour on two cores; ``--scale 10`` takes ten times as many seals, ``--registry 100000`` the large
registry.

    make accuracy                                   every part
    make accuracy PART=forgeries                    one part: forgeries others search copies conditions peers real pages
    make accuracy PART=search REGISTRY=100000
    make accuracy SCALE=10
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from imprint import forged, found, searched
from imprint.rows import FOLDER, Row, print_rows, write
from sealmodel.typefaces import MissingTypeface, require

Result = tuple[list[Row], dict[str, Any]]


def _parts(arguments: argparse.Namespace) -> dict[str, Callable[[], Result]]:
    jobs = arguments.jobs

    def scaled(count: int) -> int:
        return max(4, round(count * arguments.scale))

    return {
        "forgeries": lambda: forged.forgeries(scaled(60), jobs),
        "others": lambda: forged.others(scaled(200), jobs),
        "search": lambda: searched.search(arguments.registry, scaled(200), jobs),
        "copies": lambda: forged.copies(scaled(60), jobs),
        "conditions": lambda: forged.conditions(scaled(40), jobs),
        "peers": lambda: forged.peers(scaled(30), jobs),
        "real": found.real,
        "pages": lambda: found.pages(scaled(30), jobs),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make accuracy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "parts", nargs="*", help="forgeries others search copies conditions peers real pages; default: all"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="times as many seals and imprints (default 1)")
    parser.add_argument(
        "--registry", type=int, default=10_000, help="seals of the registry that is searched (default 10000)"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    parser.add_argument("--markdown", action="store_true", help="the same table for a document")
    parser.add_argument("--table", action="store_true", help="print the table of the last runs, measure nothing")
    return parser.parse_args()


def _stored(part: str) -> list[Row]:
    path = FOLDER / f"{part}.json"
    if not path.exists():
        return []
    keys = ("part", "test", "measure", "value", "detail", "target", "at_least")
    return [Row(**{key: row[key] for key in keys}) for row in json.loads(path.read_text())["rows"]]


def main() -> int:
    arguments = _arguments()
    parts = _parts(arguments)
    unknown = sorted(set(arguments.parts) - set(parts))
    if unknown:
        print(f"make accuracy: no part {', '.join(unknown)}; the parts are {' '.join(parts)}", file=sys.stderr)
        return 2
    if arguments.table or arguments.markdown:
        for part in arguments.parts or parts:
            print_rows(_stored(part), markdown=arguments.markdown)
        return 0
    try:
        require("noto-serif", "noto-sans", "song", "uming", "kai", "hei")
        for part in arguments.parts or parts:
            start = time.monotonic()
            rows, settings = parts[part]()
            settings |= {"scale": arguments.scale, "seconds": round(time.monotonic() - start), "jobs": arguments.jobs}
            path = write(part, rows, settings)
            print(f"\n{part} ({settings['seconds']} s, {path.relative_to(FOLDER.parents[1])})")
            print_rows(rows)
    except (MissingTypeface, found.MissingData) as error:
        print(f"make accuracy: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
