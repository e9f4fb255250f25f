"""The gauge of z: where both z-scores are among the thresholds, as positions from 0 to 100."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.text.numbers import format_level

# One more than the usual critical level. A value beyond it is drawn at the edge, and the page says so.
SPAN: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The levels that ``|z|`` is compared with.

    Parameters
    ----------
    leave, warning, critical
        A divergence opens at ``warning``, escalates at ``critical`` and closes at ``leave``.
    probability
        How likely the next close must be at a level for a live price to decide.
    """

    leave: float = 1.0
    warning: float = 2.0
    critical: float = 3.0
    probability: float = 0.8

    @classmethod
    def from_event(cls, thresholds: Mapping[str, float]) -> "Thresholds":
        """Return the thresholds that an event was decided with, the usual ones where it has none.

        Examples
        --------
        >>> Thresholds.from_event({"warning": 1.5, "hold_seconds": 300.0})
        Thresholds(leave=1.0, warning=1.5, critical=3.0, probability=0.8)
        """
        return cls(
            leave=thresholds.get("leave", 1.0),
            warning=thresholds.get("warning", 2.0),
            critical=thresholds.get("critical", 3.0),
            probability=thresholds.get("probability", 0.8),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GaugeBand:
    """A coloured part of the gauge, by severity."""

    name: str
    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GaugeLabel:
    """A text at a position."""

    x: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """The scale of z with both values on it.

    Parameters
    ----------
    confirmed, provisional
        Positions; None where z is undefined.
    beyond
        Which of the two are beyond the scale.
    """

    bands: tuple[GaugeBand, ...]
    marks: tuple[GaugeLabel, ...]
    confirmed: float | None
    provisional: float | None
    beyond: tuple[str, ...]


def make_gauge(
    *, confirmed: float | None, provisional: float | None, thresholds: Thresholds | None = None
) -> Gauge:
    """Return the gauge of both z-scores.

    Examples
    --------
    >>> gauge = make_gauge(confirmed=2.0, provisional=-9.0)
    >>> gauge.confirmed, gauge.provisional, gauge.beyond
    (75.0, 0.0, ('provisional',))
    """
    levels = thresholds if thresholds is not None else Thresholds()
    span = max(SPAN, levels.critical + 1.0)

    def at(z: float) -> float:
        return round(50 + 50 * max(-span, min(span, z)) / span, 3)

    def band(name: str, low: float, high: float) -> GaugeBand:
        return GaugeBand(name=name, x=at(low), width=round(at(high) - at(low), 3))

    edges = (
        -levels.critical,
        -levels.warning,
        -levels.leave,
        0.0,
        levels.leave,
        levels.warning,
        levels.critical,
    )
    marks = tuple(GaugeLabel(x=at(z), text=f"{'+' if z > 0 else ''}{format_level(z)}") for z in edges)
    both = {"confirmed": confirmed, "provisional": provisional}
    return Gauge(
        bands=(
            band("critical", -span, -levels.critical),
            band("warning", -levels.critical, -levels.warning),
            band("between", -levels.warning, -levels.leave),
            band("calm", -levels.leave, levels.leave),
            band("between", levels.leave, levels.warning),
            band("warning", levels.warning, levels.critical),
            band("critical", levels.critical, span),
        ),
        marks=marks,
        confirmed=None if confirmed is None else at(confirmed),
        provisional=None if provisional is None else at(provisional),
        beyond=tuple(name for name, z in both.items() if z is not None and abs(z) > span),
    )
