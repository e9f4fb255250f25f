"""The input of an explanation: the event, the events before it, and the bars and prices of the log."""

from dataclasses import dataclass

from shared.domain.bars import Bar
from shared.domain.divergences import DivergenceEvent
from shared.pairs.loading import SHIPPED, load_pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Titles:
    """What people call the two legs."""

    lead: str
    other: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Bars of both legs in the order of the log.

    Parameters
    ----------
    source
        Where they come from, for people.
    """

    source: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """The live prices of one leg that the engine used: event time and USD, in the order of the log."""

    ts_ns: tuple[int, ...] = ()
    price: tuple[float, ...] = ()

    def at(self, ts_ns: int | None, *, stated: float) -> float | None:
        """Return the stated price if a tick of that instant has it, else the last price then, or None."""
        found = [price for each, price in zip(self.ts_ns, self.price, strict=True) if each == ts_ns]
        if stated in found:
            return stated
        return found[-1] if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The live prices from the start of the hold to the last one before the event.

    Parameters
    ----------
    missing
        Why there are none; empty where there are, or where none are needed.
    """

    lead: Ticks = Ticks()
    other: Ticks = Ticks()
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything that an explanation is made from.

    Parameters
    ----------
    events, where
        What holds the events, and where in it the event was found: a topic's place or a file's line.
    origin
        The record that decided, ``ticks.v1/partition/offset``; empty where the log is files.
    before
        Events of the same pair before this one, in their order.
    cooldown_sessions
        The cooldown of the event's rule; None if that rule is not known here.
    """

    event: DivergenceEvent
    events: str
    where: str
    origin: str
    before: tuple[DivergenceEvent, ...]
    cooldown_sessions: int | None
    titles: Titles
    bars: Bars
    prices: Prices


def titles_of(event: DivergenceEvent, *sets: str) -> Titles:
    """Return the titles of the first pair that has the event's name and legs, else their symbols.

    Parameters
    ----------
    sets
        Files or shipped sets of pairs to look into before the shipped ones.
    """
    instruments = [leg.instrument for leg in event.legs]
    for name in (*sets, *SHIPPED):
        for pair in load_pairs(name):
            if pair.name == event.pair and set(instruments) <= {pair.lead, pair.other}:
                return Titles(lead=pair.lead_title, other=pair.other_title)
    symbols = [each.rpartition(".")[0] for each in instruments]
    lead, other = (*symbols, "the lead", "the other leg")[:2] if len(symbols) > 1 else ("lead", "other")
    return Titles(lead=lead, other=other)
