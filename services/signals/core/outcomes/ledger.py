"""Which divergences have opened, and what followed them.

What followed an opening depends on the aligned closes alone. It is computed again from the windows as long as
they reach back to the opening's session, so a corrected bar also corrects the outcomes computed from it. When
the windows no longer reach back, the last result is kept.

=================================== ===============================================================
what happens                        change of the ledger
=================================== ===============================================================
the windows are filled at start     the openings up to their newest session are pending
a bar changes the history           pending openings are found from the closes, and entered first
a divergence opens                  it is entered, once, with the last session that had closed
a session commits                   the returns that were not known yet are entered
a known session changes             the openings that the windows reach are scored again
there are more than 512 openings    the oldest are forgotten
=================================== ===============================================================

The session of an opening by a close is the session of that close; its outcome starts at the next one. That of
an early warning is the last session that had closed before it, so its outcome starts at the close of the day.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from services.signals.core.kinds.registry import CLAIMS
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.outcomes.scoring import HORIZONS, Opening, rescored
from shared.domain.divergences import Direction, Kind

# Eight years of a pair that opens often. Each session writes a checkpoint with them, so it must stay small.
MOST_OPENINGS: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The openings of one pair: part of its checkpoint.

    Parameters
    ----------
    openings
        At most `MOST_OPENINGS`, ascending by session.
    backfill_until
        Session up to which the filled history must still be searched for openings; None when that is done.

    Examples
    --------
    >>> ledger = Ledger().with_opening(Kind.HEDGE_LOST, Direction.RISK_OFF, session="2020-03-18")
    >>> len(ledger.openings)
    1
    >>> ledger.with_opening(Kind.HEDGE_LOST, Direction.RISK_OFF, session="2020-03-18") is ledger
    True
    """

    openings: tuple[Opening, ...] = ()
    backfill_until: str | None = None

    def with_opening(self, kind: Kind, direction: Direction, *, session: str) -> "Ledger":
        """Return the ledger with one more opening; one without a claim is not entered.

        Parameters
        ----------
        session
            Label of the last session that had closed when the opening was reported.
        """
        return self._with((Opening(kind=kind, direction=direction, session=session),))

    def with_history(self, openings: tuple[Opening, ...]) -> "Ledger":
        """Return the ledger with the openings of the filled history."""
        return replace(self._with(openings), backfill_until=None)

    def rescored(self, aligned: AlignedSessions) -> "Ledger":
        """Return the ledger with every opening scored again from the windows."""
        return replace(self, openings=rescored(self.openings, aligned)) if self.openings else self

    def extended(self, align: Callable[[], AlignedSessions]) -> "Ledger":
        """Return the ledger after one more session, which changes no score that is known.

        Parameters
        ----------
        align
            Returns the aligned sessions; not called where no score is missing.
        """
        places = [at for at, each in enumerate(self.openings) if len(each.scores) < len(HORIZONS)]
        if not places:
            return self
        openings = list(self.openings)
        before = [openings[at] for at in places]
        after = rescored(before, align())
        if list(after) == before:
            return self
        for at, opening in zip(places, after, strict=True):
            openings[at] = opening
        return replace(self, openings=tuple(openings))

    def _with(self, openings: tuple[Opening, ...]) -> "Ledger":
        known = set(map(_identity, self.openings))
        new = [
            each
            for each in openings
            if _identity(each) not in known and (each.kind, each.direction) in CLAIMS
        ]
        if not new:
            return self
        # The sort is stable: openings of one session stay in the order in which they were entered.
        entered = sorted((*self.openings, *new), key=lambda opening: opening.session)
        return replace(self, openings=tuple(entered[-MOST_OPENINGS:]))


def _identity(opening: Opening) -> tuple[Kind, Direction, str]:
    return opening.kind, opening.direction, opening.session
