"""The prices of a file as numbers."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from shared.domain.bars import LEAST_PRICE, MOST_PRICE
from shared.files.daily.numbers import decimal_mark, price_in
from shared.files.daily.problems import Problem
from shared.files.input_file import bad_file

_PLAIN: Final = re.compile(r"[0-9.]*")
_THOUSANDS: Final = re.compile(r"[0-9]{1,3}\.[0-9]{3}")
_MOST_SHOWN: Final = 40
# Of prices none is negative, of returns almost half are.
_MANY_NEGATIVE: Final = 0.1
_ENOUGH_ROWS: Final = 10


def file_decimal_mark(
    path: Path,
    columns: Sequence[Sequence[str]],
    lines: Sequence[int],
    *,
    field: str,
    default: str | None,
    delimiter: str,
) -> str:
    """Return the decimal mark of a file.

    Where semicolons separate the cells, the comma is often the decimal mark, so 1.304 may be a thousand.

    Raises
    ------
    ConfigError
        If its prices may be read with either, and the person has not said which.
    """
    if default is None and delimiter == ";" and columns[0] and _may_be_thousands(columns):
        raise bad_file(
            path,
            f"the point of {columns[0][0].strip()[:_MOST_SHOWN]!r} may be the decimal one or separate "
            "thousands, and no row shows which; say --decimal point or --decimal comma",
            row=lines[0],
            field=field,
        )
    mark = decimal_mark((text for column in columns for text in column), default=default)
    if mark is not None:
        return mark
    column, index = next(
        (column, index) for column in columns for index, text in enumerate(column) if "," in text
    )
    raise bad_file(
        path,
        f"the comma of {column[index][:_MOST_SHOWN]!r} may be the decimal one or separate thousands, and "
        "no row shows which; say --decimal comma or --decimal point",
        row=lines[index],
        field=field,
    )


def _may_be_thousands(columns: Sequence[Sequence[str]]) -> bool:
    return all(_THOUSANDS.fullmatch(text.strip()) for column in columns for text in column)


def read_prices(
    texts: Sequence[str], lines: Sequence[int], *, field: str, mark: str, missing: frozenset[str]
) -> tuple[list[float], list[Problem]]:
    """Return the price of each row, 0.0 where it has none, and what is wrong with rows.

    A cell that says that there is no price is no problem.
    """
    plain = _plain_prices(texts) if mark == "." else None
    if plain is not None:
        return plain, []
    prices: list[float] = []
    problems: list[Problem] = []
    values: list[float | None] = []
    for text, line in zip(texts, lines, strict=True):
        value = price_in(text, mark)
        values.append(value)
        if value is not None and LEAST_PRICE <= value <= MOST_PRICE:
            prices.append(value)
            continue
        prices.append(0.0)
        if text.strip().lower() not in missing:
            problems.append(
                Problem(line=line, reason="bad_price", field=field, text=_described(text.strip(" \t"), value))
            )
    negative = sum(value is not None and value < 0 for value in values)
    if len(values) >= _ENOUGH_ROWS and negative > _MANY_NEGATIVE * len(values):
        line = next(
            line for value, line in zip(values, lines, strict=True) if value is not None and value < 0
        )
        text = "many numbers are negative, so these are returns or changes; name the column of prices close"
        problems.append(Problem(line=line, reason="", field=field, text=text))
    return prices, problems


def _plain_prices(texts: Sequence[str]) -> list[float] | None:
    """Return the prices if all are digits and a point; most files have no others, and need no more."""
    if not _PLAIN.fullmatch("".join(texts)):
        return None
    try:
        prices = list(map(float, texts))
    except ValueError:
        return None
    return prices if prices and min(prices) >= LEAST_PRICE and max(prices) <= MOST_PRICE else None


def _described(text: str, value: float | None) -> str:
    if text.endswith("%"):
        return f"must be a price, was the percentage {text[:_MOST_SHOWN]!r}; name the column of prices close"
    if value is None or value <= 0:
        return f"must be a positive number, was {text[:_MOST_SHOWN]!r}"
    return f"must lie between {LEAST_PRICE:g} and {MOST_PRICE:g}, was {text[:_MOST_SHOWN]!r}"
