"""Whether two correlations differ by more than chance explains."""

import math

from services.signals.core.statistics.correlation import CorrelationEstimate, is_perfect


def fisher_z(recent: CorrelationEstimate | None, usual: CorrelationEstimate | None) -> float | None:
    """Test the difference of two correlations on Fisher's z scale.

    ``(atanh r1 - atanh r2) / sqrt(1 / (n1 - 3) + 1 / (n2 - 3))`` with each one's effective size. The
    recent window lies inside the usual one, so the two are not independent, as the test supposes: it errs
    on the quiet side.

    Parameters
    ----------
    recent, usual
        Of a short and of a long window that end with the same session; None where undefined.

    Returns
    -------
    float or None
        In standard normal deviations; positive: the legs move more alike than they used to. None
        without one of the correlations, or when one is ±1 to 14 digits: Fisher's scale ends there.

    References
    ----------
    Fisher (1921), "On the probable error of a coefficient of correlation deduced from a small sample",
    Metron 1, 3-32; effective sizes as in `effective_size`.

    Examples
    --------
    >>> from services.signals.core.statistics.correlation import Interval
    >>> def estimate(correlation, size):
    ...     whole = Interval(low=-1.0, high=1.0)
    ...     return CorrelationEstimate(correlation=correlation, effective_size=size, interval=whole)
    >>> round(fisher_z(estimate(0.5, 20.0), estimate(-0.1, 252.0)), 4)
    2.5915

    The same difference says nothing when the recent pairs hang together:

    >>> round(fisher_z(estimate(0.5, 4.0), estimate(-0.1, 252.0)), 4)
    0.6483
    >>> fisher_z(estimate(1.0, 20.0), estimate(-0.1, 252.0)) is None
    True
    """
    if recent is None or usual is None or is_perfect(recent.correlation) or is_perfect(usual.correlation):
        return None
    difference = math.atanh(recent.correlation) - math.atanh(usual.correlation)
    return difference / math.sqrt(1.0 / (recent.effective_size - 3.0) + 1.0 / (usual.effective_size - 3.0))
