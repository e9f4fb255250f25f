"""What a file is that came instead of a table: a provider's error page, a note about limits, a workbook."""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    begins: re.Pattern[str]
    problem: str


def _content(begins: str, problem: str) -> _Content:
    return _Content(begins=re.compile(begins, re.IGNORECASE | re.DOTALL), problem=problem)


_CONTENTS: Final = (
    _content(r"%PDF-", "is a PDF; give the prices as CSV"),
    _content(
        # Such a note is short.
        r"(?=.{0,1900}$).*(thank you for using alpha vantage|api call frequency|api rate limit"
        r"|premium endpoint|exceeded the daily hits limit|too many requests|rate limit|quota exceeded)",
        "is a provider's note that its limit of requests is reached; wait, download it again",
    ),
    _content(
        r"<(!doctype html|html|head|body|script)\b",
        "is a web page, not CSV: the provider answered with a page for people; download the file again",
    ),
    _content(r"<\?xml", "is XML, not CSV; give the prices as CSV"),
    _content(
        r"\{|\[\s*[\[{\]\"]",
        "is JSON, not CSV: either an error of the provider or another format; ask it for CSV",
    ),
    _content(
        r"(no data|brak danych)\b", "says that its provider has no data; check the symbol and the dates"
    ),
)


def not_a_table(text: str) -> str | None:
    """Return what a file is, with the remedy, if its first characters show that it is no table.

    Examples
    --------
    >>> not_a_table("<!DOCTYPE html><html>")
    'is a web page, not CSV: the provider answered with a page for people; download the file again'
    >>> not_a_table("date,close") is None
    True
    """
    head = text[:2_000].lstrip("\ufeff \t\r\n")
    return next((each.problem for each in _CONTENTS if each.begins.match(head)), None)
