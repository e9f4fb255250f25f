"""The legs just moved apart, one up and one down."""

from services.notifier.render.kind_text import KindText
from services.notifier.render.scale import two_sided
from services.notifier.render.tables import Row
from services.notifier.render.wording import (
    NOT_KNOWN,
    limits_in_words,
    log_return,
    outperformance,
    percent,
    signed,
)
from shared.domain.divergences import DivergenceEvent
from shared.text.divergences import describe_divergence


def kind_text(event: DivergenceEvent, lead: str, other: str) -> KindText:
    """Return the texts of legs that moved apart."""
    distance = event.values.get("opposite_moves")
    state = describe_divergence(event.kind, event.direction, lead=lead, other=other)
    moves = {
        lead: log_return(event.values.get("return_5_lead")),
        other: log_return(event.values.get("return_5_other")),
    }
    known = NOT_KNOWN not in moves.values()
    how_far = f": {lead} {moves[lead]}, {other} {moves[other]}" if known else ""
    return KindText(
        headline=state,
        closed_headline=f"{lead} and {other} no longer move apart",
        figure="" if distance is None else f"D {signed(distance)}",
        happened=f"In the last 5 sessions {state}{how_far}. The two usually stay closer together.",
        meaning=outperformance(event.direction, lead, other),
        ended="The gap between the last 5 sessions' moves is normal again: the divergence is over.",
        withdrawn="at the close the moves were normal",
        facts=(
            Row(
                name="Distance D, 5 sessions",
                value=signed(distance),
                note="standard deviations between the moves · " + limits_in_words(event.thresholds)
                if event.thresholds
                else "standard deviations between the moves",
            ),
            Row(name=f"{lead}, 5 sessions", value=moves[lead]),
            Row(name=f"{other}, 5 sessions", value=moves[other]),
            Row(
                name="Usual gap, 1 session",
                value=percent(event.values.get("return_gap_std_90")),
                note="standard deviation between the daily moves of 90 sessions",
            ),
        ),
        scale=two_sided(distance, event.thresholds, name="D", middle="the legs move alike"),
    )
