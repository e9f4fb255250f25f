"""The openings that a filled history would have had if the pair had been watched during it.

The state machine that decides live closes decides these, too; only the statistics are computed for all
sessions at once. Early warnings cannot be found from closes, so every opening found here is one by a close.
"""

from collections.abc import Callable, Iterable

from services.signals.core.confirmed import Values
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.legs.history import day_of
from services.signals.core.outcomes.history_statistics import statistics_of_history
from services.signals.core.outcomes.scoring import Opening
from services.signals.core.statistics.e_break import AgreementBand
from shared.domain.divergences import Direction, Kind

EvaluateClose = Callable[[str, Values], Iterable[tuple[Kind, Direction]]]
"""Evaluates one session after all those before it: takes its label and statistics, returns what opened."""


def openings_of_history(
    aligned: AlignedSessions, evaluate: EvaluateClose, band: AgreementBand | None = None
) -> tuple[Opening, ...]:
    """Find the openings that closes would have made.

    Parameters
    ----------
    aligned
        The filled history.
    evaluate
        A new evaluator, used for this history only; called once for each session, oldest first.
    band
        The pair's baseline; None for a pair that states none.

    Examples
    --------
    An evaluator that opens whenever the ratio is two standard deviations above its mean:

    >>> import numpy as np
    >>> ratio = np.append(np.tile([0.0, 1.0], 45), 3.0)
    >>> days = np.arange(91, dtype=np.int32) + 737_500
    >>> aligned = AlignedSessions(days=days, lead=np.exp(ratio), other=np.ones(91), log_ratio=ratio,
    ...                           lead_returns=np.diff(ratio), other_returns=np.zeros(90))
    >>> def evaluate(session, values):
    ...     return [(Kind.RATIO_STRETCH, Direction.RISK_OFF)] if (values["z_90"] or 0.0) >= 2.0 else []
    >>> [opening.session for opening in openings_of_history(aligned, evaluate)]
    ['2020-06-14']
    """
    return tuple(
        Opening(kind=kind, direction=direction, session=session)
        for session, values in zip(aligned.sessions, statistics_of_history(aligned, band), strict=True)
        for kind, direction in evaluate(session, values)
    )


def openings_until(
    session: str,
    aligned: AlignedSessions,
    make_evaluator: Callable[[], EvaluateClose],
    band: AgreementBand | None = None,
) -> tuple[Opening, ...]:
    """Return the openings of the filled history.

    Parameters
    ----------
    session
        Its newest session.
    aligned
        The sessions of the windows. The oldest must still be the oldest of the filled history.
    make_evaluator
        Returns a new evaluator.
    band
        The pair's baseline; None for a pair that states none.
    """
    count = int(aligned.days.searchsorted(day_of(session), side="right"))
    history = aligned.until(count, limit=count)
    return openings_of_history(history, make_evaluator(), band)
