"""Prices as people write them: which mark is the decimal one, and what a cell is worth.

A cell shows its decimal mark if it has two kinds of marks (the last one), one mark several times (the
other one), or one that does not split the digits into thousands (``1726,72``). ``1,726`` shows nothing.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

# Python also reads 1_300 and digits of any script as numbers; in a file they are mistakes.
_DECIMAL: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_CURRENCY: Final = re.compile(r"^([+-]?)(?:US)?[$€£]\s?")
# Spaces of any width, and the apostrophe of Swiss files, only ever group digits.
_GROUP_MARKS: Final = re.compile(r"(?<=[0-9])[ '’\u00a0\u202f](?=[0-9]{3}(?![0-9]))")
_GROUPED: Final = {
    ",": re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?"),
    ".": re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]*)?"),
}


def shown_decimal_mark(text: str) -> str | None:
    """Return the decimal mark that a cell shows; None if it shows none.

    Examples
    --------
    >>> [shown_decimal_mark(text) for text in ("1,726.72", "1.726,72", "1726,72", "1,726", "1726")]
    ['.', ',', ',', None, None]
    """
    comma, point = text.rfind(","), text.rfind(".")
    if comma < 0 and point < 0:
        return None
    if comma >= 0 and point >= 0:
        return "." if point > comma else ","
    mark, other = (",", ".") if comma >= 0 else (".", ",")
    if text.count(mark) > 1:
        return other
    return None if _GROUPED[mark].fullmatch(text) else mark


def decimal_mark(texts: Iterable[str], *, default: str | None) -> str | None:
    """Return the decimal mark of a file's prices.

    Parameters
    ----------
    default
        The mark if no price shows it.

    Returns
    -------
    str or None
        None if only the person can say it: a price has a comma that may be either. Where prices disagree,
        the mark of most of them; `price_in` refuses the others.

    Examples
    --------
    >>> decimal_mark(["1,726", "1,726.72"], default=None), decimal_mark(["1,726"], default=None)
    ('.', None)
    >>> decimal_mark(["172.675"], default=None)
    '.'
    """
    texts = list(texts)
    has_comma = any("," in text for text in texts)
    if not has_comma and default != ",":
        return "."
    shown: Counter[str] = Counter()
    for text in texts:
        mark = shown_decimal_mark(_without_marks(text))
        if mark is not None:
            shown[mark] += 1
    if shown:
        return shown.most_common(1)[0][0]
    return default


def price_in(text: str, mark: str) -> float | None:
    """Return the number in a cell; None if it is none with this decimal mark.

    Examples
    --------
    >>> price_in("$1,726.72", "."), price_in("1.726,72", ","), price_in("1_726", ".")
    (1726.72, 1726.72, None)
    """
    text = text.strip(" \t")
    if mark == "." and _DECIMAL.fullmatch(text):
        return float(text)
    text = _without_marks(text)
    group = "." if mark == "," else ","
    if group in text:
        if not _GROUPED[group].fullmatch(text):
            return None
        text = text.replace(group, "")
    text = text.replace(mark, ".")
    return float(text) if _DECIMAL.fullmatch(text) else None


def _without_marks(text: str) -> str:
    return _GROUP_MARKS.sub("", _CURRENCY.sub(r"\1", text.strip(" \t\u00a0")))
