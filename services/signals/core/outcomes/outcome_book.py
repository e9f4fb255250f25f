"""One pair's outcomes: the ledger, and its summary, which is computed only when it is asked for."""

from collections.abc import Callable
from dataclasses import replace

from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.outcomes.from_history import EvaluateClose, openings_until
from services.signals.core.outcomes.ledger import Ledger
from services.signals.core.outcomes.scoring import Opening
from services.signals.core.outcomes.summary import summarise
from services.signals.core.statistics.e_break import AgreementBand
from shared.domain.divergences import Direction, Kind
from shared.domain.sessions import SessionCalendar
from shared.domain.snapshots import OutcomeSummary

Align = Callable[[], AlignedSessions]


class OutcomeBook:
    """Keep a pair's ledger and summarise it.

    Filling the windows computes nothing here: of thousands of pairs, most are not asked for before the next
    session. Asking for the summary does not change the ledger: when someone asks is chance, and a checkpoint
    depends on the log alone.

    Parameters
    ----------
    make_evaluator
        Returns a new evaluator of closes; see `EvaluateClose`.
    band
        The pair's baseline; None for a pair that states none.
    """

    def __init__(
        self, make_evaluator: Callable[[], EvaluateClose], band: AgreementBand | None = None
    ) -> None:
        self._make_evaluator = make_evaluator
        self._band = band
        self._ledger = Ledger()
        self._summaries: tuple[OutcomeSummary, ...] | None = None
        # The pending openings, once they were found.
        self._found: tuple[Opening, ...] | None = None

    @property
    def ledger(self) -> Ledger:
        """The pair's openings: part of its checkpoint. Setting it drops the summary computed before."""
        return self._ledger

    @ledger.setter
    def ledger(self, ledger: Ledger) -> None:
        self._ledger, self._summaries = ledger, None

    def filled(self, session: str) -> None:
        """Record that the windows were filled for the first time: their openings are pending.

        Parameters
        ----------
        session
            Label of the newest aligned session, empty when there is none.
        """
        if session:
            self.ledger = replace(self._ledger, backfill_until=session)
            self._found = None

    def committed(self, align: Align) -> None:
        """Score the openings again after the closes have changed.

        Parameters
        ----------
        align
            Returns the aligned sessions of the windows; not called where there is nothing to score.
        """
        self._summaries = None
        if self._ledger.openings:
            self._ledger = self._ledger.rescored(align())

    def extended(self, align: Align) -> None:
        """Enter what is known of the openings after one more session, before which no close has changed.

        Parameters
        ----------
        align
            As for `committed`.
        """
        self._summaries = None
        self._ledger = self._ledger.extended(align)

    def forgot(self) -> None:
        """Drop the summary, because the windows have lost their oldest session: no score changes by that."""
        self._summaries = None

    def opened(self, kind: Kind, direction: Direction, *, session: str) -> None:
        """Record an opening.

        Parameters
        ----------
        session
            Label of the last session that had closed when the opening was reported. If it is empty, the legs
            have no session in common, and the opening is not scored.
        """
        if session:
            self.ledger = self._ledger.with_opening(kind, direction, session=session)

    def undo_after(self, at_ns: int, calendar: SessionCalendar) -> None:
        """Forget openings at closes that have not come, because event time was too far."""
        ordinal = calendar.last_closed_before(at_ns + 1)
        until = calendar.labels[ordinal] if ordinal >= 0 else ""
        openings = self._ledger.openings
        if openings and openings[-1].session > until:
            known = tuple(each for each in openings if each.session <= until)
            self.ledger = replace(self._ledger, openings=known)

    @property
    def is_backfill_pending(self) -> bool:
        """Return whether the openings of a filled history are still to be found."""
        return self._ledger.backfill_until is not None

    def backfill(self, align: Align) -> None:
        """Enter the pending openings now, before a bar changes the history that they are found in.

        Parameters
        ----------
        align
            Returns the aligned sessions of the windows; not called where nothing is pending.
        """
        if self.is_backfill_pending:
            aligned = align()
            self.ledger = self._settled(aligned).rescored(aligned)

    def summaries(self, align: Align) -> tuple[OutcomeSummary, ...]:
        """Return what followed past openings, as of the newest aligned session.

        As long as nothing has changed, the same tuple object is returned.

        Parameters
        ----------
        align
            Returns the aligned sessions of the windows; not called while nothing has changed.
        """
        if self._summaries is None:
            aligned = align()
            ledger = self._settled(aligned).rescored(aligned)
            self._summaries = summarise(ledger.openings, aligned)
        return self._summaries

    def _settled(self, aligned: AlignedSessions) -> Ledger:
        """Return the ledger with the openings that are pending."""
        until = self._ledger.backfill_until
        if until is None:
            return self._ledger
        if self._found is None:
            self._found = openings_until(until, aligned, self._make_evaluator, self._band)
        return self._ledger.with_history(self._found)
