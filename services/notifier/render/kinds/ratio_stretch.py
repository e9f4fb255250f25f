"""The ratio of the legs is far from its average."""

from services.notifier.render.correlations import correlation_rows
from services.notifier.render.scale import two_sided
from services.notifier.render.telling import Row, Telling
from services.notifier.render.wording import change, limits_in_words, number, percent
from shared.domain.divergences import Direction, DivergenceEvent


def tell(event: DivergenceEvent, lead: str, other: str) -> Telling:
    """Return how a stretched ratio is told."""
    z = event.values.get("z_90")
    is_rich = event.direction is Direction.RISK_OFF
    state = f"{lead} {'rich' if is_rich else 'cheap'} against {other}"
    return Telling(
        opened=f"{lead} is {'rich' if is_rich else 'cheap'} against {other}",
        standing=state,
        over=f"{lead} and {other} are back in line",
        figure="" if z is None else f"z {number(z, is_signed=True)}",
        happened=f"The ratio of {lead} to {other} has left the band it kept for 90 sessions.",
        meaning=outperformance(event.direction, lead, other),
        ended=f"The ratio of {lead} to {other} has come back: the divergence is over.",
        withdrawn="at the close the ratio was inside its band",
        facts=(
            Row(
                name="z-score, 90 sessions",
                value=number(z, is_signed=True),
                note=limits_in_words(event.thresholds),
            ),
            *ratio_rows(event, lead, other),
            *correlation_rows(event),
        ),
        scale=two_sided(z, event.thresholds, name="z", middle="90-session average"),
    )


def outperformance(direction: Direction, lead: str, other: str) -> str:
    """Return what it says about the mood when one leg outperforms the other."""
    if direction is Direction.RISK_OFF:
        return f"{lead} outperforming {other} is a flight to safety (risk-off)."
    return f"{other} outperforming {lead} is an appetite for risk (risk-on)."


def ratio_rows(event: DivergenceEvent, lead: str, other: str) -> tuple[Row, ...]:
    """Return where the ratio stands in its window."""
    ratio, mean = event.values.get("log_ratio"), event.values.get("mean_90")
    gap = None if ratio is None or mean is None else change(ratio - mean)
    return (
        Row(
            name=f"{lead}/{other} against its average",
            value=percent(gap, is_signed=True),
            note="of the 90 sessions before",
        ),
        Row(
            name="Percentile, 90 sessions",
            value=percent(event.values.get("pctl_90")),
            note="share of sessions with a lower ratio",
        ),
    )
