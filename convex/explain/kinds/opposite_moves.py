"""How ``opposite_moves`` decides: both legs' moves over five sessions, against their usual gap."""

from convex.explain.hold_and_cooldown import check_cooldown
from convex.explain.levels import SignedStatistic, check_levels, sign_of, signed_name
from convex.explain.market import Market
from convex.explain.material import Material
from convex.explain.statistics import GAP_WINDOW, MOVE, distance, gap_mean_and_std, move
from convex.explain.wording import number, term, what_became, when
from convex.explain.working import Conclusion, Line, Working, return_window
from shared.domain.divergences import Transition
from shared.text.numbers import format_log_return


def working_of(material: Material, market: Market) -> Working:
    """Return the working of one event."""
    event, titles = material.event, material.titles
    lead, other = move(market.lead_returns), move(market.other_returns)
    gap, apart = gap_mean_and_std(market), distance(market)
    lines: tuple[Line, ...] = tuple(
        Line(
            name=f"R {title}",
            formula=_terms(returns),
            result=number(moved),
        )
        for title, returns, moved in (
            (titles.lead, market.lead_returns, lead),
            (titles.other, market.other_returns, other),
        )
    )
    if gap is not None:
        lines += (
            Line(
                name="sum",
                formula=f"Σ d, d = r {titles.lead} − r {titles.other}, {gap.count} pairs",
                result=number(gap.total),
            ),
            Line(name="mean", formula=f"{number(gap.total)} / {gap.count}", result=number(gap.mean)),
            Line(name="squares", formula="Σ (d − mean)²", result=number(gap.squares)),
            Line(name="std", formula=f"√({number(gap.squares)} / {gap.count - 1})", result=number(gap.std)),
        )
    if lead is not None and other is not None and gap is not None and apart is not None:
        top = f"({number(lead)} − {term(other)})"
        lines += (Line(name="D", formula=f"{top} / ({number(gap.std)} × √{MOVE})", result=number(apart)),)
    x = None if apart is None else sign_of(event.direction) * apart
    conclusions = check_levels(event, SignedStatistic(name=signed_name("D", event.direction), x=x))
    if lead is not None and other is not None and event.type in (Transition.OPEN, Transition.ESCALATED):
        conclusions += (_signs(lead, other),)
    words = "had no usual gap"
    if lead is not None and other is not None:
        moves = [format_log_return(each, 2) for each in (lead, other)]
        words = f"{titles.lead} had moved {moves[0]} and {titles.other} {moves[1]} over {MOVE} sessions"
    return Working(
        sentence=f"{when(event)} {words}; {what_became(event)}.",
        window=return_window(market, titles, GAP_WINDOW),
        lines=lines,
        conclusions=(*conclusions, *check_cooldown(material, market)),
    )


def _terms(returns: tuple[float, ...]) -> str:
    if len(returns) < MOVE:
        return f"needs {MOVE} returns"
    return " ".join(
        f"{'−' if value < 0 else '+'} {number(abs(value))}" for value in returns[-MOVE:]
    ).removeprefix("+ ")


def _signs(lead: float, other: float) -> Conclusion:
    are_opposite = lead * other < 0
    return Conclusion(
        text="the moves have opposite signs"
        if are_opposite
        else "the moves have the same sign: nothing opens",
        holds=are_opposite,
    )
