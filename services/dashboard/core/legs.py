"""Both legs beside each other: their prices now, and their statistics of 90 sessions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from services.dashboard.core.figures import reason_for
from shared.domain.snapshots import LegSnapshot
from shared.domain.ticks import FeedState
from shared.text.feeds import describe_source
from shared.text.instants import format_instant
from shared.text.numbers import (
    DASH,
    format_count,
    format_percent,
    format_price,
    format_signed,
    format_signed_percent,
)

Show = Callable[[float | None], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LegPrice:
    """The price of a leg, with its age and source.

    Parameters
    ----------
    is_live
        The price is of this moment; it is not a close.
    since_ms
        Wall time in milliseconds at which its age was 0; None without a price.
    source_note
        Since when the feed is used and why; empty where it is not known.
    why
        Why there is no price; None when there is one.
    """

    title: str
    instrument: str
    text: str
    is_live: bool
    basis: str
    at: str
    source: str
    source_note: str
    age_seconds: float | None
    since_ms: int | None
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One statistic of one leg; ``share`` is the same in percent where there is such a thing."""

    text: str
    share: str | None
    sign: int
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRow:
    """One statistic, a cell for each leg."""

    label: str
    hint: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRange:
    """Where the mean and the last close are between the window's low (0) and high (100)."""

    low: str
    high: str
    last: float
    mean: float


def price_of(leg: LegSnapshot, *, feed_state: FeedState | None, published_ms: int, now_ms: int) -> LegPrice:
    """Return a leg's price with its age at this moment.

    Parameters
    ----------
    feed_state
        Of the lead's feed, where the snapshot does not have that of the leg's own. While it is not live, the
        newest tick is the last price and not a live one.
    published_ms
        Wall time of the snapshot, to which the leg's age refers.
    """
    feed_state = leg.feed_state or feed_state
    is_live = leg.session is None and feed_state is FeedState.LIVE
    since = None if leg.age_seconds is None else published_ms - int(leg.age_seconds * 1_000)
    if leg.session is not None:
        basis = f"close of {leg.session}"
    else:
        basis = (
            "live price" if is_live else f"last price, feed {feed_state.value if feed_state else 'unknown'}"
        )
    return LegPrice(
        title=leg.title,
        instrument=leg.instrument,
        text=format_price(leg.price),
        is_live=is_live and leg.price is not None,
        basis=basis if leg.price is not None else "no price yet",
        at=format_instant(leg.price_at),
        source=leg.source or DASH,
        source_note=""
        if leg.source_since is None
        else describe_source(leg.source_since, leg.source_reason, leg.previous_source),
        age_seconds=None if since is None else (now_ms - since) / 1_000,
        since_ms=since,
        why=None if leg.price is not None else f"No price of {leg.instrument} has arrived yet.",
    )


def summary_rows(legs: tuple[LegSnapshot, ...], undefined: Mapping[str, str]) -> tuple[SummaryRow, ...]:
    """Return the 90-session statistics, one row for each and one cell for each leg."""
    rows = [_row("Last close", "", "last", format_price, legs, undefined)]
    rows += [
        _change_row(format_count(sessions, "session"), f"change_{sessions}", legs, undefined)
        for sessions in (1, 5, 20, 90)
    ]
    rows += [_row(label, hint, key, show, legs, undefined) for label, hint, key, show in _ROWS]
    return tuple(rows)


def range_of(leg: LegSnapshot) -> PriceRange | None:
    """Return the window's range; None before it is full, or when the leg did not move."""
    low, high = leg.summary.get("min"), leg.summary.get("max")
    last, mean = leg.summary.get("last"), leg.summary.get("mean")
    if low is None or high is None or last is None or mean is None or high <= low:
        return None
    return PriceRange(
        low=format_price(low),
        high=format_price(high),
        last=round(100 * (last - low) / (high - low), 2),
        mean=round(100 * (mean - low) / (high - low), 2),
    )


# A change over N sessions, or a statistic of N returns, needs one close more.
_CLOSES_NEEDED: Final = {
    **{f"change_{sessions}": sessions + 1 for sessions in (1, 5, 20, 90)},
    **dict.fromkeys(("min", "max", "mean", "std", "drawdown"), 90),
    **dict.fromkeys(("percentile", "vol"), 91),
}

_ROWS: Final[tuple[tuple[str, str, str, Show], ...]] = (
    ("Minimum", "close", "min", format_price),
    ("Maximum", "close", "max", format_price),
    ("Mean", "", "mean", format_price),
    ("Std deviation", "", "std", format_price),
    ("Percentile", "of the last close", "percentile", format_percent),
    ("Drawdown", "from the high", "drawdown", format_signed_percent),
    ("Volatility", "annualised", "vol", format_percent),
)


def _row(
    label: str, hint: str, key: str, show: Show, legs: tuple[LegSnapshot, ...], undefined: Mapping[str, str]
) -> SummaryRow:
    cells = []
    for leg in legs:
        value = leg.summary.get(key)
        why = _why(leg, key, undefined) if value is None else None
        cells.append(Cell(text=show(value), share=None, sign=0, why=why))
    return SummaryRow(label=label, hint=hint, cells=tuple(cells))


def _change_row(
    label: str, key: str, legs: tuple[LegSnapshot, ...], undefined: Mapping[str, str]
) -> SummaryRow:
    cells = []
    for leg in legs:
        change, share = leg.summary.get(key), leg.summary.get(f"{key}_pct")
        why = _why(leg, key, undefined) if change is None else None
        cells.append(
            Cell(
                text=format_signed(change),
                share=None if share is None else format_signed_percent(share, 2),
                sign=0 if change is None else (change > 0) - (change < 0),
                why=why,
            )
        )
    return SummaryRow(label=label, hint="change", cells=tuple(cells))


def _why(leg: LegSnapshot, key: str, undefined: Mapping[str, str]) -> str:
    if not leg.summary:
        return f"No close of {leg.instrument} has arrived yet."
    needed = _CLOSES_NEEDED.get(key)
    fallback = None if needed is None else f"Needs {needed} closes of {leg.title}."
    return reason_for(undefined, f"{leg.instrument}.{key}", f"{leg.title}.{key}", key, fallback=fallback)
