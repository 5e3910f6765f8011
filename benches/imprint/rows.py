"""Rows of the table of accuracy: a test, what came out, of how many, what is wanted."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from imprint.counts import Errors, Share

__all__ = ["FOLDER", "Row", "print_rows", "write"]

FOLDER = Path(__file__).resolve().parents[2] / "target" / "accuracy"


@dataclass(frozen=True, slots=True)
class Row:
    """One line."""

    part: str
    test: str
    measure: str
    value: float
    detail: str
    """Counts and intervals in words."""
    target: float | None = None
    at_least: bool = False
    numbers: dict[str, object] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target

    def as_dict(self) -> dict[str, object]:
        return {
            "part": self.part,
            "test": self.test,
            "measure": self.measure,
            "value": self.value,
            "detail": self.detail,
            "target": self.target,
            "at_least": self.at_least,
            "met": self.met,
            **self.numbers,
        }

    @staticmethod
    def of_errors(part: str, test: str, errors: Errors, target: float | None) -> Row:
        """Half of both errors on seeds B, at the threshold of seeds A."""
        detail = f"EER {100 * errors.equal:.2f}%, refused {errors.refused}, passed {errors.passed}"
        return Row(part, test, "half total error", errors.half_total, detail, target, numbers=errors.as_dict())

    @staticmethod
    def of_share(
        part: str, test: str, measure: str, share: Share, target: float | None, *, at_least: bool = False
    ) -> Row:
        return Row(part, test, measure, share.value, str(share), target, at_least, share.as_dict())


def print_rows(rows: list[Row], *, markdown: bool = False) -> None:
    """The table, for a terminal or for a document."""
    for row in rows:
        said = {None: "", True: "met", False: "SHORT"}[row.met]
        sign = "≥" if row.at_least else "≤"
        target = "" if row.target is None else f"{sign} {100 * row.target:.4g}%"
        value = "-" if math.isnan(row.value) else f"{100 * row.value:.2f}%"
        if markdown:
            print(f"| {row.test} | {row.measure} | {value} | {row.detail} | {target} | {said} |")
        else:
            print(f"{row.test:<44} {row.measure:<24} {value:>8} {target:>9} {said:<5}  {row.detail}")


def write(part: str, rows: list[Row], settings: dict[str, object]) -> Path:
    """The part's rows as JSON."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{part}.json"
    path.write_text(
        json.dumps({"settings": settings, "rows": [row.as_dict() for row in rows]}, indent=1, ensure_ascii=False) + "\n"
    )
    return path
