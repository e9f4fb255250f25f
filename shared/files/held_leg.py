"""One leg that a program has in memory, in the place of files or beside them."""

from dataclasses import dataclass

from shared.domain.bars import Bar
from shared.domain.ticks import QuoteBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLeg:
    """Daily closes and quotes of one leg.

    Parameters
    ----------
    name
        How errors call it, as a file is called by its path.
    bars
        Ascending by session, each session once. A leg with daily files has none.
    quotes
        Ascending by event time, within and across batches; of a lead only. A leg with tick files has none.
    """

    name: str
    bars: tuple[Bar, ...] = ()
    quotes: tuple[QuoteBatch, ...] = ()
