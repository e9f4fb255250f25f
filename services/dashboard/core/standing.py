"""Where the ratio stands against its window: once by closes, once by the live price."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.dashboard.core.figures import reason_for
from services.dashboard.core.formatting import format_instant, format_plain, format_share, format_signed
from services.dashboard.core.gauge import Thresholds
from shared.domain.pairs import Pair
from shared.domain.snapshots import LegSnapshot, PairSnapshot, ProvisionalStatistics
from shared.domain.ticks import FeedState

Values = Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where the ratio stands, by closes or by the live price.

    Parameters
    ----------
    tone
        ``calm``, ``warning`` or ``critical`` by the thresholds; ``none`` where z is undefined.
    basis
        What it was computed from.
    why
        Why there is no z; None when there is one.
    """

    z: str
    tone: str
    percentile: str
    log_ratio: str
    basis: str
    detail: str
    why: str | None


def confirmed_standing(
    snapshot: PairSnapshot,
    values: Values,
    undefined: Mapping[str, str],
    thresholds: Thresholds,
) -> Standing:
    """Return where the last aligned closes stand."""
    confirmed = snapshot.confirmed
    return Standing(
        **_ratio_words(values, thresholds),
        basis="no aligned close yet" if confirmed is None else f"both closes of {confirmed.session}",
        detail="" if confirmed is None else f"usable since {format_instant(confirmed.known_at)}",
        why=reason_for(undefined, "z_90") if values.get("z_90") is None else None,
    )


def provisional_standing(
    pair: Pair,
    snapshot: PairSnapshot,
    values: Values,
    undefined: Mapping[str, str],
    thresholds: Thresholds,
) -> Standing:
    """Return where the live price stands, and why not where it does not."""
    provisional = snapshot.provisional
    why = None
    if provisional is None:
        why = undefined.get("provisional") or (
            "No live price to hold against the last close"
            + (f": the feed is {snapshot.feed_state.value}." if snapshot.feed_state else " yet.")
        )
    elif values.get("z_90") is None:
        why = reason_for(undefined, "provisional.z_90", "z_90")
    return Standing(
        **_ratio_words(values, thresholds),
        basis=""
        if provisional is None
        else f"{'live' if snapshot.feed_state is FeedState.LIVE else 'last'} {pair.lead_title} "
        f"against {_other_words(pair, snapshot.legs[1], provisional)}",
        detail="" if provisional is None else f"at {format_instant(provisional.ts_event)}",
        why=why,
    )


def _other_words(pair: Pair, other: LegSnapshot, provisional: ProvisionalStatistics) -> str:
    is_ticking = other.price is not None and other.session is None
    return f"{pair.other_title}’s " + (
        "newest price" if is_ticking else f"close of {provisional.other_session}"
    )


def _ratio_words(values: Values, thresholds: Thresholds) -> dict[str, str]:
    z = values.get("z_90")
    if z is None:
        tone = "none"
    elif abs(z) >= thresholds.critical:
        tone = "critical"
    else:
        tone = "warning" if abs(z) >= thresholds.warning else "calm"
    ratio = values.get("log_ratio")
    return {
        "z": format_signed(z),
        "tone": tone,
        "percentile": format_share(values.get("pctl_90")),
        "log_ratio": format_plain(ratio, 4),
    }
