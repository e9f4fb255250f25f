"""The simulated market as one deterministic sequence.

The seed determines everything in it; the caller only decides *when* to publish an item.
"""

from collections.abc import Iterator

from services.ingestor.feeds.simulated.further_legs import FurtherLegs
from services.ingestor.feeds.simulated.main_pair import MainPair
from services.ingestor.feeds.simulated.scenario import (
    HISTORY_SESSIONS,
    Scenario,
    Scheduled,
    daily_of,
    ticks_of,
)
from shared.domain.bars import BarBatch
from shared.domain.instants import from_ns
from shared.domain.sessions import SessionCalendar
from shared.errors import ConfigError

# The main pair needs another leg with daily bars. If no pair has one, this leg is simulated, not published.
_UNWATCHED = "UNWATCHED.SIMULATED"


def simulate(scenario: Scenario, *, calendar: SessionCalendar) -> Iterator[Scheduled]:
    """Yield the market without end, in the order of event time.

    Raises
    ------
    ConfigError
        If the start is not inside a session, or the calendar has too few sessions before it.
    """
    if not calendar.is_open(scenario.start_ns):
        raise ConfigError(
            "CONVEX_INGESTOR_SIMULATED_START must lie inside an XNYS session, "
            f"was {from_ns(scenario.start_ns).isoformat()}"
        )
    first = calendar.first_closing_at_or_after(scenario.start_ns)
    if first < HISTORY_SESSIONS:
        raise ConfigError("CONVEX_INGESTOR_SIMULATED_START leaves too few sessions for the history")
    main_other, *further = daily_of(scenario.pairs) or (_UNWATCHED,)
    ticking = [instrument for instrument in ticks_of(scenario.pairs) if instrument != scenario.lead]
    further_legs = FurtherLegs(scenario, daily=tuple(further), ticking=tuple(ticking), calendar=calendar)
    whole = further_legs.join(MainPair(scenario, other=main_other, calendar=calendar, first=first).run())
    return (each for each in whole if not _is_of(each, _UNWATCHED))


def _is_of(scheduled: Scheduled, instrument: str) -> bool:
    return isinstance(scheduled.item, BarBatch) and scheduled.item.instrument == instrument
