"""When a day counts as closed, and what makes it a session after all."""

import pytest

from services.ingestor.core.inferred_closures import InferredClosures
from shared.domain.instants import parse_rfc3339

_DAY = "2026-03-10"
_BEFORE, _MORNING = parse_rfc3339("2026-03-11T12:59:59Z"), parse_rfc3339("2026-03-11T13:00:00Z")
_SYMBOLS = ("IWM.ARCX", "SPY.ARCX")


def _closures(*, ticked: bool = False) -> InferredClosures:
    return InferredClosures(_SYMBOLS, has_ticked=lambda _: ticked)


def test_day_without_any_bar_and_any_tick_is_closed_from_the_next_morning_on() -> None:
    closures = _closures()
    for symbol in _SYMBOLS:
        closures.on_pull(symbol, missing=[_DAY], present=["2026-03-09"])
    assert closures.closed(now_ns=_BEFORE) == ()
    assert closures.closed(now_ns=_MORNING) == (_DAY,)
    assert not closures.is_closed("2026-03-09", now_ns=_MORNING)
    assert not closures.is_closed("2026-03-06", now_ns=_MORNING)


def test_symbol_that_was_not_asked_for_yet_leaves_it_open() -> None:
    closures = _closures()
    closures.on_pull("IWM.ARCX", missing=[_DAY], present=[])
    assert closures.closed(now_ns=_MORNING) == ()


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_one_bar_of_one_symbol_makes_it_a_session(*, first: bool) -> None:
    closures = _closures()
    if first:
        closures.on_pull("SPY.ARCX", missing=[], present=[_DAY])
    for symbol in _SYMBOLS:
        closures.on_pull(symbol, missing=[_DAY], present=[])
    if not first:
        assert closures.closed(now_ns=_MORNING) == (_DAY,)
        closures.on_pull("SPY.ARCX", missing=[], present=[_DAY])
    assert closures.closed(now_ns=_MORNING) == ()


def test_tick_makes_it_a_session() -> None:
    closures = _closures(ticked=True)
    for symbol in _SYMBOLS:
        closures.on_pull(symbol, missing=[_DAY], present=[])
    assert closures.closed(now_ns=_MORNING) == ()


def test_nothing_listed_infers_nothing() -> None:
    closures = InferredClosures((), has_ticked=lambda _: False)
    closures.on_pull("IWM.ARCX", missing=[_DAY], present=[])
    assert closures.closed(now_ns=_MORNING) == ()


def test_only_the_last_sessions_are_remembered() -> None:
    closures = _closures()
    closures.on_pull(
        "IWM.ARCX",
        missing=[],
        present=[f"{year}-01-{day:02}" for year in range(1970, 2012) for day in range(1, 29)],
    )
    days = [f"2026-02-{day:02}" for day in range(2, 20)]
    for symbol in _SYMBOLS:
        closures.on_pull(symbol, missing=days, present=[])
    assert closures.closed(now_ns=_MORNING) == tuple(days[-10:])
