"""The ratio of the legs is far from its average."""

from services.notifier.render.kind_text import KindText
from services.notifier.render.scale import two_sided
from services.notifier.render.tables import Row, correlation_rows, forecast_rows, ratio_rows
from services.notifier.render.wording import limits_in_words, outperformance, signed
from shared.domain.divergences import DivergenceEvent
from shared.text.divergences import describe_divergence


def kind_text(event: DivergenceEvent, lead: str, other: str) -> KindText:
    """Return the texts of a stretched ratio."""
    # An early warning is decided by what is expected of the next close.
    expected = event.values.get("z_90_expected") if event.probability is not None else None
    z = event.values.get("z_90")
    shown = z if expected is None else expected
    happened = "has left" if event.probability is None else "is likely to close outside"
    return KindText(
        headline=describe_divergence(event.kind, event.direction, lead=lead, other=other),
        closed_headline=f"{lead} and {other} are back in line",
        figure="" if shown is None else f"{'' if expected is None else 'expected '}z {signed(shown)}",
        happened=f"The ratio of {lead} to {other} {happened} its band of the last 90 sessions.",
        meaning=outperformance(event.direction, lead, other),
        ended=f"The ratio of {lead} to {other} is back in its band: the divergence is over.",
        withdrawn="at the close the ratio was inside its band",
        facts=(
            Row(
                name="z-score, 90 sessions",
                value=signed(z),
                note=limits_in_words(event.thresholds),
            ),
            *forecast_rows(event),
            *ratio_rows(event, lead, other),
            *correlation_rows(event),
        ),
        scale=two_sided(shown, event.thresholds, name="z", middle="90-session average"),
    )
