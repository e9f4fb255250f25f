"""The legs move together more, or less, than they used to."""

from services.notifier.render.kind_text import KindText
from services.notifier.render.scale import two_sided
from services.notifier.render.tables import Row, correlation_row
from services.notifier.render.wording import NOT_KNOWN, limits_in_words, signed
from shared.domain.divergences import Direction, DivergenceEvent
from shared.text.divergences import describe_divergence


def kind_text(event: DivergenceEvent, lead: str, other: str) -> KindText:
    """Return the texts of a changed correlation."""
    values = event.values
    is_tighter = event.direction is Direction.TIGHTENING
    state = describe_divergence(event.kind, event.direction, lead=lead, other=other)
    recent, usual = (signed(values.get(name)) for name in ("corr_20", "corr_252"))
    known = NOT_KNOWN not in (recent, usual)
    return KindText(
        headline=state,
        closed_headline=f"{lead} and {other} move together as they used to",
        figure=f"correlation {usual} → {recent}" if known else "",
        happened=f"The correlation of the last 20 sessions is {recent}, that of the last 252 {usual}."
        if known
        else f"The correlation of the last 20 sessions has {'risen above' if is_tighter else 'fallen below'} "
        "that of the last 252.",
        meaning=f"The more {lead} moves with {other}, the less it hedges {other}."
        if is_tighter
        else f"The less {lead} moves with {other}, the better it can hedge {other}.",
        ended="The correlation of the last 20 sessions is near that of the last 252 again.",
        withdrawn="at the close the correlations were near each other",
        facts=(
            Row(
                name="Change, Fisher's z",
                value=signed(values.get("fisher_z")),
                note=limits_in_words(event.thresholds),
            ),
            Row(name="Change of the correlation", value=signed(values.get("corr_change"))),
            *(correlation_row(event, window) for window in (20, 252)),
        ),
        scale=two_sided(values.get("fisher_z"), event.thresholds, name="z", middle="as usual"),
    )
