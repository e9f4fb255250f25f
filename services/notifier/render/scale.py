"""The drawn scale of the deciding statistic: coloured bands for calm, warning and critical, and a marker."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.text.numbers import format_signed

# A scale ends this much above its highest level; a statistic beyond its end is drawn at the end.
_MARGIN: Final = 1.5
_USUAL_END: Final = 4.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One part of a scale, in percent of its width."""

    width: float
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A scale with its marker.

    Parameters
    ----------
    marker
        Where the statistic lies, in percent of the width.
    left, middle, right
        Labels below its ends and its middle.
    """

    marker: float
    bands: tuple[Band, ...]
    left: str
    middle: str
    right: str


def two_sided(
    value: float | None, thresholds: Mapping[str, float], *, name: str, middle: str
) -> Scale | None:
    """Return the scale of a statistic that diverges to both sides of zero; None where it has no value.

    Examples
    --------
    >>> scale = two_sided(2.25, {"warning": 2.0, "critical": 3.0}, name="z", middle="average")
    >>> scale.marker, scale.right, [band.tone for band in scale.bands]
    (75.0, 'z +4.5', ['critical', 'warning', 'calm', 'warning', 'critical'])
    """
    if value is None or not math.isfinite(value):
        return None
    warning, critical = thresholds.get("warning"), thresholds.get("critical")
    end = _USUAL_END
    bands: tuple[Band, ...] = (Band(width=100.0, tone="calm"),)
    if warning is not None and critical is not None and 0 < warning < critical:
        end = max(_USUAL_END, critical + _MARGIN)
        unit = 100 / (2 * end)
        outer = Band(width=round((end - critical) * unit, 1), tone="critical")
        inner = Band(width=round((critical - warning) * unit, 1), tone="warning")
        bands = (outer, inner, Band(width=round(2 * warning * unit, 1), tone="calm"), inner, outer)
    place = (max(-end, min(end, value)) + end) / (2 * end)
    return Scale(
        marker=round(100 * place, 1),
        bands=bands,
        left=f"{name} {format_signed(-end, 1)}",
        middle=middle,
        right=f"{name} {format_signed(end, 1)}",
    )


def zero_to_one(
    value: float | None, thresholds: Mapping[str, float], *, left: str, right: str
) -> Scale | None:
    """Return the scale of a share or a correlation whose high values diverge; None where it has no value.

    Examples
    --------
    >>> scale = zero_to_one(0.2, {"warning": 0.1, "critical": 0.3}, left="0", right="1")
    >>> scale.marker, [band.width for band in scale.bands]
    (20.0, [10.0, 20.0, 70.0])
    """
    if value is None or not math.isfinite(value):
        return None
    warning, critical = thresholds.get("warning"), thresholds.get("critical")
    bands: tuple[Band, ...] = (Band(width=100.0, tone="calm"),)
    if warning is not None and critical is not None and 0 < warning < critical < 1:
        bands = (
            Band(width=round(100 * warning, 1), tone="calm"),
            Band(width=round(100 * (critical - warning), 1), tone="warning"),
            Band(width=round(100 * (1 - critical), 1), tone="critical"),
        )
    place = max(0.0, min(1.0, value))
    return Scale(marker=round(100 * place, 1), bands=bands, left=left, middle="", right=right)
