"""The comparison page of one pair, as values: everything a template prints and nothing it has to decide."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.dashboard.core.chart import Chart, LivePoint, live_point, make_chart
from services.dashboard.core.episodes import Episode, episodes_of, tell_news
from services.dashboard.core.figures import Figure, hedge_figures, reason_for, relation_figures
from services.dashboard.core.formatting import format_instant, format_plain, format_share, format_signed
from services.dashboard.core.gauge import Gauge, Thresholds, make_gauge
from services.dashboard.core.legs import Price, Range, SummaryRow, price_of, range_of, summary_rows
from services.dashboard.core.words import FEED_STATES, REGIMES
from shared.domain.divergences import DivergenceEvent
from shared.domain.instants import parse_rfc3339
from shared.domain.pairs import Pair
from shared.domain.snapshots import PairSnapshot
from shared.domain.ticks import FeedState

# Signals publishes once a second while status records come: this long without one is not a hiccup.
LATE_AFTER_SECONDS: Final = 15
# Further from the wall clock than this, event time is recorded or made up, and its "age" would mislead.
_OWN_TIME_AFTER_MS: Final = 3_600_000
_RECENT_EPISODES: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A word on the pair's state with the sentence that explains it."""

    text: str
    tone: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old what is shown is.

    Parameters
    ----------
    snapshot_since_ms, watermark_since_ms
        Wall times in milliseconds at which the ages were 0; the watermark's is None where event time is not
        wall time.
    is_late
        Nothing has come for so long that the page must say so.
    """

    watermark: str
    snapshot_since_ms: int
    watermark_since_ms: int | None
    snapshot_age_seconds: float
    watermark_age_seconds: float | None
    is_late: bool


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything on the page."""

    name: str
    title: str
    lead: str
    other: str
    badges: tuple[Badge, ...]
    freshness: Freshness
    sessions_known: int
    confirmed: Standing
    provisional: Standing
    regime: str
    regime_why: str | None
    gauge: Gauge
    thresholds: Thresholds
    prices: tuple[Price, ...]
    ranges: tuple[Range | None, ...]
    summary: tuple[SummaryRow, ...]
    relation: tuple[Figure, ...]
    hedge: tuple[Figure, ...]
    chart: Chart | None
    chart_why: str | None
    live: LivePoint
    open: tuple[Episode, ...]
    recent: tuple[Episode, ...]
    news: str


def compare(
    pair: Pair,
    snapshot: PairSnapshot,
    events: tuple[DivergenceEvent, ...],
    *,
    published_ms: int,
    now_ms: int,
) -> Comparison:
    """Return the page of a pair's latest snapshot.

    Parameters
    ----------
    events
        The pair's divergence events that are kept, in the order of their sequence.
    published_ms, now_ms
        Wall times in milliseconds: of the snapshot's record, and now.
    """
    undefined = snapshot.undefined
    values: Mapping[str, float | None] = snapshot.confirmed.values if snapshot.confirmed else {}
    live: Mapping[str, float | None] = snapshot.provisional.values if snapshot.provisional else {}
    if snapshot.confirmed is None:
        # One sentence for every statistic is better than none for each.
        undefined = {key: _no_close(snapshot) for key in _EVERY_STATISTIC} | undefined
    thresholds = Thresholds.from_event(events[-1].thresholds if events else {})
    lead_price = snapshot.legs[0].price if snapshot.legs and snapshot.legs[0].session is None else None
    chart = make_chart(snapshot.history, live_price=lead_price, live_ratio=live.get("log_ratio"))
    episodes = episodes_of(pair, events, snapshot.open)
    regime = snapshot.confirmed.regime if snapshot.confirmed else None
    names = {"lead": pair.lead_title, "other": pair.other_title}
    return Comparison(
        name=pair.name,
        title=snapshot.title,
        lead=pair.lead_title,
        other=pair.other_title,
        badges=_badges(pair, snapshot),
        freshness=_freshness(snapshot, published_ms=published_ms, now_ms=now_ms),
        sessions_known=snapshot.sessions_known,
        confirmed=_confirmed(snapshot, values, undefined, thresholds),
        provisional=_provisional(pair, snapshot, live, undefined, thresholds),
        regime=REGIMES.get(regime, regime) if regime else "—",
        regime_why=None if regime else reason_for(undefined, "regime", "z_90"),
        gauge=make_gauge(confirmed=values.get("z_90"), provisional=live.get("z_90"), thresholds=thresholds),
        thresholds=thresholds,
        prices=tuple(
            price_of(leg, feed_state=snapshot.feed_state, published_ms=published_ms, now_ms=now_ms)
            for leg in snapshot.legs
        ),
        ranges=tuple(range_of(leg) for leg in snapshot.legs),
        summary=summary_rows(snapshot.legs, undefined),
        relation=relation_figures(values, undefined, **names),
        hedge=hedge_figures(values, undefined, **names),
        chart=chart,
        chart_why=None if chart else _no_chart(snapshot),
        live=LivePoint(lead=None, ratio=None)
        if chart is None
        else live_point(chart, snapshot.history, price=lead_price, ratio=live.get("log_ratio")),
        open=tuple(episode for episode in episodes if episode.is_open),
        recent=tuple(episode for episode in episodes if not episode.is_open)[:_RECENT_EPISODES],
        news=tell_news(pair, events),
    )


_EVERY_STATISTIC: Final = (
    *(
        "log_ratio",
        "z_90",
        "pctl_90",
        "corr_20",
        "corr_60",
        "corr_90",
        "corr_252",
        "spearman_60",
        "ewm_corr_20",
    ),
    *("beta_60", "hedge_ratio_60", "hedge_effectiveness_60", "vol_lead_20", "vol_other_20", "lead_lag_120"),
    *("stress_corr_252", "half_life_252", "regime"),
)


def _badges(pair: Pair, snapshot: PairSnapshot) -> tuple[Badge, ...]:
    badges = []
    if snapshot.feed_state is None:
        badges.append(Badge(text="NO FEED", tone="stale", hint="No status record of the lead was read yet."))
    else:
        state = snapshot.feed_state
        badges.append(Badge(text=state.value, tone=state.value.lower(), hint=FEED_STATES[state]))
    if snapshot.is_simulated:
        badges.append(Badge(text="SIMULATED", tone="notice", hint="Both legs are made up."))
    elif pair.lead.endswith(".REPLAY"):
        badges.append(Badge(text="REPLAY", tone="notice", hint="Recorded data; event time is not now."))
    if snapshot.is_proxy:
        hint = f"{pair.lead} stands for the market it tracks; it is not that market."
        badges.append(Badge(text="PROXY", tone="notice", hint=hint))
    return tuple(badges)


def _freshness(snapshot: PairSnapshot, *, published_ms: int, now_ms: int) -> Freshness:
    watermark_ms = parse_rfc3339(snapshot.watermark) // 1_000_000
    is_wall_time = abs(published_ms - watermark_ms) <= _OWN_TIME_AFTER_MS
    age = (now_ms - published_ms) / 1_000
    return Freshness(
        watermark=format_instant(snapshot.watermark),
        snapshot_since_ms=published_ms,
        watermark_since_ms=watermark_ms if is_wall_time else None,
        snapshot_age_seconds=age,
        watermark_age_seconds=(now_ms - watermark_ms) / 1_000 if is_wall_time else None,
        is_late=age > LATE_AFTER_SECONDS,
    )


def _confirmed(
    snapshot: PairSnapshot,
    values: Mapping[str, float | None],
    undefined: Mapping[str, str],
    thresholds: Thresholds,
) -> Standing:
    confirmed = snapshot.confirmed
    return Standing(
        **_ratio_words(values, thresholds),
        basis="no aligned close yet" if confirmed is None else f"both closes of {confirmed.session}",
        detail="" if confirmed is None else f"usable since {format_instant(confirmed.known_at)}",
        why=reason_for(undefined, "z_90") if values.get("z_90") is None else None,
    )


def _provisional(
    pair: Pair,
    snapshot: PairSnapshot,
    values: Mapping[str, float | None],
    undefined: Mapping[str, str],
    thresholds: Thresholds,
) -> Standing:
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
        f"against {pair.other_title}’s close of {provisional.other_session}",
        detail="" if provisional is None else f"at {format_instant(provisional.ts_event)}",
        why=why,
    )


def _ratio_words(values: Mapping[str, float | None], thresholds: Thresholds) -> dict[str, str]:
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


def _no_close(snapshot: PairSnapshot) -> str:
    return f"No session with both closes yet ({snapshot.sessions_known} known)."


def _no_chart(snapshot: PairSnapshot) -> str:
    return (
        f"A line needs two sessions that both legs have; {len(snapshot.history.session)} "
        f"of {snapshot.sessions_known} known came with the snapshot."
    )
