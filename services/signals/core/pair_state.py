"""What must survive a restart of one pair: with it and the rest of the log, nothing is different.

Numbers that a window gives are not kept: they are recomputed, so that a checkpoint can carry no error on.
"""

from dataclasses import dataclass

from services.signals.core.leg_history import LegHistory
from services.signals.core.lifecycle import Life, under_new_rule
from services.signals.core.pair_book import PairBook
from services.signals.core.statistics.regime import RegimeState
from services.signals.core.tape import LeadTape
from shared.domain.bars import Bar, BarStatus
from shared.domain.divergences import Direction


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
    rule_version
        Of the rule that was in force.
    lead_bars, other_bars
        The closes that the windows are made of.
    lives
        By direction.
    waiting
        Bars that came before their ``known_at``, of every pair of the lead: its pairs restart as one engine.
    """

    pair: str
    other: str
    rule_version: str
    sequence: int
    lives: dict[str, Life]
    regime: RegimeState
    tape: LeadTape
    waiting: tuple[Bar, ...]
    lead_bars: BarColumns
    other_bars: BarColumns


def dump_pair(book: PairBook, tape: LeadTape, waiting: list[Bar]) -> PairState:
    """Return what must survive of a pair, its lead's tape included."""
    return PairState(
        pair=book.pair.name,
        other=book.pair.other,
        rule_version=book.rule.version,
        sequence=book.sequence,
        lives={direction.value: life for direction, life in book.lives.items()},
        regime=book.regime,
        tape=tape,
        waiting=tuple(waiting),
        lead_bars=_columns(book.lead),
        other_bars=_columns(book.other),
    )


def load_pair(state: PairState, book: PairBook) -> None:
    """Put a checkpoint into a new book."""
    _fill(book.lead, state.lead_bars, book.pair.lead)
    _fill(book.other, state.other_bars, book.pair.other)
    is_same_rule = state.rule_version == book.rule.version
    book.lives = {
        Direction(direction): life if is_same_rule else under_new_rule(life)
        for direction, life in state.lives.items()
    }
    book.sequence = state.sequence
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
