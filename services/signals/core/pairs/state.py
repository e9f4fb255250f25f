"""What must survive a restart of one pair: with it, its lead's and the rest of the log, nothing is different.

Numbers that a window gives are not kept: they are recomputed, so that a checkpoint can carry no error on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from services.signals.core.legs.stored_bars import StoredBars, restore_bars, store_bars
from services.signals.core.legs.watch import LegWatch
from services.signals.core.lifecycle.life import Life
from services.signals.core.lifecycle.prices import under_new_rule
from services.signals.core.outcomes.ledger import Ledger
from services.signals.core.pairs.book import PairBook
from services.signals.core.rules import Rule
from services.signals.core.statistics.regime import RegimeState
from shared.domain.bars import Bar
from shared.domain.divergences import Direction, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class PairState:
    """What is a pair's own.

    Parameters
    ----------
    pair
        Its name.
    lead, other
        The instruments: a pair with another leg is another pair.
    rule_versions
        Of the rules that were in force, by kind.
    sequence
        Number of its last event.
    lives
        By kind and direction, such as ``ratio_stretch/risk_off``.
    regime, told_regime
        After the newest session that both legs have, and the one that was last told, or first seen; the
        latter is None before the first.
    ledger
        Its openings, and what followed them.
    watch, bars, waiting
        Of the other leg; bars wait that came before their ``known_at``.
    """

    pair: str
    lead: str
    other: str
    rule_versions: dict[str, str]
    sequence: int
    lives: dict[str, Life]
    regime: RegimeState
    told_regime: str | None
    ledger: Ledger
    watch: LegWatch
    bars: StoredBars
    waiting: tuple[Bar, ...]


def dump_pair(book: PairBook, waiting: Iterable[Bar]) -> PairState:
    """Return what must survive of a pair.

    Parameters
    ----------
    waiting
        Bars of any leg of its lead that came before their ``known_at``.
    """
    return PairState(
        pair=book.pair.name,
        lead=book.pair.lead,
        other=book.pair.other,
        rule_versions=_versions(tuple(book.rules.values())),
        sequence=book.sequence,
        lives={f"{kind}/{direction}": life for (kind, direction), life in book.lives.items()},
        regime=book.regime,
        told_regime=book.told_regime,
        ledger=book.outcomes.ledger,
        watch=book.other.watch,
        bars=store_bars(book.other.history),
        waiting=tuple(bar for bar in waiting if bar.instrument == book.pair.other),
    )


def load_pair(state: PairState, book: PairBook) -> None:
    """Put a pair's own into a new book, whose lead's part is there already."""
    versions = _versions(tuple(book.rules.values()))
    book.other.watch = state.watch
    book.other.history = restore_bars(state.bars, instrument=state.other)
    for name, life in state.lives.items():
        kind, direction = name.split("/")
        is_same_rule = kind in versions and state.rule_versions.get(kind) == versions[kind]
        book.lives[Kind(kind), Direction(direction)] = life if is_same_rule else under_new_rule(life)
    book.sequence = state.sequence
    book.told_regime = state.told_regime
    book.outcomes.ledger = state.ledger
    book.resume(state.regime)
    book.is_unsaved = state.rule_versions != versions


@lru_cache(maxsize=8)
def _versions(rules: tuple[Rule, ...]) -> dict[str, str]:
    # A worker has one set of rules for thousands of pairs, and a version is a hash of all of a rule.
    return {rule.kind.value: rule.version for rule in rules}
