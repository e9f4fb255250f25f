"""What to simulate, and the form of the simulated items.

A simulated instrument whose symbol is ``BASE/QUOTE`` ticks: the lead while spot gold trades, any other round
the clock. One with a plain symbol has daily bars, known at 20:15 New York of their session.
"""

from dataclasses import dataclass
from typing import Final

from shared.domain.bars import BarBatch
from shared.domain.pairs import Pair
from shared.domain.ticks import FeedStatus, QuoteBatch
from shared.errors import ConfigError

FEED: Final = "simulated"
HISTORY_SESSIONS: Final = 720


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What to simulate.

    Parameters
    ----------
    pairs
        At least one, all of one lead. The first other leg with daily bars makes the main
        pair with the lead.
    start_ns
        First event time, inside an XNYS session.
    speed
        Simulated seconds per second while XNYS is open.
    ticks_per_second
        Quotes of the lead per second of wall time, on average; other legs that tick do so a quarter as often.
    """

    pairs: tuple[Pair, ...]
    seed: int
    start_ns: int
    speed: float
    ticks_per_second: float

    @property
    def lead(self) -> str:
        """Return the instrument that leads every pair."""
        return self.pairs[0].lead


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """One item of the sequence.

    Parameters
    ----------
    wall_seconds
        When to hand it out, since the start.
    event_ns
        The event time that the sequence has reached with this item, nanoseconds since the Unix epoch.
    """

    wall_seconds: float
    event_ns: int
    item: QuoteBatch | BarBatch | FeedStatus


def require_simulated(pairs: tuple[Pair, ...]) -> None:
    """Refuse pairs that cannot be simulated together.

    Raises
    ------
    ConfigError
        If a pair is not marked as simulated, or the pairs have different leads.
    """
    for pair in pairs:
        if not pair.is_simulated:
            # Made-up prices must never be shown as if they were a market's.
            raise ConfigError(
                f"pair {pair.name} is not marked is_simulated; set CONVEX_PAIRS to simulated "
                "or take another feed"
            )
    leads = dict.fromkeys(pair.lead for pair in pairs)
    if len(leads) != 1:
        raise ConfigError(
            f"the simulated feed plays pairs of one lead, CONVEX_PAIRS has {len(leads)}: {', '.join(leads)}"
        )


def ticks_of(pairs: tuple[Pair, ...]) -> tuple[str, ...]:
    """Return the instruments that tick, each once: every lead, and each other leg ``BASE/QUOTE``."""
    leads = [pair.lead for pair in pairs]
    others = [pair.other for pair in pairs if "/" in pair.other]
    return tuple(dict.fromkeys([*leads, *others]))


def daily_of(pairs: tuple[Pair, ...]) -> tuple[str, ...]:
    """Return the other legs that have daily bars, each once, in the order of the pairs."""
    ticking = ticks_of(pairs)
    return tuple(dict.fromkeys(pair.other for pair in pairs if pair.other not in ticking))
