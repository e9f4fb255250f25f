"""Which feeds each instrument has, in which order, as the settings say; every mistake has its own message.

=================================== =========================================================================
an instrument                       has the feeds
=================================== =========================================================================
named in ``CONVEX_INGESTOR_FEEDS``  listed there, best first
of a venue that streams             of that venue: ``PAXG/USD.KRAKEN`` of ``kraken``
any other                           none: it is known by its daily bars
=================================== =========================================================================

Feeds of one instrument have the same base, and a quote that is worth the same: a token is never replaced by
the metal that it stands for, nor dollars by euros. ``CONVEX_INGESTOR_CROSS_CHECKS`` adds feeds that are only
compared; there, what stands for the metal may be compared with the metal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.registry import STREAMING_VENUES, streaming_venue
from services.ingestor.feeds.streaming.ports import StreamingVenue
from services.ingestor.feeds.streaming.symbols import is_pair
from shared.domain.closures import Closures
from shared.domain.market_hours import MarketHours, OverTheCounterHours, hours_of
from shared.domain.pairs import Pair, routes_of
from shared.domain.sessions import SessionCalendar
from shared.errors import ConfigError

_FEEDS: Final = "CONVEX_INGESTOR_FEEDS"
_CROSS_CHECKS: Final = "CONVEX_INGESTOR_CROSS_CHECKS"
# Venues of instruments that no live market has.
_NOT_LIVE: Final = frozenset({"SIMULATED", "REPLAY"})
_DOLLARS: Final = frozenset({"USD", "USDT", "USDC"})
_STREAMED: Final = "PAXG/USD"
_GOLD: Final = frozenset({"XAU", "PAXG", "XAUT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One feed of an instrument.

    Parameters
    ----------
    symbol
        The venue's symbol in our spelling, such as ``PAXG/USDT``.
    """

    venue: StreamingVenue
    symbol: str

    def hours(self, *, calendar: SessionCalendar, closures: Closures) -> MarketHours:
        """Return when it ticks: the hours of what it brings, which a cross-check need not share."""
        hours = hours_of(f"{self.symbol}.{self.venue.name.upper()}", calendar=calendar, closures=closures)
        if self.venue.daily_break is None or not isinstance(hours, OverTheCounterHours):
            return hours
        ends, begins = self.venue.daily_break
        return replace(hours, ends=ends, begins=begins) if hours.are_metals else hours


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOrder:
    """The feeds of one instrument.

    Parameters
    ----------
    order
        Best first; none for an instrument that does not tick.
    cross_checks
        Only compared.
    """

    order: tuple[Source, ...] = ()
    cross_checks: tuple[Source, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all feeds."""
        return tuple(source.venue.name for source in (*self.order, *self.cross_checks))


def feed_orders(settings: IngestorSettings, pairs: tuple[Pair, ...]) -> dict[str, FeedOrder]:
    """Return the feeds of every instrument of the pairs.

    Raises
    ------
    ConfigError
        If the settings name something that cannot be, or a pair has a leg that no live provider has.
    """
    instruments = tuple(routes_of(pairs))
    for variable, lists in ((_FEEDS, settings.feeds), (_CROSS_CHECKS, settings.cross_checks)):
        unknown = next((instrument for instrument in lists if instrument not in instruments), None)
        if unknown is not None:
            raise ConfigError(
                f"{variable}: no pair has the instrument {unknown}; the pairs have {', '.join(instruments)}"
            )
    orders = {instrument: _order_of(settings, instrument) for instrument in instruments}
    _require_live(pairs, orders)
    return orders


def _order_of(settings: IngestorSettings, instrument: str) -> FeedOrder:
    checks = tuple(
        _source(item, instrument, _CROSS_CHECKS) for item in settings.cross_checks.get(instrument, ())
    )
    if instrument in settings.feeds:
        items = settings.feeds[instrument]
        if not items:
            raise ConfigError(f"{_FEEDS}: {instrument} has an empty list; take it away, or name a venue")
        order = tuple(_source(item, instrument, _FEEDS) for item in items)
    else:
        venue = streaming_venue(instrument)
        order = () if venue is None else (Source(venue=venue, symbol=_symbol_of(instrument)),)
    if checks and not order:
        raise ConfigError(
            f"{_CROSS_CHECKS}: {instrument} has no feed that its price could be checked for; "
            f"name one in {_FEEDS}"
        )
    seen: set[str] = set()
    for source, variable in (
        *((each, _FEEDS) for each in order),
        *((each, _CROSS_CHECKS) for each in checks),
    ):
        if source.venue.name in seen:
            raise ConfigError(
                f"{variable}: {instrument} names {source.venue.name} twice; "
                "a venue is one feed of an instrument, or one cross-check"
            )
        seen.add(source.venue.name)
    return FeedOrder(order=order, cross_checks=checks)


def _source(item: str, instrument: str, variable: str) -> Source:
    """Return the feed that an item of a list names."""
    name, _, symbol = item.partition(":")
    venue = next((venue for venue in STREAMING_VENUES if venue.name == name), None)
    if venue is None:
        known = ", ".join(venue.name for venue in STREAMING_VENUES)
        raise ConfigError(f"{variable}: {instrument}: there is no venue {name!r}; there are {known}")
    symbol = symbol or _symbol_of(instrument)
    if not venue.has_symbol(symbol):
        raise ConfigError(
            f"{variable}: {instrument}: {name} has no symbol {symbol!r}; name one that it has as "
            f"{name}:SYMBOL, or another venue"
        )
    if not _is_comparable(_symbol_of(instrument), symbol, is_checked_only=variable == _CROSS_CHECKS):
        raise ConfigError(
            f"{variable}: {instrument}: {symbol} of {name} is not the same thing as "
            f"{_symbol_of(instrument)}"
            + (
                ""
                if variable == _CROSS_CHECKS
                else f"; {_CROSS_CHECKS} compares gold with what stands for it"
            )
        )
    return Source(venue=venue, symbol=symbol)


def _is_comparable(ours: str, theirs: str, *, is_checked_only: bool) -> bool:
    if not is_pair(ours) or not is_pair(theirs):
        return ours == theirs
    (base, _, quote), (their_base, _, their_quote) = ours.partition("/"), theirs.partition("/")
    same_base = base == their_base or (is_checked_only and {base, their_base} <= _GOLD)
    return same_base and (quote == their_quote or {quote, their_quote} <= _DOLLARS)


def _require_live(pairs: tuple[Pair, ...], orders: Mapping[str, FeedOrder]) -> None:
    """Refuse a pair with a leg that no live provider has."""
    # The others are no venues of instruments: they are named in the settings only.
    streaming = " or ".join(
        venue.name.upper()
        for venue in STREAMING_VENUES
        if venue.has_symbol(_STREAMED) and "_" not in venue.name
    )
    for pair in pairs:
        for instrument in (pair.lead, pair.other):
            if instrument.rpartition(".")[2] in _NOT_LIVE:
                raise ConfigError(
                    f"pair {pair.name}: {instrument} is of no live venue; set CONVEX_PAIRS to live or to a "
                    "file of your own, or take another CONVEX_INGESTOR_FEED"
                )
        if not orders[pair.lead].order:
            raise ConfigError(
                f"pair {pair.name}: its lead {pair.lead} has no live ticks, and a pair's time is its lead's; "
                f"a lead is of venue {streaming}, or has a feed in {_FEEDS}"
            )
        if not orders[pair.other].order and is_pair(_symbol_of(pair.other)):
            raise ConfigError(
                f"pair {pair.name}: {pair.other} has no daily bars, and its venue no live ticks; "
                f"name a listed symbol such as SLV.ARCX, a venue of {streaming}, or a feed in {_FEEDS}"
            )


def _symbol_of(instrument: str) -> str:
    return instrument.rpartition(".")[0]
