"""The ratio of the legs is far from its average."""

from services.notifier.render.correlations import correlation_rows
from services.notifier.render.scale import two_sided
from services.notifier.render.telling import Row, Telling
from services.notifier.render.wording import limits_in_words, log_return, percent, signed
from shared.domain.divergences import Direction, DivergenceEvent
from shared.text.divergences import describe_divergence


def tell(event: DivergenceEvent, lead: str, other: str) -> Telling:
    """Return how a stretched ratio is told."""
    z = event.values.get("z_90")
    return Telling(
        standing=describe_divergence(event.kind, event.direction, lead=lead, other=other),
        over=f"{lead} and {other} are back in line",
        figure="" if z is None else f"z {signed(z)}",
        happened=f"The ratio of {lead} to {other} has left the band it kept for 90 sessions.",
        meaning=outperformance(event.direction, lead, other),
        ended=f"The ratio of {lead} to {other} has come back: the divergence is over.",
        withdrawn="at the close the ratio was inside its band",
        facts=(
            Row(
                name="z-score, 90 sessions",
                value=signed(z),
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
    gap = None if ratio is None or mean is None else ratio - mean
    return (
        Row(
            name=f"{lead}/{other} against its average",
            value=log_return(gap),
            note="of the 90 sessions before",
        ),
        Row(
            name="Percentile, 90 sessions",
            value=percent(event.values.get("pctl_90")),
            note="share of sessions with a lower ratio",
        ),
    )
