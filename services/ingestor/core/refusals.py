"""When a provider's refusals count as final: by how many there were and over how long, never by one answer.

A login server that is down, a proxy or a firewall refuses a good key as a bad key is refused; only time
tells them apart.

====================== ==================================== ====================================
kind                   next request after, at least         becomes REFUSED
====================== ==================================== ====================================
access, unknown symbol the usual back-off                   after `Patience.refusals` in a row of
                                                            one kind over `Patience.over_seconds`
blocked                `Patience.blocked_seconds`, doubled  the same
                       each time
throttled, connections `Patience.cool_down_seconds`, or as  never
                       long as the provider asks
other                  the usual back-off                   never
====================== ==================================== ====================================

A REFUSED feed is asked once each `Patience.ask_again_seconds`; the first success ends it. A throttled or
failed request in between says nothing about the key, so the count goes on.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Refusal(StrEnum):
    """Why a provider refuses; whether it is final is decided by how often and how long, not by one answer."""

    ACCESS = "access"
    UNKNOWN_SYMBOL = "unknown_symbol"
    BLOCKED = "blocked"
    THROTTLED = "throttled"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    OTHER = "other"


_CAN_BE_FINAL: Final = frozenset({Refusal.ACCESS, Refusal.UNKNOWN_SYMBOL, Refusal.BLOCKED})
_COOLS_DOWN: Final = frozenset({Refusal.THROTTLED, Refusal.TOO_MANY_CONNECTIONS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How much evidence makes a refusal final, and how long to wait; times in seconds.

    Parameters
    ----------
    refusals, over_seconds
        So many refusals of one kind in a row, the last so long after the first.
    ask_again_seconds
        Between two requests once refused: whatever was wrong may have been mended.
    cool_down_seconds
        After a throttled request or a connection too many.
    blocked_seconds
        After the first answer that blocks us; bans last from two minutes to three days.
    """

    refusals: int = 5
    over_seconds: float = 600.0
    ask_again_seconds: float = 3_600.0
    cool_down_seconds: float = 60.0
    blocked_seconds: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalVerdict:
    """What follows from a refusal.

    Parameters
    ----------
    at_least_seconds
        How long to wait before the next request, at least; the usual back-off may be longer.
    is_refused
        The evidence suffices: the feed is REFUSED.
    is_news
        It has become so with this refusal: say it once.
    """

    at_least_seconds: float
    is_refused: bool
    is_news: bool


class RefusalRecord:
    """The refusals of one feed since its last success; instants are seconds on a monotonic clock.

    Examples
    --------
    >>> record = RefusalRecord()
    >>> [record.on_refusal(Refusal.ACCESS, words="Invalid Crumb", now=150.0 * n).is_refused for n in range(5)]
    [False, False, False, False, True]
    >>> record.words, record.at_least_seconds
    ('Invalid Crumb', 3600.0)
    >>> record.on_success(), record.is_refused
    (True, False)
    """

    def __init__(self, patience: Patience = Patience()) -> None:
        self._patience = patience
        self._kind: Refusal | None = None
        self._count = 0
        self._first_at = 0.0
        self._is_refused = False
        self._words = ""

    @property
    def is_refused(self) -> bool:
        """Return whether the provider counts as refusing for good."""
        return self._is_refused

    @property
    def words(self) -> str:
        """Return the provider's own words of the last refusal; empty if there was none since a success."""
        return self._words

    @property
    def at_least_seconds(self) -> float:
        """Return how long to wait after any failed request, at least: an hour once refused."""
        return self._patience.ask_again_seconds if self._is_refused else 0.0

    def on_success(self) -> bool:
        """Forget all refusals; return whether it had counted as refused."""
        was_refused = self._is_refused
        self._kind, self._count, self._is_refused, self._words = None, 0, False, ""
        return was_refused

    def on_refusal(
        self, kind: Refusal, *, words: str, now: float, retry_after_seconds: float | None = None
    ) -> RefusalVerdict:
        """Note a refusal and return what follows from it.

        Parameters
        ----------
        words
            The provider's own, without any key.
        retry_after_seconds
            How long the provider asks to wait.
        """
        self._words = words
        wait = retry_after_seconds or 0.0
        was_refused = self._is_refused
        if kind in _COOLS_DOWN:
            wait = max(wait, self._patience.cool_down_seconds)
        elif kind in _CAN_BE_FINAL:
            self._count_one(kind, now)
            if kind is Refusal.BLOCKED:
                doubled = self._patience.blocked_seconds * 2.0 ** min(self._count - 1, 16)
                wait = max(wait, min(doubled, self._patience.ask_again_seconds))
        return RefusalVerdict(
            at_least_seconds=max(wait, self.at_least_seconds),
            is_refused=self._is_refused,
            is_news=self._is_refused and not was_refused,
        )

    def _count_one(self, kind: Refusal, now: float) -> None:
        if kind is not self._kind and not self._is_refused:
            self._kind, self._count, self._first_at = kind, 0, now
        self._count += 1
        self._is_refused = self._is_refused or (
            self._count >= self._patience.refusals and now - self._first_at >= self._patience.over_seconds
        )
