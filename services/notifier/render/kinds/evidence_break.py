"""The legs agree on more, or on fewer, days than the pair's baseline says."""

from typing import Final

from services.notifier.render.kind_text import KindText
from services.notifier.render.tables import Row, correlation_rows
from services.notifier.render.wording import NOT_KNOWN, limits_in_words, percent
from shared.domain.divergences import Direction, DivergenceEvent
from shared.text.divergences import describe_divergence
from shared.text.evidence import describe_guarantee, format_e_value
from shared.text.numbers import format_level

_NAMES: Final = ("e_tightening", "e_loosening")
_MEANING: Final = {
    "more": "The more {lead} moves with {other}, the less it hedges {other}.",
    "fewer": "The less {lead} moves with {other}, the better it can hedge {other}.",
}


def kind_text(event: DivergenceEvent, lead: str, other: str) -> KindText:
    """Return the texts of evidence that the relationship is not the baseline's."""
    values = event.values
    evidence = {name: format_e_value(values.get(name), missing=NOT_KNOWN) for name in _NAMES}
    is_tighter = event.direction is Direction.TIGHTENING
    decided = "e_tightening" if is_tighter else "e_loosening"
    is_known = values.get(decided) is not None
    more = "more" if is_tighter else "fewer"
    share, low, high = (values.get(name) for name in ("agreement_60", "agreement_low", "agreement_high"))
    leave = event.thresholds.get("leave")
    closes = "" if leave is None else f"closes at {format_level(leave)} or less"
    guarantee = describe_guarantee(event.thresholds)
    return KindText(
        headline=describe_divergence(event.kind, event.direction, lead=lead, other=other),
        closed_headline=f"{lead} and {other} agree as often as their baseline says",
        figure=f"evidence {evidence[decided]}" if is_known else "",
        happened=f"{lead} and {other} moved to the same side of their averages on {more} days than the "
        "pair's baseline allows.",
        meaning=f"{_MEANING[more].format(lead=lead, other=other)} {guarantee}".strip(),
        ended="The last sessions no longer contradict the baseline.",
        withdrawn="at the close the evidence was weak",
        facts=(
            Row(
                name=f"Evidence for {'more' if is_tighter else 'less'} agreement",
                value=evidence[decided],
                note=limits_in_words(event.thresholds, side="", closes=closes),
            ),
            Row(
                name=f"Evidence for {'less' if is_tighter else 'more'} agreement",
                value=evidence["e_loosening" if is_tighter else "e_tightening"],
            ),
            Row(
                name="Agreement, 60 sessions",
                value=percent(share, 0),
                note=""
                if low is None or high is None
                else f"the baseline is {percent(low, 0)} to {percent(high, 0)}",
            ),
            *correlation_rows(event),
        ),
    )
