"""Measure what decides while every test runs, by the tests that have to cover it.

An integration test or a demo passes through most branches and checks few of them. So the unit, property and
contract tests and the examples in docstrings must reach every branch of a core, and during every other test
the measurement stands still. One run of the tests then gives both answers. What a function memoised meanwhile
is forgotten before the measurement goes on: a remembered answer would hide the lines that compute it.

Coverage starts with the process, before anything is imported, when ``COVERAGE_PROCESS_START`` names its
settings: see the target ``coverage`` of the Makefile.
"""

import os
import sys
from collections.abc import Generator
from functools import _lru_cache_wrapper
from pathlib import Path

import pytest
from coverage import Coverage

_ROOT = Path(__file__).parents[2]
_COVERING = tuple(
    _ROOT / folder for folder in ("tests/unit", "tests/property", "tests/contract", "services", "shared")
)
_NEEDS_MORE = ("kafka", "slow", "chaos")
_MEMOISING = ("services.", "shared.")

_measuring = Coverage.current()
if "PYTEST_XDIST_WORKER" in os.environ:
    # The programs that tests start are not measured.
    os.environ.pop("COVERAGE_PROCESS_START", None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure a test that has to cover what decides, and no other."""
    if _measuring is None or _covers(item):
        return (yield)
    _measuring.stop()
    try:
        return (yield)
    finally:
        _forget_what_was_memoised()
        _measuring.start()


def pytest_unconfigure() -> None:
    """Write what was measured: a process of the parallel run ends without its exit handlers."""
    if _measuring is not None:
        _measuring.stop()
        _measuring.save()


def _covers(item: pytest.Item) -> bool:
    is_quick = not any(item.get_closest_marker(name) for name in _NEEDS_MORE)
    return is_quick and any(item.path.is_relative_to(folder) for folder in _COVERING)


def _forget_what_was_memoised() -> None:
    """Clear the cache of each function of the services and of what they share."""
    for name, module in tuple(sys.modules.items()):
        if not name.startswith(_MEMOISING):
            continue
        for function in tuple(vars(module).values()):
            if isinstance(function, _lru_cache_wrapper):
                function.cache_clear()
