"""Change good frames into ones that no provider should send, and some that one did.

A mutator is seeded: the same seed gives the same frames. Half of its changes know the structure of JSON (a
value is replaced, removed, repeated or moved), the others only know characters.
"""

import copy
import random
from typing import Any, Final

import orjson

# Values that passed some parser and failed later: years, types, limits of numbers and of nesting.
ODD_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**64 - 1,
    -(2**63),
    0.0,
    -0.0,
    0.1,
    -4000.0,
    1e-9,
    9e-10,
    1e12,
    1.1e12,
    5e-324,
    1.7976931348623157e308,
    "",
    " ",
    "x",
    "null",
    "nan",
    "NaN",
    "inf",
    "-Infinity",
    "1e400",
    "-1e400",
    "1e-400",
    "0x10",
    "1_000",
    "1,000.5",
    "4000.50",
    "-4000.5",
    "9" * 400,
    "\u0663\u0664",
    "\U0001f600",
    "\u0000",
    "0001-01-01T00:00:00Z",
    "1601-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999999999Z",
    "1970-01-01T00:00:00Z",
    "2036-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2026-02-30T00:00:00Z",
    "2026-10-02T15:59:60Z",
    "2026-10-02T15:59:58.1234567891Z",
    "2026-10-02T15:59:58+99:99",
    "2026-10-02",
    [],
    {},
    [[]],
    [None],
    [{}],
    {"": None},
    {"price": "4000"},
)
# Texts in the place of a value, which no library would write.
_ODD_TEXTS: Final = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "-1e400",
    "18446744073709551616",
    "1" * 400,
    "01",
    "1.",
    ".5",
    "+1",
    "'x'",
    '"\\ud800"',
    '"\\uDC00\\uD800"',
    '"\ud800"',
    "\u2028",
    "/**/1",
)
_DEPTH: Final = 10_000
_LONG: Final = 1 << 20
_MARK: Final = "@odd@"


class FrameMutator:
    """Change frames at random, from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def change(self, frame: str) -> str | bytes:
        """Return a changed frame; one in eight is left as it is, so that ticks go on between the bad ones."""
        kind = self._random.random()
        if kind < 0.125:
            return frame
        if kind < 0.62:
            return self._change_values(frame)
        if kind < 0.99:
            return self._change_characters(frame)
        if kind < 0.998:
            return frame.encode(errors="replace")
        return self._change_size(frame)

    def _change_values(self, frame: str) -> str:
        try:
            value = orjson.loads(frame)
        except orjson.JSONDecodeError:
            return self._change_characters(frame)
        text = ""
        for _ in range(self._random.choice((1, 1, 1, 2, 3))):
            places = _places(value)
            parent: Any
            key: Any
            parent, key = self._random.choice(places) if places else (None, None)
            odd = copy.deepcopy(self._random.choice(ODD_VALUES))
            match self._random.randrange(8):
                case _ if parent is None:
                    value = odd
                case 0 | 1 | 2 | 3:
                    parent[key] = odd
                case 4:
                    del parent[key]
                case 5:
                    other, at = self._random.choice(places)
                    parent[key], other[at] = other[at], parent[key]
                    # A value may now be inside itself, and has no end.
                    break
                case 6 if isinstance(parent, list):
                    parent += [parent[key]] * self._random.randrange(1, 4)
                case 6:
                    parent[str(odd)[:40]] = parent[key]
                case _:
                    parent[key] = _MARK
                    text = self._random.choice(_ODD_TEXTS)
        try:
            changed = orjson.dumps(value).decode()
        except orjson.JSONEncodeError:
            # Two swaps can put a value into itself.
            return frame
        return changed.replace(f'"{_MARK}"', text) if text else changed

    def _change_characters(self, frame: str) -> str:
        chars = frame
        for _ in range(self._random.randrange(1, 4)):
            at = self._random.randrange(len(chars) + 1)
            size = self._random.choice((0, 1, 1, 2, 8, 40))
            match self._random.randrange(5):
                case 0:
                    chars = chars[:at] + chars[at + size :]
                case 1:
                    chars = chars[:at] + self._characters() + chars[at:]
                case 2:
                    chars = chars[:at] + self._characters() + chars[at + size :]
                case 3:
                    chars = chars[:at] + chars[at : at + size] * 2 + chars[at + size :]
                case _:
                    chars = chars[:at]
        return chars

    def _characters(self) -> str:
        return self._random.choice(
            (
                chr(self._random.randrange(32, 127)),
                self._random.choice('{}[]",:.-+eE0123456789'),
                self._random.choice(_ODD_TEXTS),
                chr(self._random.choice((0, 9, 10, 127, 0xE9, 0xD800, 0x1F600))),
            )
        )

    def _change_size(self, frame: str) -> str | bytes:
        match self._random.randrange(5):
            case 0:
                return "[" * _DEPTH + "]" * _DEPTH
            case 1:
                return frame.replace(":", ":" + "[" * 900, 1).replace("}", "]" * 900 + "}", 1)
            case 2:
                return '{"a":' * _DEPTH
            case 3:
                at = self._random.randrange(len(frame) + 1)
                return frame[:at] + "x" * _LONG + frame[at:]
            case _:
                return self._random.randbytes(self._random.randrange(64))


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place of a value: the object or array that it is in, and its name or index there."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        parent = waiting.pop()
        keys = parent if isinstance(parent, dict) else range(len(parent)) if isinstance(parent, list) else ()
        for key in keys:
            found.append((parent, key))
            waiting.append(parent[key])
    return found
