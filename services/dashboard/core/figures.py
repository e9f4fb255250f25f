"""One statistic as the page shows it: its name, its text, and why it has no value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from services.dashboard.core.formatting import DASH, format_plain, format_share, format_signed

_NO_REASON: Final = "Undefined; the signals service gave no reason."


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A labelled number.

    Parameters
    ----------
    text
        Formatted; a dash when the value is undefined.
    why
        Why there is no value; None when there is one.
    position
        Where a value in −1..1 lies on a scale from 0 to 100; None for what is not on that scale.
    """

    key: str
    label: str
    hint: str
    text: str
    why: str | None
    position: float | None = None


def _correlation(value: float | None) -> str:
    return format_signed(value, 2)


def _sessions(value: float | None) -> str:
    return DASH if value is None else f"{format_plain(value, 1)} sessions"


def _lag(value: float | None) -> str:
    return (
        "—" if value is None else f"{format_signed(value, 0)} {'session' if abs(value) == 1 else 'sessions'}"
    )


Line = tuple[str, str, str, Callable[[float | None], str], bool]


def _relation(lead: str, other: str) -> tuple[Line, ...]:
    return (
        (
            "corr_20",
            "Correlation, 20",
            "the last 20 sessions",
            _correlation,
            True,
        ),
        ("corr_60", "Correlation, 60", "the last 60 sessions", _correlation, True),
        ("corr_90", "Correlation, 90", "the last 90 sessions", _correlation, True),
        ("corr_252", "Correlation, 252", "one year of sessions", _correlation, True),
        ("spearman_60", "Rank correlation, 60", "Spearman", _correlation, True),
        ("ewm_corr_20", "Weighted correlation", "half-life 20", _correlation, True),
        (
            "stress_corr_252",
            "Stress correlation",
            f"{other}’s worst tenth",
            _correlation,
            True,
        ),
    )


def _hedge(lead: str, other: str) -> tuple[Line, ...]:
    return (
        ("beta_60", "Beta, 60", f"slope of {lead} on {other}", _correlation, False),
        (
            "hedge_ratio_60",
            "Hedge ratio, 60",
            f"{lead} per unit of {other}",
            _correlation,
            False,
        ),
        (
            "hedge_effectiveness_60",
            "Hedge effectiveness",
            "variance removed",
            lambda value: format_share(value, 1),
            False,
        ),
        (
            "vol_lead_20",
            f"Volatility of {lead}, 20",
            "annualised",
            lambda value: format_share(value, 1),
            False,
        ),
        (
            "vol_other_20",
            f"Volatility of {other}, 20",
            "annualised",
            lambda value: format_share(value, 1),
            False,
        ),
        ("lead_lag_120", "Lead or lag, 120", f"positive: {lead} moves first", _lag, False),
        ("half_life_252", "Half-life, 252", "of a stretch of the ratio", _sessions, False),
    )


def relation_figures(
    values: Mapping[str, float | None], undefined: Mapping[str, str], *, lead: str, other: str
) -> tuple[Figure, ...]:
    """Return the correlations, in the order they are read.

    Examples
    --------
    >>> corr = relation_figures({"corr_20": -0.314}, {}, lead="Gold", other="IWM")[0]
    >>> corr.text, corr.position, corr.why
    ('−0.31', 34.3, None)
    >>> relation_figures({"corr_20": None}, {"corr_20": "IWM did not move."}, lead="Gold", other="IWM")[0].why
    'IWM did not move.'
    """
    return _figures(_relation(lead, other), values, undefined)


def hedge_figures(
    values: Mapping[str, float | None], undefined: Mapping[str, str], *, lead: str, other: str
) -> tuple[Figure, ...]:
    """Return what says whether, and how much of, the lead hedges the other leg."""
    return _figures(_hedge(lead, other), values, undefined)


def reason_for(undefined: Mapping[str, str], *keys: str, fallback: str | None = None) -> str:
    """Return the first reason that is given under one of the keys, else the fallback.

    Examples
    --------
    >>> reason_for({"z_90": "82 of 90 sessions."}, "provisional.z_90", "z_90")
    '82 of 90 sessions.'
    >>> reason_for({}, "z_90")
    'Undefined; the signals service gave no reason.'
    """
    return next((undefined[key] for key in keys if undefined.get(key)), fallback or _NO_REASON)


def _figures(
    lines: tuple[Line, ...], values: Mapping[str, float | None], undefined: Mapping[str, str]
) -> tuple[Figure, ...]:
    return tuple(
        Figure(
            key=key,
            label=label,
            hint=hint,
            text=show(values.get(key)),
            why=reason_for(undefined, key) if values.get(key) is None else None,
            position=_position(values.get(key)) if is_scaled else None,
        )
        for key, label, hint, show, is_scaled in lines
    )


def _position(value: float | None) -> float | None:
    return None if value is None else round(50 * (1 + max(-1.0, min(1.0, value))), 2)
