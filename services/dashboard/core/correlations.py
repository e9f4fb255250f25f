"""How the legs move together: correlations, with their intervals where they have one."""

from collections.abc import Mapping
from typing import Final

from services.dashboard.core.figures import Figure, position_of, reason_for
from shared.domain.divergences import Estimate
from shared.text.numbers import format_interval, format_number, format_signed

_LINES: Final = (
    ("corr_20", "Correlation, 20", "the last 20 sessions"),
    ("corr_60", "Correlation, 60", "the last 60 sessions"),
    ("corr_90", "Correlation, 90", "the last 90 sessions"),
    ("corr_252", "Correlation, 252", "one year of sessions"),
    ("spearman_60", "Rank correlation, 60", "Spearman"),
    ("ewm_corr_20", "Weighted correlation", "half-life 20"),
)


def correlation_figures(
    values: Mapping[str, float | None], undefined: Mapping[str, str]
) -> tuple[Figure, ...]:
    """Return the correlations, in the order in which the page lists them.

    Examples
    --------
    >>> values = {"corr_20": -0.314, "corr_ci_20_low": -0.7, "corr_ci_20_high": 0.1, "n_eff_20": 17.6}
    >>> corr = correlation_figures(values, {})[0]
    >>> corr.text, corr.position, corr.span, corr.why
    ('−0.31', 34.3, (15.0, 55.0), None)
    >>> corr.note
    '95%: −0.70 to +0.10, worth 18 sessions'
    >>> correlation_figures({"corr_20": None}, {"corr_20": "IWM did not move."})[0].why
    'IWM did not move.'
    """
    return tuple(_figure(values, undefined, *line) for line in _LINES)


def _figure(
    values: Mapping[str, float | None], undefined: Mapping[str, str], key: str, label: str, hint: str
) -> Figure:
    value = values.get(key)
    kind, _, window = key.rpartition("_")
    is_pearson = kind == "corr"
    low, high = (values.get(f"corr_ci_{window}_{end}") if is_pearson else None for end in ("low", "high"))
    size = values.get(f"n_eff_{window}") if is_pearson else None
    note, span = "", None
    if value is not None and low is not None and high is not None:
        note = format_interval(Estimate(value=value, low=low, high=high), format_signed)
        note += "" if size is None else f", worth {format_number(size, 0)} sessions"
        span = (position_of(low), position_of(high))
    return Figure(
        key=key,
        label=label,
        hint=hint,
        text=format_signed(value),
        why=reason_for(undefined, key) if value is None else None,
        note=note,
        position=None if value is None else position_of(value),
        span=span,
    )
