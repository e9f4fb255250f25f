"""One leg that a program has in memory, in the place of files or beside them."""

from dataclasses import dataclass

from shared.domain.bars import Bar
from shared.domain.ticks import QuoteBatch
from shared.files.daily.daily_file import DailyFile
from shared.files.daily.reader import DailyLeg


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLeg:
    """Daily closes and quotes of one leg.

    Parameters
    ----------
    name
        How errors call it, as a file is called by its path.
    bars
        Ascending by session, each session once. A leg with daily files has none.
    tables
        What the bars were read from, as if each table were a file.
    off_session
        Dates of the tables, ascending, on which the exchange was closed.
    quotes
        Ascending by event time, within and across batches; of a lead only. A leg with tick files has none.
    """

    name: str
    bars: tuple[Bar, ...] = ()
    quotes: tuple[QuoteBatch, ...] = ()
    tables: tuple[DailyFile, ...] = ()
    off_session: tuple[str, ...] = ()

    @property
    def daily(self) -> DailyLeg:
        """Return the daily closes as those of files."""
        return DailyLeg(bars=self.bars, files=self.tables, off_session=self.off_session)
