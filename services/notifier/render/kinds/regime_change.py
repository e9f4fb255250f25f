"""The regime changed: an event without a duration, told once."""

from collections.abc import Mapping
from typing import Final

from services.notifier.render.kinds.ratio_stretch import outperformance, ratio_rows
from services.notifier.render.telling import Row, Telling
from services.notifier.render.wording import number
from shared.domain.divergences import DivergenceEvent

# On the wire a statistic is a number.
_REGIMES: Final[Mapping[float | None, str]] = {-1.0: "risk-on", 0.0: "neutral", 1.0: "risk-off"}


def tell(event: DivergenceEvent, lead: str, other: str) -> Telling:
    """Return how a change of the regime is told."""
    z = event.values.get("z_90")
    regime = _REGIMES.get(event.values.get("regime"))
    before = _REGIMES.get(event.values.get("regime_before"))
    if regime == "neutral":
        meaning = f"The ratio of {lead} to {other} is near its average: neither leads."
    else:
        meaning = outperformance(event.direction, lead, other)
    state = f"{lead} and {other}: {f'the regime is {regime}' if regime else 'another regime'}"
    change = f"{f' from {before}' if before else ''}{f' to {regime}' if regime else ''}"
    return Telling(
        opened=state,
        standing=state,
        over=state,
        figure="" if z is None else f"z {number(z, is_signed=True)}",
        happened=f"The regime has changed{change}.",
        meaning=meaning,
        ended="A change of the regime has no duration: there is nothing to wait for.",
        withdrawn="at the close the regime was the old one",
        facts=(
            Row(
                name="z-score, 90 sessions",
                value=number(z, is_signed=True),
                note="risk-off from +1, risk-on from −1, neutral again inside ±0.5",
            ),
            *ratio_rows(event, lead, other),
        ),
    )
