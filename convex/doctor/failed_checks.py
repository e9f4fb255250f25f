"""A check that fails in a way nobody expected is a finding as well: the other checks go on."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from convex.doctor.finding import Finding, failed
from shared.logs import redact_text

T = TypeVar("T")
_REMEDY: Final = "correct what it names, if it is a setting; otherwise report it"
_LONGEST: Final = 300


async def found(
    check: str, asked: Awaitable[T], *, redact: Callable[[str], str] = redact_text
) -> T | Finding:
    """Return what a check found; a finding that it failed, with its words, whatever it raised.

    Parameters
    ----------
    redact
        Removes what must stay secret from the words.
    """
    try:
        return await asked
    except Exception as error:
        return _failed(check, error, redact)


def found_at_once(check: str, ask: Callable[[], Finding]) -> Finding:
    """Return what a check found that waits for nothing, as `found` does."""
    try:
        return ask()
    except Exception as error:
        return _failed(check, error, redact_text)


def _failed(check: str, error: Exception, redact: Callable[[str], str]) -> Finding:
    words = " ".join(redact(str(error)).split())[:_LONGEST]
    return failed(check, f"the check failed with {type(error).__name__}: {words}", _REMEDY)
