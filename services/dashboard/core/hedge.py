"""Whether the lead hedges the other leg and how much of it is needed, by six estimates."""

from collections.abc import Callable, Mapping

from services.dashboard.core.figures import Figure, reason_for
from shared.domain.divergences import Estimate, Hedge
from shared.text.numbers import format_interval, format_percent, format_signed


def hedge_figures(
    hedge: Hedge | None,
    values: Mapping[str, float | None],
    undefined: Mapping[str, str],
    *,
    lead: str,
    other: str,
) -> tuple[Figure, ...]:
    """Return the six estimates, each with its interval.

    Parameters
    ----------
    hedge
        None in a snapshot that an older version wrote; the statistics have four of the six values.

    Examples
    --------
    >>> ratio = Estimate(value=0.42, low=0.1, high=0.74)
    >>> none = Estimate(value=None)
    >>> hedge = Hedge(ratio=ratio, beta=none, effectiveness=none, stress_corr=none)
    >>> shown = hedge_figures(hedge, {}, {"beta_60": "IWM did not move."}, lead="Gold", other="IWM")
    >>> shown[0].text, shown[0].note, shown[3].text, shown[3].why
    ('+0.42', '95%: +0.10 to +0.74', '—', 'IWM did not move.')
    """
    known = hedge or Hedge(
        ratio=Estimate(value=values.get("hedge_ratio_60")),
        beta=Estimate(value=values.get("beta_60")),
        effectiveness=Estimate(value=values.get("hedge_effectiveness_60")),
        stress_corr=Estimate(value=values.get("stress_corr_252")),
    )
    per_unit = f"{lead} per unit of {other}"

    def figure(
        key: str,
        label: str,
        hint: str,
        estimate: Estimate,
        show: Callable[[float | None], str] = format_signed,
        reason: str = "",
    ) -> Figure:
        return Figure(
            key=key,
            label=label,
            hint=hint,
            text=show(estimate.value),
            why=reason_for(undefined, reason or key) if estimate.value is None else None,
            note=_interval(estimate, show) if hedge is not None else "",
        )

    ratio = "hedge_ratio_60"
    return (
        figure(ratio, "Hedge ratio, 60", f"{per_unit}; least squares", known.ratio),
        # They are undefined where the first is: too few sessions, or a flat lead.
        figure("ratio_tls", "Hedge ratio, total", "total least squares", known.ratio_tls, reason=ratio),
        figure("ratio_kalman", "Hedge ratio, now", "Kalman filter", known.ratio_kalman, reason=ratio),
        figure("beta_60", "Beta, 60", f"slope of {lead} on {other}", known.beta),
        figure(
            "hedge_effectiveness_60",
            "Hedge effectiveness",
            "variance removed, out of sample",
            known.effectiveness,
            format_percent,
        ),
        figure("stress_corr_252", "Stress correlation", f"{other}’s worst 10%", known.stress_corr),
    )


def _interval(estimate: Estimate, show: Callable[[float | None], str]) -> str:
    if estimate.value is None:
        return ""
    # The interval of a total least squares line has no ends where the line may be vertical.
    return format_interval(estimate, show) or "no 95% interval"
