"""The result of a check: one line for a person, one object for a script."""

from dataclasses import dataclass
from enum import StrEnum


class CheckVerdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    FAIL = "FAIL"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one check.

    Parameters
    ----------
    check
        What was checked.
    detail
        What was found.
    remedy
        What to do about it; empty unless it failed.
    """

    check: str
    verdict: CheckVerdict
    detail: str
    remedy: str = ""


def passed(check: str, detail: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(check=check, verdict=CheckVerdict.OK, detail=detail)


def failed(check: str, detail: object, remedy: str) -> Finding:
    """Return a finding that something is wrong, in one line, and what to do about it."""
    return Finding(
        check=check, verdict=CheckVerdict.FAIL, detail=" ".join(str(detail).split()), remedy=remedy
    )


def skipped(check: str, why: str) -> Finding:
    """Return a finding that there is nothing to check here."""
    return Finding(check=check, verdict=CheckVerdict.SKIPPED, detail=why)
