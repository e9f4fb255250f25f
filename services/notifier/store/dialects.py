"""What SQLite and PostgreSQL write differently.

Statements work on sets: many rows go to the database as one JSON parameter, and many rows come back as one
JSON text. SQLite's driver lets other threads run at every row that it steps over, and each time may wait
for its turn again; with one row for each direction it waits once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import TextClause, text

POSTGRESQL: Final = "postgresql"
SQLITE: Final = "sqlite"

# Both databases keep integers of 64 bits.
_SMALLEST: Final = -(2**63)
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Dialect:
    """The words of one database.

    Parameters
    ----------
    name
        ``sqlite`` or ``postgresql``.
    """

    name: str

    @property
    def is_sqlite(self) -> bool:
        """Return whether one file serves one notifier."""
        return self.name == SQLITE

    def statement(self, template: str, **parts: str) -> TextClause:
        """Return a statement in which each ``{word}`` is replaced by a part.

        ``{lock}`` and ``{lock_free}`` are always known: they end a query whose rows are changed next, by
        waiting for rows that another notifier holds or by leaving those out.
        """
        known = {"lock": "", "lock_free": ""} if self.is_sqlite else _LOCKS
        return text(template.format(**known, **parts))

    def rows(self, parameter: str = "rows", /, **types: str) -> str:
        """Return a relation made of a parameter that `encode_rows` wrote.

        Parameters
        ----------
        types
            Name and SQL type of each column, in the order of the row's fields.
        """
        if self.is_sqlite:
            columns = ", ".join(f"value ->> {place} AS {name}" for place, name in enumerate(types))
            return _SQLITE_ROWS.format(columns=columns, parameter=parameter)
        columns = ", ".join(
            f"CAST(value ->> {place} AS {kind}) AS {name}" for place, (name, kind) in enumerate(types.items())
        )
        return _POSTGRESQL_ROWS.format(columns=columns, parameter=parameter)

    def words(self, parameter: str) -> str:
        """Return the rows ``(word)`` of a parameter that `encode_words` wrote."""
        words = _SQLITE_ROWS if self.is_sqlite else _POSTGRESQL_WORDS
        return words.format(columns="value AS word", parameter=parameter)

    def collected(self, *columns: str) -> str:
        """Return the expression that collects rows into one text for `decode_rows`."""
        listed = ", ".join(columns)
        if self.is_sqlite:
            return f"json_group_array(json_array({listed}))"
        return f"CAST(coalesce(json_agg(json_build_array({listed})), '[]') AS text)"


_SQLITE_ROWS: Final = "(SELECT {columns} FROM json_each(:{parameter}))"
_POSTGRESQL_ROWS: Final = "(SELECT {columns} FROM json_array_elements(CAST(:{parameter} AS json)))"
_POSTGRESQL_WORDS: Final = "(SELECT {columns} FROM json_array_elements_text(CAST(:{parameter} AS json)))"
_LOCKS: Final = {"lock": "FOR UPDATE", "lock_free": "FOR UPDATE SKIP LOCKED"}


def encode_rows(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as a parameter for `Dialect.rows`.

    Raises
    ------
    TypeError
        If a text is not valid Unicode or an integer has more than 64 bits.
    """
    return orjson.dumps([*rows]).decode()


def encode_words(words: Iterable[str]) -> str:
    """Return texts as a parameter for `Dialect.words`."""
    return orjson.dumps([*words]).decode()


def decode_rows(collected: str) -> list[list[Any]]:
    """Return the rows of a text that `Dialect.collected` made."""
    rows: list[list[Any]] = orjson.loads(collected)
    return rows


def checked_integer(number: int) -> int:
    """Return an integer that both databases can keep.

    Raises
    ------
    OverflowError
        If it has more than 63 bits and a sign: SQLite would keep another number.
    """
    if not _SMALLEST <= number <= _LARGEST:
        raise OverflowError(f"an integer of the store has at most 64 bits, was {number}")
    return number
