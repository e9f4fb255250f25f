"""Rounds of ours and every baseline in turn, so that what slows the machine down slows all of them down."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Median, least and greatest of the rounds."""

    median: float
    low: float
    high: float


def spread(values: list[float]) -> Spread:
    """Return median and extremes."""
    return Spread(median=statistics.median(values), low=min(values), high=max(values))


def ratios(ours: list[float], baseline: list[float]) -> list[float]:
    """Return ours to the baseline, round by round: neighbours in time see the same machine."""
    return [mine / theirs for mine, theirs in zip(ours, baseline, strict=True)]


def interleave(
    contestants: Mapping[str, Callable[[], float]], rounds: int, on_round: Callable[[str], None]
) -> dict[str, list[float]]:
    """Run every contestant once in each round, every second round in the opposite order."""
    results: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        names = list(contestants)
        if number % 2:
            names.reverse()
        for name in names:
            on_round(f"round {number + 1} of {rounds}: {name}")
            results[name].append(contestants[name]())
    return results
