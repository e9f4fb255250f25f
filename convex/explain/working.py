"""The parts of an explanation: windows, lines of the calculation, conclusions and checks."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from convex.explain.market import Market
from convex.explain.material import Titles
from convex.explain.wording import number, price

# Two numbers count as equal within this: far above rounding errors, far below what could change a decision.
_RELATIVE: Final = 1e-9
_ABSOLUTE: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the calculation: a name, the formula with its numbers, and the result."""

    name: str
    formula: str
    result: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """One sentence of the conclusion, and whether it is true."""

    text: str
    holds: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One number of the event and the recomputed one; None is undefined."""

    name: str
    event: float | None
    recomputed: float | None

    @property
    def comes_out(self) -> bool:
        """Return whether the two are the same to 1e-9.

        Examples
        --------
        >>> Check(name="z_90", event=2.0, recomputed=2.000000001).comes_out
        True
        >>> Check(name="z_90", event=2.0, recomputed=2.00000001).comes_out
        False
        >>> Check(name="z_90", event=None, recomputed=None).comes_out
        True
        """
        if self.event is None or self.recomputed is None:
            return self.event is self.recomputed
        return math.isclose(self.event, self.recomputed, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The values that the decision was computed from, as rows of text.

    Parameters
    ----------
    title
        How many of what, from when to when.
    columns, rows
        One row for each session, oldest first; text.
    hashed
        The numbers that ``window_sha256`` is computed over, in that order.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    hashed: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """How one kind arrives at its decision.

    Parameters
    ----------
    sentence
        What happened.
    values
        Those of the event's ``values`` that only this kind can recompute.
    probability
        That the next close agrees; None where no live price decided.
    """

    sentence: str
    lines: tuple[Line, ...]
    conclusions: tuple[Conclusion, ...]
    window: Window | None = None
    values: Mapping[str, float | None] = field(default_factory=dict)
    probability: float | None = None


def ratio_window(market: Market, titles: Titles, size: int) -> Window:
    """Return the log ratios that the evaluated one is compared with, at most ``size``, and hash them."""
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
