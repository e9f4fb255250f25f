"""Tick files as their vendors write them: one row of this table for each.

A header is compared without capitals and without spaces around the names. Where a layout has no zone, the
format's zone holds; a format without one needs ``--timezone``.
"""

import re
from dataclasses import dataclass
from typing import Final

from shared.files.ticks.instant_layouts import Layout

_ISO: Final = Layout("YYYY-MM-DD_hh:mm:ss.fz")
_ISO_LOCAL: Final = Layout("YYYY-MM-DD_hh:mm:ss.f")
_DOTTED: Final = Layout("YYYY.MM.DD hh:mm:ss.f")
_DAY_FIRST: Final = Layout("DD.MM.YYYY hh:mm:ss.f")
_DAY_FIRST_OFFSET: Final = Layout("DD.MM.YYYY hh:mm:ss.f GMTz")
_COMPACT: Final = Layout("YYYYMMDD hh:mm:ss.f")
# Which of the two it is, only the numbers or --date-order can say.
_SLASHES: Final = (Layout("DD/MM/YYYY hh:mm:ss.f"), Layout("MM/DD/YYYY hh:mm:ss.f"))
_PRICE: Final = r"[0-9]+(?:\.[0-9]+)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class TickFormat:
    """How one vendor writes quotes.

    Parameters
    ----------
    name
        For ``--format``.
    title
        For people.
    time
        Names of the column of instants, any of them; or ``("<date>", "<time>")`` where ``is_split``.
    bid, ask
        Names of the columns of prices, any of them.
    is_split
        Date and time have a column each.
    more
        Names of further columns that only this format has.
    head
        For a file without header: what its first line looks like, with the columns' names as groups.
    layouts
        How instants may be written; one of them in the whole file.
    is_epoch
        Instants may also be numbers since 1970.
    zone
        IANA name of the zone of a layout without one; None where the vendor does not say. ``--timezone``
        replaces it, except where the file's own header names it (``is_zone_in_header``).
    zone_note
        What is assumed about the zone, for people.
    is_carried
        An empty bid or ask is the one of the row above.
    """

    name: str
    title: str
    time: tuple[str, ...]
    bid: tuple[str, ...] = ("bid",)
    ask: tuple[str, ...] = ("ask",)
    is_split: bool = False
    more: tuple[str, ...] = ()
    head: re.Pattern[str] | None = None
    layouts: tuple[Layout, ...] = ()
    is_epoch: bool = False
    zone: str | None = None
    is_zone_in_header: bool = False
    zone_note: str = "UTC"
    is_carried: bool = False


PLAIN: Final = TickFormat(
    name="ticks", title="ts_utc,bid,ask", time=("ts_utc",), layouts=(_ISO,), zone_note="as each row says"
)
# In the order in which they are tried.
TICK_FORMATS: Final = (
    PLAIN,
    TickFormat(
        name="dukascopy-ticks",
        title="Dukascopy ticks",
        time=("gmt time", "time (utc)", "time (gmt)"),
        layouts=(_DAY_FIRST, _DAY_FIRST_OFFSET, _DOTTED, _ISO_LOCAL, _ISO),
        zone="UTC",
        is_zone_in_header=True,
    ),
    TickFormat(
        name="jforex-ticks",
        title="Dukascopy JForex ticks, Eastern European time",
        time=("time (eet)",),
        layouts=(_DOTTED, _DAY_FIRST, _ISO_LOCAL),
        zone="EET",
        is_zone_in_header=True,
        zone_note="EET, with summer time",
    ),
    TickFormat(
        name="jforex-local-ticks",
        title="Dukascopy ticks, local time",
        time=("local time",),
        layouts=(_DAY_FIRST_OFFSET, _DAY_FIRST, _DOTTED, _ISO_LOCAL, _ISO),
    ),
    TickFormat(
        name="duka-ticks",
        title="Dukascopy ticks by duka",
        time=("time",),
        more=("ask_volume", "bid_volume"),
        layouts=(_ISO_LOCAL, _ISO),
        zone="UTC",
    ),
    TickFormat(
        name="dukascopy-node-ticks",
        title="Dukascopy ticks by dukascopy-node",
        time=("timestamp",),
        bid=("bidprice",),
        ask=("askprice",),
        layouts=(_ISO, _ISO_LOCAL),
        is_epoch=True,
        zone="UTC",
    ),
    TickFormat(
        name="metatrader5-ticks",
        title="MetaTrader 5 ticks",
        time=("<date>", "<time>"),
        bid=("<bid>",),
        ask=("<ask>",),
        is_split=True,
        layouts=(_DOTTED,),
        is_carried=True,
    ),
    TickFormat(
        name="quotes",
        title="quotes with a header",
        time=(
            "timestamp",
            "time",
            "datetime",
            "date time",
            "date",
            "ts",
            "timestamp_ms",
            "time_msc",
            "unix_ms",
            "unix",
            "epoch",
        ),
        bid=("bid", "bid_price", "bid price", "bidprice"),
        ask=("ask", "ask_price", "ask price", "askprice"),
        layouts=(_ISO, _ISO_LOCAL, _DOTTED, _DAY_FIRST, _COMPACT, *_SLASHES),
        is_epoch=True,
    ),
    TickFormat(
        name="histdata-ticks",
        title="HistData ASCII ticks",
        time=("time",),
        head=re.compile(
            rf"(?P<time>[0-9]{{8}} [0-9]{{9}}),(?P<bid>{_PRICE}),(?P<ask>{_PRICE}),(?P<volume>[0-9]+)"
        ),
        layouts=(Layout("YYYYMMDD hhmmssfff"),),
        zone="Etc/GMT+5",
        zone_note="EST all year (UTC-5)",
    ),
    TickFormat(
        name="truefx-ticks",
        title="TrueFX ticks",
        time=("time",),
        head=re.compile(
            r"(?P<symbol>[A-Z]{3}/?[A-Z]{3}),(?P<time>[0-9]{8} [0-9:.]+)"
            rf",(?P<bid>{_PRICE}),(?P<ask>{_PRICE})"
        ),
        layouts=(_COMPACT,),
        zone="UTC",
    ),
)

# First lines of files that look like ticks and cannot be quotes; what they are, and what to do.
NOT_QUOTES: Final = (
    (
        re.compile(rf"[0-9]{{8}} [0-9]{{6}};{_PRICE};[0-9]+"),
        "holds one side of the market (HistData, NinjaTrader ticks); give HistData's Generic ASCII ticks",
    ),
    (
        re.compile(rf"[0-9]{{1,8}},{_PRICE},{_PRICE}"),
        "has no date (LEAN's ticks have milliseconds of a day); write the instants in a column ts_utc",
    ),
    (
        re.compile(rf"[0-9]{{9,19}}(?:\.[0-9]+)?,{_PRICE},{_PRICE}(?:,.*)?"),
        "has no header, so which price is the bid is not known; put timestamp,bid,ask above the first row",
    ),
)
# How the names of columns of bars end, such as bid_open.
BAR_ENDINGS: Final = ("open", "high", "low")
