"""What must survive a restart of one pair: with it and the rest of the log, nothing is different.

Numbers that a window gives are not kept: they are recomputed, so that a checkpoint can carry no error on.
"""

from dataclasses import dataclass

from services.signals.core.lead_market import LeadMarket
from services.signals.core.leg_history import LegHistory
from services.signals.core.leg_watch import LegWatch
from services.signals.core.lifecycle.life import Life
from services.signals.core.lifecycle.prices import under_new_rule
from services.signals.core.pair_book import PairBook
from services.signals.core.statistics.regime import RegimeState
from services.signals.core.tape import EventTime, Tape
from shared.domain.bars import Bar, BarStatus
from shared.domain.divergences import Direction, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class BarColumns:
    """Bars of one leg, column by column, ascending by session."""

    session: tuple[str, ...]
    close: tuple[float, ...]
    adj_close: tuple[float, ...]
    known_at_ns: tuple[int, ...]
    revision: tuple[int, ...]
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairState:
    """A pair's checkpoint.

    Parameters
    ----------
    other
        The instrument of the other leg: a pair with another one is another pair.
    rule_versions
        Of the rules that were in force, by kind.
    lives
        By kind and direction, such as ``ratio_stretch/risk_off``.
    tapes, watches, lead_bars, other_bars
        Of the lead and of the other leg.
    waiting
        Bars that came before their ``known_at``, of every pair of the lead: its pairs restart as one engine.
    """

    pair: str
    other: str
    rule_versions: dict[str, str]
    sequence: int
    lives: dict[str, Life]
    regime: RegimeState
    told_regime: str | None
    time: EventTime
    tapes: tuple[Tape, Tape]
    watches: tuple[LegWatch, LegWatch]
    waiting: tuple[Bar, ...]
    lead_bars: BarColumns
    other_bars: BarColumns


def dump_pair(book: PairBook, time: EventTime, waiting: list[Bar]) -> PairState:
    """Return what must survive of a pair, what its lead's pairs share included."""
    return PairState(
        pair=book.pair.name,
        other=book.pair.other,
        rule_versions={kind.value: rule.version for kind, rule in book.rules.items()},
        sequence=book.sequence,
        lives={f"{kind}/{direction}": life for (kind, direction), life in book.lives.items()},
        regime=book.regime,
        told_regime=book.told_regime,
        time=time,
        tapes=(book.lead.tape, book.other.tape),
        watches=(book.lead.watch, book.other.watch),
        waiting=tuple(waiting),
        lead_bars=_columns(book.lead.history),
        other_bars=_columns(book.other.history),
    )


def load_pair(state: PairState, book: PairBook, market: LeadMarket) -> None:
    """Put a checkpoint into a new book and what its market shares."""
    market.time.watermark_ns, market.time.closes_seen = state.time.watermark_ns, state.time.closes_seen
    book.lead.tape, book.other.tape = state.tapes
    book.lead.watch, book.other.watch = state.watches
    _fill(book.lead.history, state.lead_bars, book.pair.lead)
    _fill(book.other.history, state.other_bars, book.pair.other)
    for name, life in state.lives.items():
        kind, direction = name.split("/")
        rule = book.rules.get(Kind(kind))
        is_same_rule = rule is not None and state.rule_versions.get(kind) == rule.version
        book.lives[Kind(kind), Direction(direction)] = life if is_same_rule else under_new_rule(life)
    book.sequence = state.sequence
    book.told_regime = state.told_regime
    book.resume(state.regime)


def _columns(leg: LegHistory) -> BarColumns:
    bars = [bar for session in leg.sessions if (bar := leg.get(session)) is not None]
    return BarColumns(
        session=tuple(bar.session for bar in bars),
        close=tuple(bar.close for bar in bars),
        adj_close=tuple(bar.adj_close for bar in bars),
        known_at_ns=tuple(bar.known_at_ns for bar in bars),
        revision=tuple(bar.revision for bar in bars),
        source=tuple(bar.source for bar in bars),
    )


def _fill(leg: LegHistory, columns: BarColumns, instrument: str) -> None:
    for index, session in enumerate(columns.session):
        leg.put(
            Bar(
                instrument=instrument,
                session=session,
                close=columns.close[index],
                adj_close=columns.adj_close[index],
                known_at_ns=columns.known_at_ns[index],
                status=BarStatus.CORRECTED if columns.revision[index] else BarStatus.FINAL,
                revision=columns.revision[index],
                source=columns.source[index],
            )
        )
