"""The distribution that a block bootstrap gives to a share, in closed form.

A bootstrap of whole episodes keeps what openings of one episode have in common. Drawn at random with
replacement, few episodes give an interval that is too short, and of width 0 where all were hits. This is the
Bayesian bootstrap instead: episode ``c`` with ``n_c`` openings and ``h_c`` hits gets the weight ``g_c``, an
exponential variable, and the share is ``sum(g_c h_c) / sum(g_c n_c)``. For a limit that is valid for few
episodes, **one more episode of the average size, without a hit, is added** for the lower end, and one with
hits only for the upper end.

For openings that do not overlap, the share then has a beta distribution, and its quantiles are the exact
limits of Clopper and Pearson. For other openings a beta distribution with the same mean and the same
variance, to first order in the weights, takes its place. So no random number is drawn, and the result is a
function of the openings alone.

References
----------
Rubin (1981), "The Bayesian bootstrap", The Annals of Statistics 9(1), 130-134. Clopper and Pearson (1934),
Biometrika 26(4), 404-413. Korn and Graubard (1998), Survey Methodology 24(2), 193-201: Clopper and Pearson's
limits with an effective number of observations.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_TINY = 1e-300


def lower_shapes(hits: Floats, sizes: Floats) -> tuple[Floats, Floats]:
    """Return the beta distribution of a share with one more episode that has no hit.

    Its quantiles are the lower ends of the share's intervals. The upper ends are 1 less those of the misses.

    Parameters
    ----------
    hits
        Hits of each episode, shape ``(..., m)``.
    sizes
        Openings of each episode, at least 1 each, shape ``(m,)``.

    Returns
    -------
    tuple
        The two shapes, shape ``(...)`` each. Both are 0 without a hit: then the lower end is 0.

    Examples
    --------
    Three hits of four openings that do not overlap: Clopper and Pearson's ``Beta(3, 2)``.

    >>> a, b = lower_shapes(np.array([1.0, 0.0, 1.0, 1.0]), np.ones(4))
    >>> round(float(a), 12), round(float(b), 12)
    (3.0, 2.0)

    Two episodes of two openings each, one with hits only and one without, are no more than two openings:

    >>> a, b = lower_shapes(np.array([2.0, 0.0]), np.array([2.0, 2.0]))
    >>> round(float(a), 12), round(float(b), 12)
    (1.0, 2.0)
    """
    episodes, count = len(sizes), sizes.sum()
    mean_size = count / episodes
    share = hits.sum(axis=-1) / (count + mean_size)
    distances = hits - share[..., np.newaxis] * sizes
    squares = (distances * distances).sum(axis=-1) + (share * mean_size) ** 2
    variance = squares / ((episodes + 1.0) * (episodes + 2.0) * mean_size**2)
    # Openings are never better than independent ones, whose shapes add up to one more than their number.
    total = np.clip(share * (1.0 - share) / np.maximum(variance, _TINY) - 1.0, 0.0, count + 1.0)
    return share * total, (1.0 - share) * total
