"""Where the ratio is within its window: by both closes (confirmed) and by the live price (provisional)."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.dashboard.core.figures import reason_for
from services.dashboard.core.gauge import Thresholds
from shared.domain.pairs import Pair
from shared.domain.snapshots import LegSnapshot, PairSnapshot, ProvisionalStatistics
from shared.domain.ticks import FeedState
from shared.text.early_warnings import format_probability
from shared.text.instants import format_instant
from shared.text.numbers import MINUS, format_level, format_number, format_percent, format_signed

Values = Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioPosition:
    """Where the ratio is, by closes or by the live price.

    Parameters
    ----------
    z
        Before a close what is expected of it, where that is computed.
    tone
        ``calm``, ``warning`` or ``critical`` by the thresholds, before a close by how likely it reaches them;
        ``none`` where z is undefined.
    basis
        What it was computed from.
    forecast
        What is expected of the next close; empty for closes, and where it is not computed.
    why
        Why there is no z; None when there is one.
    """

    z: str
    tone: str
    percentile: str
    log_ratio: str
    basis: str
    detail: str
    forecast: str
    why: str | None


def confirmed_position(
    snapshot: PairSnapshot,
    values: Values,
    undefined: Mapping[str, str],
    thresholds: Thresholds,
) -> RatioPosition:
    """Return the position by the last session that has both closes."""
    confirmed = snapshot.confirmed
    return RatioPosition(
        **_ratio_texts(values, thresholds),
        basis="no session with both closes yet"
        if confirmed is None
        else f"both closes of {confirmed.session}",
        detail="" if confirmed is None else f"known since {format_instant(confirmed.known_at)}",
        forecast="",
        why=reason_for(undefined, "z_90") if values.get("z_90") is None else None,
    )


def provisional_position(
    pair: Pair,
    snapshot: PairSnapshot,
    values: Values,
    undefined: Mapping[str, str],
    thresholds: Thresholds,
) -> RatioPosition:
    """Return the position by the live price, or why there is none."""
    provisional = snapshot.provisional
    why = None
    if provisional is None:
        why = undefined.get("provisional") or (
            "No live price to compare with the last close"
            + (f": the feed is {snapshot.feed_state.value}." if snapshot.feed_state else " yet.")
        )
    elif values.get("z_90") is None:
        why = reason_for(undefined, "provisional.z_90", "z_90")
    expected, spread = values.get("z_90_expected"), values.get("z_90_spread")
    is_expected = expected is not None and spread is not None
    texts = _ratio_texts(values, thresholds)
    if expected is not None and spread is not None:
        texts |= {"z": format_signed(expected), "tone": _likely_tone(values, thresholds)}
    return RatioPosition(
        **texts,
        basis=""
        if provisional is None
        else f"{'live' if snapshot.feed_state is FeedState.LIVE else 'last'} {pair.lead_title} "
        f"against {_price_of_other(pair, snapshot.legs[1], provisional)}",
        detail="" if provisional is None else f"at {format_instant(provisional.ts_event)}",
        forecast=_forecast(values, thresholds) if is_expected else "",
        why=why,
    )


def expected_z(values: Values) -> float | None:
    """Return the z expected at the next close; without one, that of the live ratio."""
    expected = values.get("z_90_expected")
    return values.get("z_90") if expected is None else expected


def _likely_tone(values: Values, thresholds: Thresholds) -> str:
    """Return ``warning`` if the next close is likely at a warning level, else ``calm``.

    A snapshot has no probability of the critical level, so an expected close is never shown as critical.
    """
    likely = (values.get("probability_risk_off"), values.get("probability_risk_on"))
    is_likely = any(each is not None and each >= thresholds.probability for each in likely)
    return "warning" if is_likely else "calm"


def _forecast(values: Values, thresholds: Thresholds) -> str:
    """Return how sure the expected close is, how likely it is at a warning level, and the live ratio."""
    level = format_level(thresholds.warning)
    likely = [
        f"{format_probability(probability)} likely {side}{level} or beyond"
        for side, probability in (
            ("+", values.get("probability_risk_off")),
            (MINUS, values.get("probability_risk_on")),
        )
        if probability is not None
    ]
    spread = f"Standard deviation {format_number(values.get('z_90_spread'))}"
    return f"{'; '.join((spread, *likely))}. The ratio itself is at z {format_signed(values.get('z_90'))}."


def _price_of_other(pair: Pair, other: LegSnapshot, provisional: ProvisionalStatistics) -> str:
    is_ticking = other.price is not None and other.session is None
    return f"{pair.other_title}’s " + (
        "newest price" if is_ticking else f"close of {provisional.other_session}"
    )


def _ratio_texts(values: Values, thresholds: Thresholds) -> dict[str, str]:
    z = values.get("z_90")
    if z is None:
        tone = "none"
    elif abs(z) >= thresholds.critical:
        tone = "critical"
    else:
        tone = "warning" if abs(z) >= thresholds.warning else "calm"
    return {
        "z": format_signed(z),
        "tone": tone,
        "percentile": format_percent(values.get("pctl_90")),
        "log_ratio": format_number(values.get("log_ratio"), 4),
    }
