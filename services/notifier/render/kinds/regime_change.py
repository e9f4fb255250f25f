"""The regime changed: an event without a duration, told once."""

from services.notifier.render.kinds.ratio_stretch import outperformance, ratio_rows
from services.notifier.render.telling import Row, Telling
from services.notifier.render.wording import signed
from shared.domain.divergences import DivergenceEvent
from shared.text.divergences import describe_regime


def tell(event: DivergenceEvent, lead: str, other: str) -> Telling:
    """Return how a change of the regime is told."""
    z = event.values.get("z_90")
    regime = describe_regime(event.values.get("regime"), missing="")
    before = describe_regime(event.values.get("regime_before"), missing="")
    if regime == "neutral":
        meaning = f"The ratio of {lead} to {other} is near its average: neither leads."
    else:
        meaning = outperformance(event.direction, lead, other)
    state = f"{lead} and {other}: {f'the regime is {regime}' if regime else 'another regime'}"
    change = f"{f' from {before}' if before else ''}{f' to {regime}' if regime else ''}"
    return Telling(
        standing=state,
        over=state,
        figure="" if z is None else f"z {signed(z)}",
        happened=f"The regime has changed{change}.",
        meaning=meaning,
        ended="A change of the regime has no duration: there is nothing to wait for.",
        withdrawn="at the close the regime was the old one",
        facts=(
            Row(
                name="z-score, 90 sessions",
                value=signed(z),
                note="risk-off from +1, risk-on from −1, neutral again inside ±0.5",
            ),
            *ratio_rows(event, lead, other),
        ),
    )
