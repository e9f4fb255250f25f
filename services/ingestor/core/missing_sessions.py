"""Which sessions a pull should have brought and did not, and when to ask for them again.

============================ ====================================================================
asked in vain                asked again
============================ ====================================================================
less than `AskAgain.tries`   after `first_seconds`, doubled each time, at most `longest_seconds`
more often, a recent session once each `hourly_seconds`
more often, an older one     with the next full pull
============================ ====================================================================

With the defaults that is an hour and ten requests; from then on the session counts as given up and is
reported. A session on which the exchange turned out to be closed costs some thirty requests in twenty hours.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AskAgain:
    """How soon and how often to ask; times in seconds."""

    first_seconds: float = 5.0
    longest_seconds: float = 900.0
    tries: int = 10
    hourly_seconds: float = 3_600.0


class MissingSessions:
    """The sessions that the last pulls should have brought.

    Examples
    --------
    >>> missing = MissingSessions()
    >>> waits = []
    >>> for _ in range(11):
    ...     missing.after_pull(["2025-11-25", "2025-11-26"], {"2025-11-25"}, recent={"2025-11-26"})
    ...     waits.append(missing.wait_seconds())
    >>> waits
    [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 900.0, 900.0, 3600.0]
    >>> missing.given_up()
    ('2025-11-26',)
    """

    def __init__(self, ask_again: AskAgain = AskAgain()) -> None:
        self._ask_again = ask_again
        self._tries: dict[str, int] = {}
        self._recent: frozenset[str] = frozenset()

    def after_pull(
        self, expected: Sequence[str], complete: Collection[str], *, recent: Collection[str]
    ) -> None:
        """Note what a pull brought.

        Parameters
        ----------
        expected
            The sessions that were asked for and whose bars are final by now.
        complete
            Those of them that nothing has to be asked about any more.
        recent
            The last sessions, which matter most.
        """
        self._recent = frozenset(recent)
        for session in expected:
            if session in complete:
                self._tries.pop(session, None)
            else:
                self._tries[session] = self._tries.get(session, 0) + 1

    def to_ask(self) -> tuple[str, ...]:
        """Return the sessions to ask for again before the next full pull, ascending."""
        return tuple(
            sorted(
                session
                for session, tries in self._tries.items()
                if tries <= self._ask_again.tries or session in self._recent
            )
        )

    def given_up(self) -> tuple[str, ...]:
        """Return the sessions that were asked for in vain often enough to report them, ascending."""
        return tuple(sorted(each for each, tries in self._tries.items() if tries > self._ask_again.tries))

    def wait_seconds(self) -> float | None:
        """Return how long to wait before asking again; None if there is nothing to ask for."""
        return min((self._wait(self._tries[session]) for session in self.to_ask()), default=None)

    def _wait(self, tries: int) -> float:
        if tries > self._ask_again.tries:
            return self._ask_again.hourly_seconds
        return min(self._ask_again.longest_seconds, self._ask_again.first_seconds * 2.0 ** (tries - 1))
