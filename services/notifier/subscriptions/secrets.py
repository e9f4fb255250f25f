"""Read what must not be in the subscriptions file: from the environment, or from files beside it.

Errors show only what looks like a name: anything else may be the secret itself, entered by mistake.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")
# The names of one or of several secrets: the old and the new one are given while a secret rotates.
Names = str | tuple[str, ...]

_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]*")
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{16,512}")
_TEXT: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,4096}")


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where secrets are: the process's environment, and the folder of the subscriptions file."""

    environ: Mapping[str, str]
    folder: Path

    def variable(self, field: str, name: str) -> str:
        """Return what an environment variable holds.

        Raises
        ------
        ValueError
            If the name is none, or the variable is not set; the message names the field.
        """
        if not _VARIABLE.fullmatch(name):
            raise ValueError(
                f"{field}: must be the name of an environment variable (A-Z, 0-9 and _) that holds the "
                "secret, not the secret itself"
            )
        if name.startswith("CONVEX_"):
            raise ValueError(
                f"{field}: {name}: names that begin with CONVEX_ are settings; choose another name"
            )
        if name not in self.environ:
            raise ValueError(f"{field}: {name} is not set; export it before you start the notifier")
        return self.environ[name].strip()

    def lines(self, field: str, name: str) -> list[str]:
        """Return the secrets in a file, one a line.

        Raises
        ------
        ValueError
            If the file cannot be read; the message names the field.
        """
        try:
            return (self.folder / name).read_text(encoding="utf-8").split()
        except OSError as error:
            raise ValueError(
                f"{field}: must be the name of a readable file ({error.strerror}), not the secret itself"
            ) from None
        except ValueError:
            raise ValueError(f"{field}: must be the name of a file of UTF-8 text") from None

    def read(self, field: str, parse: Callable[[str], T], *, variables: Names, files: Names) -> tuple[T, ...]:
        """Return the secrets of a field, parsed.

        Parameters
        ----------
        field
            Its name in the table, without ``_env`` and ``_file``.
        parse
            Raises ValueError if a text is no such secret, with a message that does not show it.
        variables, files
            What the table names.

        Raises
        ------
        ValueError
            If one cannot be read or parsed; the message names the field and the variable or file.
        """
        read = [
            (f"{field}_env: {name}", self.variable(f"{field}_env", name)) for name in _as_tuple(variables)
        ]
        for name in _as_tuple(files):
            read += [(f"{field}_file: {name}", line) for line in self.lines(f"{field}_file", name)]
        parsed = []
        for source, secret in read:
            try:
                parsed.append(parse(secret))
            except ValueError as error:
                raise ValueError(f"{source}: {error}") from None
        return tuple(parsed)


def parse_token(text: str) -> str:
    """Return a bearer token.

    Raises
    ------
    ValueError
        If it is not 16 to 512 characters of a bearer token; the message does not show it.
    """
    if not _TOKEN.fullmatch(text):
        raise ValueError("a token has 16 to 512 of A-Z a-z 0-9 . _ ~ + / = -")
    return text


def parse_text(text: str) -> str:
    """Return a secret of any form.

    Raises
    ------
    ValueError
        If it is empty, longer than 4,096 characters or has control characters; the message does not show it.
    """
    if not _TEXT.fullmatch(text):
        raise ValueError("must be 1 to 4096 printable characters")
    return text


def _as_tuple(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names
