"""What followed the openings of a comparison, each by itself and those of one place together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from convex.backtesting.outcomes import EveryBar, openings_among
from convex.what_if.comparison import Compared, Place
from services.signals.core.kinds.claim import Moves, hits
from services.signals.core.kinds.registry import CLAIMS
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.outcomes.scoring import HORIZONS, rescored
from services.signals.core.outcomes.summary import summarise
from shared.domain.divergences import DivergenceEvent
from shared.domain.sessions import SessionCalendar
from shared.domain.snapshots import OutcomeSummary

SHOWN: Final = (5, 20)
"""Sessions after which a hit is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOutcome:
    """What followed the openings that only one set of rules has, or has at another instant.

    Parameters
    ----------
    is_new
        Under the new rules; else under the present ones.
    """

    is_new: bool
    summary: OutcomeSummary


class Following:
    """What followed openings, over all bars of a log.

    Parameters
    ----------
    every_bar
        The bars of both legs.
    calendar
        XNYS sessions.
    """

    def __init__(self, every_bar: EveryBar, calendar: SessionCalendar) -> None:
        self._aligned: AlignedSessions = every_bar.aligned()
        self._calendar = calendar

    def hits(self, opened: DivergenceEvent) -> dict[int, bool | None]:
        """Return whether each horizon was a hit; None where it is not reached, or nothing is claimed."""
        found: dict[int, bool | None] = dict.fromkeys(SHOWN)
        for opening in rescored(openings_among([opened], calendar=self._calendar), self._aligned):
            claim = CLAIMS[opening.kind, opening.direction]
            for horizon, (lead, other) in zip(HORIZONS, opening.scores, strict=False):
                if horizon in found:
                    moves = Moves(lead=np.array([lead]), other=np.array([other]))
                    found[horizon] = bool(hits(claim, moves)[0])
        return found

    def of_differing(self, compared: Iterable[Compared]) -> list[PlaceOutcome]:
        """Return what followed the openings that differ, by rules, kind, direction and horizon."""
        differing = [each for each in compared if each.place is not Place.SAME]
        found = []
        for is_new in (False, True):
            episodes = [each.new if is_new else each.present for each in differing]
            events = [each.opened for each in episodes if each is not None]
            scored = rescored(openings_among(events, calendar=self._calendar), self._aligned)
            found += [
                PlaceOutcome(is_new=is_new, summary=summary)
                for summary in summarise(scored, self._aligned)
                if summary.horizon_sessions in SHOWN
            ]
        return found
