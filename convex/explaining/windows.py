"""The window of a decision as rows that can be read beside the log, and the values that its hash is over."""

from convex.explaining.market import Market
from convex.explaining.material import Titles
from convex.explaining.numbers import number, price
from convex.explaining.working import Window


def ratio_window(market: Market, titles: Titles, size: int) -> Window:
    """Return the log ratios that the judged one is held against, at most ``size``; hashed as they are."""
    end = len(market.sessions) - (0 if market.is_live else 1)
    rows = range(max(0, end - size), end)
    return Window(
        title=_title(market, rows, "sessions"),
        columns=("session", titles.lead, titles.other, f"ln({titles.lead}/{titles.other})"),
        rows=tuple(
            (
                market.sessions[row],
                price(market.lead[row].adj_close),
                price(market.other[row].adj_close),
                number(market.log_ratios[row]),
            )
            for row in rows
        ),
        hashed=tuple(market.log_ratios[row] for row in rows),
    )


def return_window(market: Market, titles: Titles, size: int) -> Window:
    """Return the last return pairs, at most ``size``; the hash is over the lead's, then the other leg's."""
    count = len(market.lead_returns)
    rows = range(max(0, count - size) + 1, count + 1)
    return Window(
        title=_title(market, rows, "return pairs"),
        columns=("session", titles.lead, titles.other, f"return {titles.lead}", f"return {titles.other}"),
        rows=tuple(
            (
                market.sessions[row],
                price(market.lead[row].adj_close),
                price(market.other[row].adj_close),
                number(market.lead_returns[row - 1]),
                number(market.other_returns[row - 1]),
            )
            for row in rows
        ),
        hashed=market.lead_returns[-size:] + market.other_returns[-size:],
    )


def _title(market: Market, rows: range, what: str) -> str:
    if not rows:
        return f"no {what}"
    return f"{len(rows)} {what}, {market.sessions[rows[0]]} to {market.sessions[rows[-1]]}"
