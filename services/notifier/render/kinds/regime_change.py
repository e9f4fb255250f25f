"""The regime changed: an event without a duration, about which one mail is sent."""

from services.notifier.render.kind_text import KindText
from services.notifier.render.tables import Row, ratio_rows
from services.notifier.render.wording import outperformance, signed
from shared.domain.divergences import DivergenceEvent
from shared.text.divergences import describe_regime


def kind_text(event: DivergenceEvent, lead: str, other: str) -> KindText:
    """Return the texts of a change of the regime."""
    z = event.values.get("z_90")
    regime = describe_regime(event.values.get("regime"), missing="")
    before = describe_regime(event.values.get("regime_before"), missing="")
    if regime == "neutral":
        meaning = f"The ratio of {lead} to {other} is near its average: neither leads."
    else:
        meaning = outperformance(event.direction, lead, other)
    state = f"{lead} and {other}: {f'the regime is {regime}' if regime else 'another regime'}"
    change = f"{f' from {before}' if before else ''}{f' to {regime}' if regime else ''}"
    return KindText(
        headline=state,
        closed_headline=state,
        figure="" if z is None else f"z {signed(z)}",
        happened=f"The regime has changed{change}.",
        meaning=meaning,
        ended="A change of the regime has no duration, so no further message follows.",
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
