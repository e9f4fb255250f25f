"""Everything known about one instrument in a lead's log; shared by the pairs that have it as a leg."""

from dataclasses import dataclass, field

from services.signals.core.legs.history import LegHistory
from services.signals.core.legs.tape import Tape
from services.signals.core.legs.watch import LegWatch
from shared.domain.bars import HISTORY_SESSIONS


def _history() -> LegHistory:
    return LegHistory(limit=HISTORY_SESSIONS)


@dataclass(slots=True, kw_only=True)
class Leg:
    """One instrument.

    Parameters
    ----------
    tape
        Its live price, if it ticks.
    history
        Its bars.
    watch
        Whether they can be trusted.
    """

    instrument: str
    tape: Tape = field(default_factory=Tape)
    history: LegHistory = field(default_factory=_history)
    watch: LegWatch = field(default_factory=LegWatch)
