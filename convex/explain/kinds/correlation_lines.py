"""The lines from return pairs to a correlation, its effective size and its interval."""

import math

from convex.explain.arithmetic import Comovement
from convex.explain.material import Titles
from convex.explain.wording import number, term
from convex.explain.working import Line


def correlation_lines(together: Comovement, titles: Titles) -> tuple[Line, ...]:
    """Return the lines of Pearson's r over one window; ``a`` and ``b`` are returns minus their means."""
    size = together.a.count
    lines = (
        Line(
            name="Σ a²",
            formula=f"{titles.lead}'s {size} returns less their mean",
            result=number(together.a.squares),
        ),
        Line(
            name="Σ b²",
            formula=f"{titles.other}'s {size} returns less their mean",
            result=number(together.b.squares),
        ),
        Line(name="Σ a·b", formula="their products, session by session", result=number(together.products)),
    )
    found = together.correlation
    if found is None:
        return (*lines, Line(name=f"r{size}", formula="a leg that does not move", result="undefined"))
    root = f"√({number(together.a.squares)} × {number(together.b.squares)})"
    return (
        *lines,
        Line(name=f"r{size}", formula=f"{number(together.products)} / {root}", result=number(found.r)),
    )


def size_lines(together: Comovement) -> tuple[Line, ...]:
    """Return the lines of the effective size: the number of independent pairs with the same information."""
    found, size = together.correlation, together.a.count
    if found is None:
        return ()
    product = number(found.phi_a * found.phi_b)
    clipped = "" if found.worth == found.effective else f", within 4 and {size}"
    return (
        Line(
            name="φA × φB",
            formula=f"lag-1 autocorrelations {number(found.phi_a)} × {term(found.phi_b)}",
            result=product,
        ),
        Line(
            name=f"n_eff {size}",
            formula=f"{size} × (1 − φA·φB) / (1 + φA·φB){clipped}",
            result=number(found.effective),
        ),
    )


def interval_lines(together: Comovement) -> tuple[Line, ...]:
    """Return the lines of the 95 % interval on Fisher's scale."""
    found = together.correlation
    if found is None or abs(found.r) == 1:
        return ()
    margin = math.atanh(found.high) - math.atanh(found.r)
    centre, width = number(math.atanh(found.r)), number(margin)
    return (
        Line(name="centre", formula=f"atanh({number(found.r)})", result=centre),
        Line(name="margin", formula=f"1.959964 / √({number(found.effective)} − 3)", result=width),
        Line(name="lower end", formula=f"tanh({centre} − {width})", result=number(found.low)),
        Line(name="upper end", formula=f"tanh({centre} + {width})", result=number(found.high)),
    )
