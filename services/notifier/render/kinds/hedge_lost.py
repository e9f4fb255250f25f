"""The lead moves with the other leg, so it hedges nothing.

The event's direction is the sign of the statistic. No text uses it: a lost hedge has no side.
"""

from services.notifier.render.kind_text import KindText
from services.notifier.render.scale import zero_to_one
from services.notifier.render.tables import Row, correlation_row
from services.notifier.render.wording import limits_in_words, signed
from shared.domain.divergences import DivergenceEvent
from shared.text.divergences import describe_divergence


def kind_text(event: DivergenceEvent, lead: str, other: str) -> KindText:
    """Return the texts of a lost hedge."""
    values = event.values
    correlation, low = values.get("corr_60"), values.get("corr_ci_60_low")
    state = describe_divergence(event.kind, event.direction, lead=lead, other=other)
    return KindText(
        headline=state,
        closed_headline=f"{lead} can hedge {other} again",
        figure="" if correlation is None else f"correlation {signed(correlation)}",
        happened=f"Over the last 60 sessions {lead} moved with {other}, too consistently for chance: "
        "the whole 95% interval of their correlation is above zero.",
        meaning=f"When {other} falls, {lead} tends to fall, too: until this ends, {lead} adds to the risk "
        "that it should reduce.",
        ended=f"Over the last 60 sessions {lead} no longer moved with {other}: it can hedge again.",
        withdrawn="at the close the correlation was not clearly above zero",
        facts=(
            correlation_row(event, 60),
            Row(
                name="Lower end of the interval",
                value=signed(low),
                note=limits_in_words(
                    event.thresholds, side="+", closes="closes once the correlation is 0 or less"
                ),
            ),
        ),
        scale=zero_to_one(low, event.thresholds, left="0: no correlation", right="1: they move as one"),
    )
