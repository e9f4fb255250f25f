"""What a check found: one line for a person, one object for a script."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    FAIL = "FAIL"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check's end.

    Parameters
    ----------
    check
        What was looked at.
    detail
        What was seen.
    remedy
        What to do about it; empty unless it failed.
    """

    check: str
    verdict: Verdict
    detail: str
    remedy: str = ""


def passed(check: str, detail: str) -> Finding:
    """Return that all is well."""
    return Finding(check=check, verdict=Verdict.OK, detail=detail)


def failed(check: str, detail: object, remedy: str) -> Finding:
    """Return that something is wrong, in one line, and what to do about it."""
    return Finding(check=check, verdict=Verdict.FAIL, detail=" ".join(str(detail).split()), remedy=remedy)


def skipped(check: str, why: str) -> Finding:
    """Return that there is nothing to check here."""
    return Finding(check=check, verdict=Verdict.SKIPPED, detail=why)
