"""The stationary bootstrap: which rows of a history make up a synthetic one."""

import numpy as np
from numpy.typing import NDArray


def stationary_rows(
    generator: np.random.Generator, *, source: int, size: int, mean_block: float
) -> NDArray[np.intp]:
    """Draw the rows of one synthetic history: blocks from random places, of geometric lengths.

    The last row is followed by the first one, so rows near an end are drawn as often as others, and the
    synthetic history is stationary.

    Parameters
    ----------
    generator
        Source of random numbers; equal ones give equal rows.
    source
        Rows of the history to draw from, at least 1.
    size
        Rows to draw.
    mean_block
        Mean length of a block, at least 1: with 1 every row is drawn separately.

    Returns
    -------
    array
        Row numbers in ``[0, source)``, shape ``(size,)``.

    Raises
    ------
    ValueError
        If ``source`` or ``mean_block`` is less than 1.

    References
    ----------
    Politis and Romano (1994), "The stationary bootstrap", Journal of the American Statistical Association
    89(428), 1303-1313.

    Examples
    --------
    Inside a block rows follow each other, over the end of the source as well:

    >>> stationary_rows(np.random.default_rng(7), source=5, size=9, mean_block=4.0)
    array([0, 1, 2, 1, 2, 3, 3, 4, 0])
    """
    if source < 1 or mean_block < 1.0:
        raise ValueError(f"source and mean_block must be at least 1, were {source} and {mean_block}")
    begins = generator.random(size) < 1.0 / mean_block
    begins[:1] = True
    origins = generator.integers(source, size=size)
    at = np.arange(size)
    begun = np.maximum.accumulate(np.where(begins, at, 0))
    rows: NDArray[np.intp] = (origins[begun] + at - begun) % source
    return rows
