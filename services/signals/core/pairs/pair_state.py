"""What a restart needs of one pair. With it, its lead's state and the rest of the log, events are the same.

Statistics of a window are not kept but recomputed, so that a checkpoint cannot preserve an error in them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from services.signals.core.divergence.on_price import under_new_rule
from services.signals.core.divergence.state import DivergenceState
from services.signals.core.legs.data_quality import DataQuality
from services.signals.core.legs.stored_bars import StoredBars, restore_bars, store_bars
from services.signals.core.outcomes.ledger import Ledger
from services.signals.core.pairs.pair_monitor import PairMonitor
from services.signals.core.statistics.regime import RegimeState
from shared.domain.bars import Bar
from shared.domain.divergences import Direction, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class PairState:
    """The state of one pair that it does not share with its lead's other pairs.

    Parameters
    ----------
    pair
        Its name.
    lead, other
        The instruments. If the configuration gives the pair another leg, this state is not used.
    rule_versions
        Of the rules that were in force, by kind.
    sequence
        Number of its last event.
    divergences
        By kind and direction, such as ``ratio_stretch/risk_off``.
    regime, reported_regime
        The regime after the newest session that both legs have, and the one that was last reported, or first
        seen; the latter is None before the first.
    ledger
        Its openings, and what followed them.
    data_quality, bars, waiting
        Of the other leg; the waiting bars are those that came before their ``known_at``.
    """

    pair: str
    lead: str
    other: str
    rule_versions: dict[str, str]
    sequence: int
    divergences: dict[str, DivergenceState]
    regime: RegimeState
    reported_regime: str | None
    ledger: Ledger
    data_quality: DataQuality
    bars: StoredBars
    waiting: tuple[Bar, ...]


def dump_pair(monitor: PairMonitor, waiting: Iterable[Bar]) -> PairState:
    """Return the state of a pair for its checkpoint.

    Parameters
    ----------
    waiting
        Bars of any leg of its lead that came before their ``known_at``.
    """
    return PairState(
        pair=monitor.pair.name,
        lead=monitor.pair.lead,
        other=monitor.pair.other,
        rule_versions=dict(monitor.config.rule_versions),
        sequence=monitor.transitions.sequence,
        divergences={
            f"{kind}/{direction}": divergence
            for (kind, direction), divergence in monitor.transitions.divergences.items()
        },
        regime=monitor.statistics.regime,
        reported_regime=monitor.closes.reported_regime,
        ledger=monitor.transitions.outcomes.ledger,
        data_quality=monitor.legs.other.data_quality,
        bars=store_bars(monitor.legs.other.history),
        waiting=tuple(bar for bar in waiting if bar.instrument == monitor.pair.other),
    )


def load_pair(state: PairState, monitor: PairMonitor) -> bool:
    """Put a pair's state into a new monitor whose lead has been restored already.

    Returns
    -------
    bool
        Whether the state was used unchanged; False if the rules differ from those it was made under.
    """
    versions = monitor.config.rule_versions
    legs, transitions = monitor.legs, monitor.transitions
    legs.other.data_quality = state.data_quality
    legs.other.history = restore_bars(state.bars, instrument=state.other)
    for name, divergence in state.divergences.items():
        kind, direction = name.split("/")
        is_same_rule = kind in versions and state.rule_versions.get(kind) == versions[kind]
        transitions.divergences[Kind(kind), Direction(direction)] = (
            divergence if is_same_rule else under_new_rule(divergence)
        )
    transitions.sequence = state.sequence
    transitions.outcomes.ledger = state.ledger
    monitor.closes.reported_regime = state.reported_regime
    monitor.statistics.resume(state.regime)
    return state.rule_versions == versions
