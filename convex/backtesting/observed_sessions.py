"""The observed sessions: those in which divergences may open. Each share and each rate is counted over them.

============================== ===========================================================================
observed                       where
============================== ===========================================================================
by a kind                      the statistic that decides the kind has a value
by a set of rules              the statistic of any of its kinds has one
by no kind                     the session was only history: before ``--start``, or before the first tick;
                               or no window is full yet, or the session's data were at fault
============================== ===========================================================================

Data faults have no statistic. They open in other sessions, too, and count for nothing here.
"""

from collections.abc import Collection, Iterable

from services.signals.core.confirmed import Values
from shared.domain.divergences import Kind
from shared.domain.kinds import KIND_TRAITS


def may_open(kinds: Iterable[Kind], values: Values) -> bool:
    """Return whether any of some kinds may open by the statistics of a session.

    Examples
    --------
    >>> values = {"z_90": 0.4, "fisher_z": None}
    >>> may_open([Kind.RATIO_STRETCH], values), may_open([Kind.CORRELATION_BREAK], values)
    (True, False)
    >>> may_open([Kind.DATA_FAULT], values), may_open(Kind, {})
    (False, False)
    """
    statistics = (KIND_TRAITS[kind].statistic for kind in kinds)
    return any(name is not None and values.get(name) is not None for name in statistics)


def observed_positions(kinds: Collection[Kind], sessions: Iterable[Values]) -> frozenset[int]:
    """Return the positions of the sessions in which any of some kinds may open.

    Parameters
    ----------
    sessions
        The statistics that decided in each, in order; empty for a session that was only history.
    """
    return frozenset(at for at, values in enumerate(sessions) if may_open(kinds, values))
