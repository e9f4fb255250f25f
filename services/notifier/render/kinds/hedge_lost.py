"""The lead moves with the other leg, so it hedges nothing.

The direction is that of the statistic's sign and tells a reader nothing: a lost hedge has no side.
"""

from services.notifier.render.correlations import correlation_row
from services.notifier.render.scale import zero_to_one
from services.notifier.render.telling import Row, Telling
from services.notifier.render.wording import limits_in_words, signed
from shared.domain.divergences import DivergenceEvent
from shared.text.divergences import describe_divergence


def tell(event: DivergenceEvent, lead: str, other: str) -> Telling:
    """Return how a lost hedge is told."""
    values = event.values
    correlation, low = values.get("corr_60"), values.get("corr_ci_60_low")
    state = describe_divergence(event.kind, event.direction, lead=lead, other=other)
    return Telling(
        standing=state,
        over=f"{lead} can hedge {other} again",
        figure="" if correlation is None else f"correlation {signed(correlation)}",
        happened=f"Over the last 60 sessions {lead} moved with {other}, and too clearly for chance: "
        "the whole 95% interval of their correlation lies above zero.",
        meaning=f"What {other} loses, {lead} tends to lose too: until this ends, {lead} adds to the risk "
        "that it was to take away.",
        ended=f"Over the last 60 sessions {lead} no longer moved with {other}: it can hedge again.",
        withdrawn="at the close the correlation was not clearly above zero",
        facts=(
            correlation_row(event, 60),
            Row(
                name="Lower end of the interval",
                value=signed(low),
                note=limits_in_words(
                    event.thresholds, side="+", over="over once the correlation is 0 or less"
                ),
            ),
        ),
        scale=zero_to_one(low, event.thresholds, left="0: no correlation", right="1: they move as one"),
    )
