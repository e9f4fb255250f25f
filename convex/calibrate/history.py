"""The history that synthetic ones are drawn from: the returns of both legs of a pair, from daily files."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.false_alarms import YEAR
from services.signals.core.legs.aligned import align
from services.signals.core.legs.history import LegHistory
from services.signals.core.legs.quarantine import without_unusable
from shared.domain.bars import BarBatch
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar
from shared.errors import ConfigError
from shared.files.file_note import FileNote
from shared.files.ticks.reader import has_tick_header
from shared.files.timeline import Recording, read_timeline

# At least two years: a shorter history hardly has the rare moves that decide how often a rule opens.
LEAST_RETURNS: Final = 504
_UNLIMITED: Final = 1 << 31
# One leg given twice, or scaled: only rounding keeps the correlation from 1.
_WHOLE: Final = 1.0 - 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Aligned log returns of both legs.

    Parameters
    ----------
    sessions
        Of the closes, ascending: one more than returns.
    lead, other
        Shape ``(n,)``.
    """

    sessions: tuple[str, ...]
    lead: NDArray[np.float64]
    other: NDArray[np.float64]

    @property
    def first_session(self) -> str:
        """Return the session of the first close."""
        return self.sessions[0]

    @property
    def last_session(self) -> str:
        """Return the session of the last close."""
        return self.sessions[-1]

    def until(self, returns: int) -> "History":
        """Return the part of the history that has so many returns from its beginning."""
        return History(
            sessions=self.sessions[: returns + 1], lead=self.lead[:returns], other=self.other[:returns]
        )


def read_history(
    recording: Recording,
    *,
    pair: Pair,
    calendar: SessionCalendar,
    on_note: Callable[[FileNote], None] = lambda _note: None,
    least_returns: int = LEAST_RETURNS,
) -> History:
    """Read the returns of the sessions that both legs have from daily files.

    Parameters
    ----------
    on_note
        Called with what was noticed about the files.
    least_returns
        What the caller needs, at least `LEAST_RETURNS`.

    Raises
    ------
    ConfigError
        With file, row and field, as `shared.files.timeline.read_timeline`; also for ticks, for a history of
        fewer than ``least_returns`` returns, for a leg whose close never changes, and for two that are one.
    """
    _refuse_ticks(recording)
    legs = {each: LegHistory(limit=_UNLIMITED) for each in (pair.lead, pair.other)}
    for batch in read_timeline(recording, pair=pair, calendar=calendar, on_note=on_note):
        # Without tick files a timeline is bars only.
        if isinstance(batch, BarBatch):
            for bar in batch.bars:
                legs[bar.instrument].put(bar)
    aligned = align(without_unusable(legs[pair.lead]), without_unusable(legs[pair.other]))
    names = f"{recording.lead_name}, {recording.other_name}"
    if aligned.lead_returns.size < least_returns:
        years = "two" if least_returns == LEAST_RETURNS else f"{least_returns / YEAR:g}"
        wanted = f"give at least {least_returns + 1}, {years} years"
        raise ConfigError(f"{names}: have {len(aligned)} sessions in common; {wanted}")
    for of_leg, returns in (
        (recording.lead_name, aligned.lead_returns),
        (recording.other_name, aligned.other_returns),
    ):
        if not returns.any():
            raise ConfigError(f"{of_leg}: close: never changes; a flat leg has no correlation")
    if abs(float(np.corrcoef(aligned.lead_returns, aligned.other_returns)[0, 1])) > _WHOLE:
        raise ConfigError(f"{names}: have the same returns; give the files of two different legs")
    return History(sessions=tuple(aligned.sessions), lead=aligned.lead_returns, other=aligned.other_returns)


def _refuse_ticks(recording: Recording) -> None:
    for path in recording.lead_files:
        if has_tick_header(path, recording.reading):
            raise ConfigError(f"{path}: holds ticks; give daily closes (date,close[,adj_close])")
    if recording.holds_ticks:
        raise ConfigError(f"{recording.lead_name}: holds ticks; give daily closes")
