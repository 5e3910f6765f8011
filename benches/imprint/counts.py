"""Error rates as counts with exact intervals, and thresholds that are set on one half of the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["Errors", "Share", "equal_error", "errors", "threshold"]


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    count: int
    of: int

    @property
    def value(self) -> float:
        return self.count / self.of if self.of else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """The exact interval of Clopper and Pearson, 95%."""
        if not self.of:
            return 0.0, 1.0
        low = float(stats.beta.ppf(0.025, self.count, self.of - self.count + 1)) if self.count else 0.0
        high = float(stats.beta.ppf(0.975, self.count + 1, self.of - self.count)) if self.count < self.of else 1.0
        return low, high

    def as_dict(self) -> dict[str, object]:
        low, high = self.interval
        return {"count": self.count, "of": self.of, "value": self.value, "interval_95": [low, high]}

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.count}/{self.of} = {100 * self.value:.2f}% [{100 * low:.2f}, {100 * high:.2f}]"


@dataclass(frozen=True, slots=True)
class Errors:
    """Genuine imprints refused and forged ones let through at a threshold, and the equal error rate of the scores."""

    refused: Share
    passed: Share
    threshold: float
    equal: float

    @property
    def half_total(self) -> float:
        return (self.refused.value + self.passed.value) / 2

    def as_dict(self) -> dict[str, object]:
        return {
            "false_rejections": self.refused.as_dict(),
            "false_acceptances": self.passed.as_dict(),
            "half_total_error": self.half_total,
            "threshold": self.threshold,
            "equal_error": self.equal,
        }


def _curve(genuine: Sequence[float], forged: Sequence[float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds, and what they refuse and let through; a score is a distance, refused when above."""
    good, bad = np.sort(np.asarray(genuine, float)), np.sort(np.asarray(forged, float))
    values = np.unique(np.concatenate([good, bad]))
    cuts = np.concatenate([[values[0] - 1], (values[:-1] + values[1:]) / 2, [values[-1] + 1]])
    refused = 1 - np.searchsorted(good, cuts, "right") / good.size
    passed = np.searchsorted(bad, cuts, "right") / bad.size
    return cuts, refused, passed


def equal_error(genuine: Sequence[float], forged: Sequence[float]) -> float:
    """The rate at which as many genuine imprints are refused as forged ones let through."""
    _, refused, passed = _curve(genuine, forged)
    place = int(np.argmin(np.abs(refused - passed)))
    return float(refused[place] + passed[place]) / 2


def threshold(genuine: Sequence[float], forged: Sequence[float]) -> float:
    """The middle of the thresholds at which both errors are as equal as they get: a gap is cut in its middle."""
    cuts, refused, passed = _curve(genuine, forged)
    gap = np.abs(refused - passed)
    best = np.flatnonzero((gap == gap.min()) & (refused + passed <= (refused + passed)[gap == gap.min()].min()))
    return float((cuts[best[0]] + cuts[best[-1]]) / 2)


def errors(genuine: Sequence[float], forged: Sequence[float], cut: float) -> Errors:
    """What a threshold that was set elsewhere does to these scores."""
    refused = Share(int(np.sum(np.asarray(genuine) > cut)), len(genuine))
    passed = Share(int(np.sum(np.asarray(forged) <= cut)), len(forged))
    return Errors(refused, passed, cut, equal_error(genuine, forged))
