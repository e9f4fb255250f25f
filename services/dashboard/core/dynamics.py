"""How the pair moves over time: recent changes, which leg leads, and whether a stretched ratio returns."""

from collections.abc import Mapping
from typing import Final

from services.dashboard.core.figures import Figure, reason_for
from shared.text.evidence import format_e_value
from shared.text.numbers import (
    DASH,
    format_log_return,
    format_number,
    format_p_value,
    format_percent,
    format_signed,
)

Values = Mapping[str, float | None]
# The usual level of significance; the page names it beside the number.
_SIGNIFICANT_P: Final = 0.05


def dynamics_figures(
    values: Values, undefined: Mapping[str, str], *, lead: str, other: str
) -> tuple[Figure, ...]:
    """Return the statistics of change, lead and lag, and return to the mean, each with what it means.

    Examples
    --------
    >>> values = {"lead_lag_120": 1.0, "lead_lag_corr_120": -0.11, "lead_lag_band_120": 0.18}
    >>> shown = {one.key: one for one in dynamics_figures(values, {}, lead="Gold", other="IWM")}
    >>> shown["lead_lag_120"].text, shown["lead_lag_120"].note
    ('+1 session', 'no stronger than chance: correlation −0.11, 95% band of a single lag ±0.18')
    """
    lines = (
        ("opposite_moves", "Opposite moves, D", "5 sessions", format_signed, _moves(values, lead, other)),
        ("fisher_z", "Changed correlation", "Fisher’s z, 20 against 252", format_signed, _change(values)),
        ("e_break", "Evidence of a break", "against the baseline", format_e_value, _evidence(values)),
        ("lead_lag_120", "Lead or lag, 120", "sessions", _sessions_ahead, _leader(values, lead, other)),
        ("half_life_252", "Half-life, 252", "of a stretch of the ratio", _sessions, ""),
        ("coint_p_252", "Cointegration p, 252", "Engle–Granger", format_p_value, _cointegration(values)),
        ("vol_lead_20", f"Volatility of {lead}, 20", "annualised", format_percent, ""),
        ("vol_other_20", f"Volatility of {other}, 20", "annualised", format_percent, ""),
    )
    return tuple(
        Figure(
            key=key,
            label=label,
            hint=hint,
            text=show(values.get(key)),
            why=reason_for(undefined, key) if values.get(key) is None else None,
            note=note if values.get(key) is not None else "",
        )
        for key, label, hint, show, note in lines
    )


def _moves(values: Values, lead: str, other: str) -> str:
    a, b = values.get("return_5_lead"), values.get("return_5_other")
    if a is None or b is None:
        return ""
    moves = f"{lead} {format_log_return(a)}, {other} {format_log_return(b)}"
    return moves if a * b < 0 else f"{moves}; not opposite, so no divergence"


def _change(values: Values) -> str:
    change = values.get("corr_change")
    if change is None:
        return ""
    way = "more" if change > 0 else "less"
    return f"the correlation changed by {format_signed(change)}: they move together {way} than over the year"


def _evidence(values: Values) -> str:
    share, low, high = (values.get(name) for name in ("agreement_60", "agreement_low", "agreement_high"))
    if share is None or low is None or high is None:
        return ""
    return (
        f"the legs agreed in {format_percent(share, 0)} of 60 sessions, the baseline is "
        f"{format_percent(low, 0)} to {format_percent(high, 0)}"
    )


def _leader(values: Values, lead: str, other: str) -> str:
    lag, correlation, band = (
        values.get(name) for name in ("lead_lag_120", "lead_lag_corr_120", "lead_lag_band_120")
    )
    if lag is None or correlation is None or band is None:
        return f"positive: {lead} moves first"
    numbers = f"correlation {format_signed(correlation)}, 95% band of a single lag ±{format_number(band)}"
    if abs(correlation) <= band:
        return f"no stronger than chance: {numbers}"
    who = "both move at the same time" if lag == 0 else f"{lead if lag > 0 else other} moves first"
    # The lag was chosen because its correlation is the largest, so the band of one lag is too narrow for it.
    return f"{who}: {numbers}; by chance the best of 21 lags often exceeds it"


def _cointegration(values: Values) -> str:
    p = values.get("coint_p_252")
    if p is None:
        return ""
    if p < _SIGNIFICANT_P:
        return f"below {_SIGNIFICANT_P}: the prices are cointegrated, so a stretched ratio tends to return"
    return f"not below {_SIGNIFICANT_P}: no evidence that a stretched ratio returns"


def _sessions(value: float | None) -> str:
    return DASH if value is None else f"{format_number(value, 1)} sessions"


def _sessions_ahead(lag: float | None) -> str:
    return DASH if lag is None else f"{format_signed(lag, 0)} {'session' if abs(lag) == 1 else 'sessions'}"
