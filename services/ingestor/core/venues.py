"""Where a live instrument comes from: its venue says it, and nothing else has to be set.

==================== ================================ ============================================
venue                ticks                            history
==================== ================================ ============================================
KRAKEN, COINBASE     its websocket, round the clock   hourly candles, sampled at the XNYS close
any other            none                             daily bars, by the symbol
==================== ================================ ============================================
"""

from typing import Final

from shared.domain.pairs import Pair
from shared.errors import ConfigError

_STREAMING: Final = {"KRAKEN": "kraken", "COINBASE": "coinbase"}
# Instruments of these are not of any market that could be asked.
_NOT_LIVE: Final = frozenset({"SIMULATED", "REPLAY"})


def streaming_feed(instrument: str) -> str | None:
    """Return the name of the feed that streams an instrument, or None: then it has daily bars.

    Examples
    --------
    >>> streaming_feed("BTC/USD.KRAKEN")
    'kraken'
    >>> streaming_feed("SLV.ARCX") is None
    True
    """
    return _STREAMING.get(instrument.rpartition(".")[2])


def require_live(pairs: tuple[Pair, ...]) -> None:
    """Refuse a pair whose legs no live provider has.

    Raises
    ------
    ConfigError
        With the pair, the instrument and what to name instead.
    """
    for pair in pairs:
        for instrument in (pair.lead, pair.other):
            if instrument.rpartition(".")[2] in _NOT_LIVE:
                raise ConfigError(
                    f"pair {pair.name}: {instrument} is of no live venue; set CONVEX_PAIRS to live or to a "
                    "file of your own, or take another CONVEX_INGESTOR_FEED"
                )
        if streaming_feed(pair.lead) is None:
            raise ConfigError(
                f"pair {pair.name}: its lead {pair.lead} has no live ticks, and a pair's time is its lead's; "
                f"a lead is of venue {' or '.join(_STREAMING)}"
            )
        if streaming_feed(pair.other) is None and "/" in pair.other:
            raise ConfigError(
                f"pair {pair.name}: {pair.other} has no daily bars, and its venue no live ticks; "
                f"name a listed symbol such as SLV.ARCX, or a venue of {' or '.join(_STREAMING)}"
            )
