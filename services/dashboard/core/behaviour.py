"""How the legs behave: whether they just parted or changed, who leads, whether a stretch comes back."""

from collections.abc import Mapping
from typing import Final

from services.dashboard.core.figures import Figure, reason_for
from services.dashboard.core.formatting import (
    DASH,
    format_percent,
    format_plain,
    format_share,
    format_signed,
)

Values = Mapping[str, float | None]
# The usual level at which a test speaks; the page says so beside the number.
_CLEAR_P: Final = 0.05


def behaviour_figures(
    values: Values, undefined: Mapping[str, str], *, lead: str, other: str
) -> tuple[Figure, ...]:
    """Return the statistics of change, lead and return to the mean, each with what it means.

    Examples
    --------
    >>> values = {"lead_lag_120": 1.0, "lead_lag_corr_120": -0.11, "lead_lag_band_120": 0.18}
    >>> shown = {one.key: one for one in behaviour_figures(values, {}, lead="Gold", other="IWM")}
    >>> shown["lead_lag_120"].text, shown["lead_lag_120"].note
    ('+1 session', 'no more than chance: correlation −0.11, one lag’s 95% band ±0.18')
    """
    lines = (
        ("opposite_moves", "Opposite moves, D", "5 sessions", format_signed, _parting(values, lead, other)),
        ("fisher_z", "Changed correlation", "Fisher’s z, 20 against 252", format_signed, _change(values)),
        ("lead_lag_120", "Lead or lag, 120", "sessions", _sessions_ahead, _leader(values, lead, other)),
        ("half_life_252", "Half-life, 252", "of a stretch of the ratio", _sessions, ""),
        ("coint_p_252", "Cointegration p, 252", "Engle–Granger", _probability, _tie(values)),
        ("vol_lead_20", f"Volatility of {lead}, 20", "annualised", format_share, ""),
        ("vol_other_20", f"Volatility of {other}, 20", "annualised", format_share, ""),
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


def _parting(values: Values, lead: str, other: str) -> str:
    a, b = values.get("return_5_lead"), values.get("return_5_other")
    if a is None or b is None:
        return ""
    moves = f"log returns: {lead} {format_percent(a, 1)}, {other} {format_percent(b, 1)}"
    return moves if a * b < 0 else f"{moves}; not opposite, so no divergence"


def _change(values: Values) -> str:
    change = values.get("corr_change")
    if change is None:
        return ""
    way = "more" if change > 0 else "less"
    return f"the correlation changed by {format_signed(change)}: they move together {way} than in the year"


def _leader(values: Values, lead: str, other: str) -> str:
    lag, correlation, band = (
        values.get(name) for name in ("lead_lag_120", "lead_lag_corr_120", "lead_lag_band_120")
    )
    if lag is None or correlation is None or band is None:
        return f"positive: {lead} moves first"
    numbers = f"correlation {format_signed(correlation)}, one lag’s 95% band ±{format_plain(band)}"
    if abs(correlation) <= band:
        return f"no more than chance: {numbers}"
    who = "at the same time" if lag == 0 else f"{lead if lag > 0 else other} moves first"
    # The lag was chosen for its correlation, so its own band flatters it.
    return f"{who}: {numbers}, which the best of 21 lags often passes"


def _tie(values: Values) -> str:
    p = values.get("coint_p_252")
    if p is None:
        return ""
    if p < _CLEAR_P:
        return "below 0.05: the prices are tied to each other, a stretch has to come back"
    return "not below 0.05: nothing says that a stretch has to come back"


def _probability(p: float | None) -> str:
    return "below 0.001" if p is not None and p < 0.001 else format_plain(p, 3)


def _sessions(value: float | None) -> str:
    return DASH if value is None else f"{format_plain(value, 1)} sessions"


def _sessions_ahead(lag: float | None) -> str:
    return DASH if lag is None else f"{format_signed(lag, 0)} {'session' if abs(lag) == 1 else 'sessions'}"
