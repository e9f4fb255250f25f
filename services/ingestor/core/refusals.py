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
throttled, too many    `Patience.cool_down_seconds`,        never
connections, other     doubled each time up to
                       `Patience.longest_cool_down_seconds`
====================== ==================================== ====================================

No wait is shorter than what the provider asks for. A REFUSED feed is asked once each
`Patience.ask_again_seconds`; the first success ends it. A throttled or failed request in between says nothing
about the key, so the count goes on. Cool-downs grow until a success has lasted: some providers first accept a
connection too many, and then end it.
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
# Beyond 2**16 every wait has reached its longest.
_MAX_EXPONENT: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How much evidence makes a refusal final, and how long to wait; times in seconds.

    Parameters
    ----------
    refusals, over_seconds
        So many refusals of one kind in a row, the last so long after the first.
    ask_again_seconds
        Between two requests once refused: whatever was wrong may have been mended.
    cool_down_seconds, longest_cool_down_seconds
        After a throttled request, a connection too many, or a refusal without a known reason.
    blocked_seconds
        After the first answer that blocks us; bans last from two minutes to three days.
    """

    refusals: int = 5
    over_seconds: float = 600.0
    ask_again_seconds: float = 3_600.0
    cool_down_seconds: float = 60.0
    longest_cool_down_seconds: float = 900.0
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
        self._cool_downs = 0
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

    def on_success(self, *, has_lasted: bool = True) -> bool:
        """Forget the refusals; return whether it had counted as refused.

        Parameters
        ----------
        has_lasted
            False for a connection that is accepted and not yet stable: cool-downs go on growing.
        """
        was_refused = self._is_refused
        self._kind, self._count, self._is_refused = None, 0, False
        if has_lasted:
            self._cool_downs, self._words = 0, ""
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
        if kind in _CAN_BE_FINAL:
            self._count_one(kind, now)
            if kind is Refusal.BLOCKED:
                wait = max(wait, self._doubled(self._patience.blocked_seconds, self._count))
        else:
            self._cool_downs += 1
            doubled = self._doubled(self._patience.cool_down_seconds, self._cool_downs)
            wait = max(wait, min(doubled, self._patience.longest_cool_down_seconds))
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

    def _doubled(self, first_seconds: float, count: int) -> float:
        doubled = first_seconds * 2.0 ** min(count - 1, _MAX_EXPONENT)
        return min(doubled, self._patience.ask_again_seconds)


def refusal_of_status(status: int, *, is_web_page: bool, has_key: bool) -> Refusal | None:
    """Return what an HTTP status that opens no stream is evidence of; None: of nothing, ask again.

    Parameters
    ----------
    is_web_page
        The answer is HTML: it comes from something before the provider, which knows neither our key nor the
        provider's symbols.
    has_key
        A key was sent with the request; without one, it is us that are refused and no key.

    Examples
    --------
    >>> refusal_of_status(403, is_web_page=False, has_key=True)
    <Refusal.ACCESS: 'access'>
    >>> refusal_of_status(403, is_web_page=True, has_key=True)
    <Refusal.OTHER: 'other'>
    >>> refusal_of_status(503, is_web_page=False, has_key=True) is None
    True
    """
    match status:
        case 401 | 402 | 403 | 407:
            if is_web_page:
                return Refusal.OTHER
            return Refusal.ACCESS if has_key else Refusal.BLOCKED
        case 400 | 404 | 410 | 422:
            return Refusal.OTHER if is_web_page else Refusal.UNKNOWN_SYMBOL
        case 418 | 451:
            return Refusal.BLOCKED
        case 429:
            return Refusal.THROTTLED
        case 408 | 425:
            return None
        case _:
            return Refusal.OTHER if 400 <= status < 500 else None
