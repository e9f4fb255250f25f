"""Which hosts the live feeds contact, and for what: known from the settings, before any is contacted."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from services.ingestor.config import IngestorSettings
from services.ingestor.feed_order import feed_orders
from services.ingestor.feeds.registry import bar_provider, macro_provider, past_closes
from services.ingestor.feeds.streaming.symbols import is_pair
from shared.domain.pairs import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A host that is contacted.

    Parameters
    ----------
    feed
        The provider's name.
    host
        With its port where that is not the usual one.
    purpose
        What for, such as ``live prices of PAXG/USD``.
    """

    feed: str
    host: str
    purpose: str


def contacts(settings: IngestorSettings, pairs: tuple[Pair, ...]) -> tuple[Contact, ...]:
    """Return every host that the live feeds of some pairs contact, each once for each purpose.

    Raises
    ------
    ConfigError
        If the settings name a feed that there is not, or a key is missing.

    Examples
    --------
    >>> from shared.pairs.loading import load_pairs
    >>> gold_iwm = tuple(pair for pair in load_pairs("live") if pair.name == "gold-iwm")
    >>> for each in contacts(IngestorSettings.model_construct(), gold_iwm):
    ...     print(f"{each.host}: {each.purpose}")
    ws.kraken.com: live prices of PAXG/USD
    api.kraken.com: missed trades of PAXG/USD
    api.exchange.coinbase.com: past closes of PAXG/USD
    query1.finance.yahoo.com: daily bars of IWM
    """
    return tuple(dict.fromkeys(_contacts(settings, pairs)))


def _contacts(settings: IngestorSettings, pairs: tuple[Pair, ...]) -> Iterator[Contact]:
    for instrument, order in feed_orders(settings, pairs).items():
        for source in (*order.order, *order.cross_checks):
            venue, symbol = source.venue, source.symbol
            url = venue.endpoint(settings, (symbol,)).url
            yield _contact(venue.name, url, f"live prices of {symbol}")
            if venue.rest_url is not None and venue.make_backfill is not None:
                yield _contact(venue.name, venue.rest_url(settings), f"missed trades of {symbol}")
        symbol = instrument.rpartition(".")[0]
        if order.order and is_pair(symbol):
            history = past_closes(symbol, settings)
            if history is not None:
                yield _contact(history.name, history.rest_url(settings), f"past closes of {symbol}")
        else:
            for name in dict.fromkeys((settings.bars_source, settings.bars_check_source)):
                if name is not None:
                    provider = bar_provider(name)
                    yield _contact(name, provider.rest_url(settings), f"daily bars of {symbol}")
    for series in settings.macro_series:
        macro = macro_provider(series)
        yield _contact(macro.name, macro.rest_url(settings), f"macro series {series.partition(':')[2]}")


def _contact(feed: str, url: str, purpose: str) -> Contact:
    return Contact(feed=feed, host=urlsplit(url).netloc.rpartition("@")[2], purpose=purpose)
