"""The steps from return pairs to a correlation, its effective size and its interval."""

import math

from convex.explain.arithmetic import Comovement
from convex.explain.material import Titles
from convex.explain.wording import number, term
from convex.explain.working import Step


def correlation_steps(together: Comovement, titles: Titles) -> tuple[Step, ...]:
    """Return the steps of Pearson's r over one window; ``a`` and ``b`` are returns less their means."""
    size = together.a.count
    steps = (
        Step(
            name="Σ a²",
            formula=f"{titles.lead}'s {size} returns less their mean",
            result=number(together.a.squares),
        ),
        Step(
            name="Σ b²",
            formula=f"{titles.other}'s {size} returns less their mean",
            result=number(together.b.squares),
        ),
        Step(name="Σ a·b", formula="their products, session by session", result=number(together.products)),
    )
    found = together.correlation
    if found is None:
        return (*steps, Step(name=f"r{size}", formula="a leg that does not move", result="undefined"))
    root = f"√({number(together.a.squares)} × {number(together.b.squares)})"
    return (
        *steps,
        Step(name=f"r{size}", formula=f"{number(together.products)} / {root}", result=number(found.r)),
    )


def size_steps(together: Comovement) -> tuple[Step, ...]:
    """Return the steps of the effective size: how many independent pairs the window is worth."""
    found, size = together.correlation, together.a.count
    if found is None:
        return ()
    product = number(found.phi_a * found.phi_b)
    clipped = "" if found.worth == found.effective else f", within 4 and {size}"
    return (
        Step(
            name="φA × φB",
            formula=f"lag-1 autocorrelations {number(found.phi_a)} × {term(found.phi_b)}",
            result=product,
        ),
        Step(
            name=f"n_eff {size}",
            formula=f"{size} × (1 − φA·φB) / (1 + φA·φB){clipped}",
            result=number(found.effective),
        ),
    )


def interval_steps(together: Comovement) -> tuple[Step, ...]:
    """Return the steps of the 95 % interval on Fisher's scale."""
    found = together.correlation
    if found is None or abs(found.r) == 1:
        return ()
    margin = math.atanh(found.high) - math.atanh(found.r)
    centre, width = number(math.atanh(found.r)), number(margin)
    return (
        Step(name="centre", formula=f"atanh({number(found.r)})", result=centre),
        Step(name="margin", formula=f"1.959964 / √({number(found.effective)} − 3)", result=width),
        Step(name="lower end", formula=f"tanh({centre} − {width})", result=number(found.low)),
        Step(name="upper end", formula=f"tanh({centre} + {width})", result=number(found.high)),
    )
