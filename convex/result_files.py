"""Result files: all of them are written whole, or none is.

Order of effects:

1. before the work every output is checked, and an empty file is created beside each place, which shows that
   the folder can be written,
2. after the work all contents are written, devices and pipes first: what cannot be undone must not fail after
   another file has appeared,
3. each file moves to its place.
"""

import os
import re
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from shared.errors import ConfigError

# The shell opened what these lead to, perhaps a file to append to: it must not be replaced.
_STREAM: Final = re.compile(r"/dev/(stdout|stderr|fd/\d+)|/proc/[^/]+/fd/\d+")


class Outputs:
    """Places for result files, to be entered before the work and written once after it.

    Symbolic links are written through. What exists and is no regular file, such as ``/dev/null``, a pipe or
    ``/dev/stdout``, is written directly.

    Parameters
    ----------
    paths
        Where to write.
    inputs
        What must not be written over.

    Raises
    ------
    ConfigError
        From the start: if two outputs are one file, an output is an input, a folder, or in a folder that does
        not exist or cannot be written. From `write`: if there is no room, or a reader has gone.
    """

    def __init__(self, paths: Iterable[Path], *, inputs: Iterable[Path]) -> None:
        self._paths = tuple(paths)
        _require_distinct(self._paths, tuple(inputs))
        self._targets = {path: _target(path) for path in self._paths}
        self._parts: dict[Path, Path] = {}

    def __enter__(self) -> Self:
        """Open a file beside the place of each output."""
        try:
            for path, target in self._targets.items():
                if target is not None:
                    self._parts[path] = _opened(path, target)
        except ConfigError:
            self._clean_up()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove what has not moved to its place."""
        self._clean_up()

    def write(self, contents: Sequence[bytes]) -> None:
        """Write the contents, one for each path."""
        given = sorted(
            zip(self._paths, contents, strict=True), key=lambda each: self._targets[each[0]] is not None
        )
        for path, content in given:
            _write(path, self._parts.get(path), content)
        for path, target in self._targets.items():
            if target is not None:
                try:
                    self._parts[path].replace(target)
                except OSError as error:
                    raise _unwritable(path, error) from error
                del self._parts[path]

    def _clean_up(self) -> None:
        for part in self._parts.values():
            with suppress(OSError):
                part.unlink()
        self._parts.clear()


def _require_distinct(outputs: tuple[Path, ...], inputs: tuple[Path, ...]) -> None:
    for number, path in enumerate(outputs):
        if _is_null(path):
            continue
        for other in outputs[:number]:
            if _is_same(path, other):
                raise ConfigError(f"{path}: is the same file as the output {other}; name another")
        for other in inputs:
            if _is_same(path, other):
                raise ConfigError(f"{path}: is the same file as the input {other}; name another")


def _is_null(path: Path) -> bool:
    with suppress(OSError):
        return path.samefile(os.devnull)
    return False


def _is_same(path: Path, other: Path) -> bool:
    with suppress(OSError):
        return path.samefile(other)
    return os.path.realpath(path) == os.path.realpath(other)


def _target(path: Path) -> Path | None:
    """Return the file to replace, or None for what is to be written directly."""
    try:
        if path.is_dir():
            raise ConfigError(f"{path}: is a folder; name a file")
        # A name that is too long, or links that go round, fail here and not after the work.
        is_special = path.exists() and not path.is_file()
        is_special = is_special or _STREAM.fullmatch(os.path.abspath(path)) is not None  # noqa: PTH100 - no links
        target = path if is_special else path.resolve(strict=path.exists())
        if is_special:
            if not os.access(path, os.W_OK):
                raise ConfigError(f"{path}: cannot be written: Permission denied")
            return None
        if not target.parent.is_dir():
            raise ConfigError(f"{path}: its folder does not exist; create it first")
    except (OSError, RuntimeError, ValueError) as error:
        raise _unwritable(path, error) from error
    return target


def _opened(path: Path, target: Path) -> Path:
    # The name does not contain the target's, which may already have the greatest length.
    part = target.with_name(f".convex-{secrets.token_hex(8)}.part")
    try:
        part.open("xb").close()
    except OSError as error:
        raise _unwritable(path, error) from error
    return part


def _write(path: Path, part: Path | None, content: bytes) -> None:
    try:
        if part is not None:
            part.write_bytes(content)
            return
        # Appended: a stream may be a file that others write to as well.
        with path.open("ab") as stream:
            stream.write(content)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: Exception) -> ConfigError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ConfigError(f"{path}: cannot be written: {reason}")
