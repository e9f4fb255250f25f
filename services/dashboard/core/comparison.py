"""The page of one pair as values: the templates print them and decide nothing."""

from dataclasses import dataclass
from typing import Final

from services.dashboard.core.chart import Chart, LivePoint, live_point, make_chart
from services.dashboard.core.correlations import correlation_figures
from services.dashboard.core.data_faults import LegFaultText, faults_of
from services.dashboard.core.divergence_episodes import Episode, episodes_of, news_of
from services.dashboard.core.dynamics import dynamics_figures
from services.dashboard.core.figures import Figure, reason_for
from services.dashboard.core.freshness import Badge, Freshness, badges_of, freshness_of
from services.dashboard.core.gauge import Gauge, Thresholds, make_gauge
from services.dashboard.core.hedge import hedge_figures
from services.dashboard.core.legs import LegPrice, PriceRange, SummaryRow, price_of, range_of, summary_rows
from services.dashboard.core.outcomes import OutcomeGroup, outcome_groups, why_no_outcomes
from services.dashboard.core.ratio_position import (
    RatioPosition,
    Values,
    confirmed_position,
    expected_z,
    provisional_position,
)
from services.dashboard.core.trigger_prices import TriggerGroup, trigger_groups
from shared.domain.divergences import DivergenceEvent, Kind
from shared.domain.pairs import Pair
from shared.domain.snapshots import PairSnapshot
from shared.text.divergences import describe_regime
from shared.text.numbers import DASH
from shared.text.outcomes import outcomes_note

_RECENT_EPISODES: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything that the page shows."""

    name: str
    title: str
    lead: str
    other: str
    badges: tuple[Badge, ...]
    freshness: Freshness
    sessions_known: int
    confirmed: RatioPosition
    provisional: RatioPosition
    regime: str
    regime_why: str | None
    gauge: Gauge
    thresholds: Thresholds
    prices: tuple[LegPrice, ...]
    ranges: tuple[PriceRange | None, ...]
    summary: tuple[SummaryRow, ...]
    faults: tuple[LegFaultText, ...]
    correlations: tuple[Figure, ...]
    hedge: tuple[Figure, ...]
    dynamics: tuple[Figure, ...]
    chart: Chart | None
    chart_why: str | None
    live: LivePoint
    open: tuple[Episode, ...]
    recent: tuple[Episode, ...]
    outcomes: tuple[OutcomeGroup, ...]
    outcomes_why: str | None
    outcomes_note: str
    triggers: tuple[TriggerGroup, ...]
    news: str


def compare(
    pair: Pair,
    snapshot: PairSnapshot,
    events: tuple[DivergenceEvent, ...],
    *,
    published_ms: int,
    now_ms: int,
) -> Comparison:
    """Return the page that shows a pair's latest snapshot.

    Parameters
    ----------
    events
        The kept divergence events of the pair, in the order of their sequence.
    published_ms, now_ms
        Wall times in milliseconds: of the snapshot's record, and now.
    """
    undefined = snapshot.undefined
    values: Values = snapshot.confirmed.values if snapshot.confirmed else {}
    live: Values = snapshot.provisional.values if snapshot.provisional else {}
    if snapshot.confirmed is None:
        # The snapshot gives no reasons before the first session, and one reason holds for all statistics.
        undefined = dict.fromkeys(_EVERY_STATISTIC, _no_close(snapshot)) | undefined
    # The gauge shows the ratio. A test event was decided by no rule and has no thresholds.
    decided = [event.thresholds for event in events if event.kind is Kind.RATIO_STRETCH and event.thresholds]
    thresholds = Thresholds.from_event(decided[-1] if decided else {})
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
        badges=badges_of(pair, snapshot),
        freshness=freshness_of(snapshot, published_ms=published_ms, now_ms=now_ms),
        sessions_known=snapshot.sessions_known,
        confirmed=confirmed_position(snapshot, values, undefined, thresholds),
        provisional=provisional_position(pair, snapshot, live, undefined, thresholds),
        regime=describe_regime(regime, missing=regime or DASH).capitalize(),
        regime_why=None if regime else reason_for(undefined, "regime", "z_90"),
        gauge=make_gauge(confirmed=values.get("z_90"), provisional=expected_z(live), thresholds=thresholds),
        thresholds=thresholds,
        prices=tuple(
            price_of(leg, feed_state=snapshot.feed_state, published_ms=published_ms, now_ms=now_ms)
            for leg in snapshot.legs
        ),
        ranges=tuple(range_of(leg) for leg in snapshot.legs),
        summary=summary_rows(snapshot.legs, undefined),
        faults=faults_of(snapshot),
        correlations=correlation_figures(values, undefined),
        hedge=hedge_figures(snapshot.hedge, values, undefined, **names),
        dynamics=dynamics_figures(values, undefined, **names),
        chart=chart,
        chart_why=None if chart else _no_chart(snapshot),
        live=LivePoint(lead=None, ratio=None)
        if chart is None
        else live_point(chart, snapshot.history, price=lead_price, ratio=live.get("log_ratio")),
        open=tuple(episode for episode in episodes if episode.is_open),
        recent=tuple(episode for episode in episodes if not episode.is_open)[:_RECENT_EPISODES],
        outcomes=outcome_groups(pair, snapshot.outcomes),
        outcomes_why=why_no_outcomes(snapshot),
        outcomes_note=outcomes_note(snapshot.outcomes) if snapshot.outcomes else "",
        triggers=trigger_groups(snapshot),
        news=news_of(pair, events),
    )


_EVERY_STATISTIC: Final = (
    *("log_ratio", "z_90", "pctl_90", "regime", "half_life_252", "coint_p_252"),
    *("corr_20", "corr_60", "corr_90", "corr_252", "spearman_60", "ewm_corr_20", "stress_corr_252"),
    *("beta_60", "hedge_ratio_60", "hedge_effectiveness_60", "vol_lead_20", "vol_other_20"),
    *("opposite_moves", "fisher_z", "e_break", "lead_lag_120"),
)


def _no_close(snapshot: PairSnapshot) -> str:
    return f"No session with both closes yet ({snapshot.sessions_known} known)."


def _no_chart(snapshot: PairSnapshot) -> str:
    return (
        f"A chart needs two sessions with both closes; the snapshot has {len(snapshot.history.session)} "
        f"of {snapshot.sessions_known} known."
    )
