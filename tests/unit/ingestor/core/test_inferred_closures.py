"""When a day counts as closed, and what makes it a session after all."""

import pytest

from services.ingestor.core.inferred_closures import InferredClosures
from shared.domain.instants import parse_rfc3339

_DAY = "2026-03-10"
_EVENING, _BEFORE, _MORNING = (
    parse_rfc3339(f"2026-03-11T{clock}Z") for clock in ("00:15:00", "12:59:59", "13:00:00")
)
_SYMBOLS = ("IWM.ARCX", "SPY.ARCX")


class _Pulls:
    """Pulls of two symbols, in the evening and in the morning, that both miss a day."""

    def __init__(self, *, ticked: bool = False, symbols: tuple[str, ...] = _SYMBOLS) -> None:
        self.closures = InferredClosures(symbols, has_ticked=lambda _: ticked)

    def miss(self, *days: str, at_ns: int, symbols: tuple[str, ...] = _SYMBOLS) -> None:
        for symbol in symbols:
            self.closures.on_pull(symbol, missing=days or (_DAY,), present=["2026-03-09"], now_ns=at_ns)

    def miss_twice(self, *days: str, symbols: tuple[str, ...] = _SYMBOLS) -> None:
        for at_ns in (_EVENING, _MORNING):
            self.miss(*days, at_ns=at_ns, symbols=symbols)

    def closed(self, at_ns: int = _MORNING) -> tuple[str, ...]:
        return self.closures.closed(now_ns=at_ns)


def test_day_without_any_bar_and_any_tick_is_closed_from_the_next_morning_on() -> None:
    pulls = _Pulls()
    pulls.miss_twice()
    assert pulls.closed(_BEFORE) == ()
    assert pulls.closed() == (_DAY,)


def test_day_that_was_asked_for_only_now_is_not_closed_yet() -> None:
    pulls = _Pulls()
    pulls.miss(at_ns=_MORNING)
    assert pulls.closed() == ()
    pulls.miss(at_ns=_MORNING + 6 * 3_600 * 10**9 - 1)
    assert pulls.closed(2 * _MORNING) == ()
    pulls.miss(at_ns=_MORNING + 6 * 3_600 * 10**9)
    assert pulls.closed(2 * _MORNING) == (_DAY,)


def test_symbol_that_was_not_asked_for_leaves_it_open() -> None:
    pulls = _Pulls()
    pulls.miss_twice(symbols=("IWM.ARCX",))
    assert pulls.closed() == ()


def test_one_bar_of_one_symbol_makes_it_a_session_whenever_it_comes() -> None:
    pulls = _Pulls()
    pulls.miss_twice()
    assert pulls.closed() == (_DAY,)
    pulls.closures.on_pull("SPY.ARCX", missing=(), present=[_DAY], now_ns=_MORNING)
    assert pulls.closed() == ()

    early = _Pulls()
    early.closures.on_pull("SPY.ARCX", missing=(), present=[_DAY], now_ns=_EVENING)
    early.miss_twice()
    assert early.closed() == ()


def test_tick_makes_it_a_session() -> None:
    pulls = _Pulls(ticked=True)
    pulls.miss_twice()
    assert pulls.closed() == ()


def test_two_days_may_be_closed() -> None:
    pulls = _Pulls()
    for at_ns in (_EVENING, _MORNING):
        for symbol in _SYMBOLS:
            pulls.closures.on_pull(symbol, missing=("2026-03-06", _DAY), present=(), now_ns=at_ns)
    assert pulls.closed() == ("2026-03-06", _DAY)


def test_answer_without_any_of_the_last_sessions_says_nothing() -> None:
    """Would have caught: after one empty answer, ten sessions were taken for closed."""
    pulls = _Pulls()
    pulls.miss_twice("2026-03-06", "2026-03-09", _DAY)
    assert pulls.closed() == ()


def test_poor_answer_takes_back_what_the_one_before_said() -> None:
    pulls = _Pulls()
    pulls.miss_twice()
    pulls.miss("2026-03-05", "2026-03-06", _DAY, at_ns=_MORNING, symbols=("IWM.ARCX",))
    assert pulls.closed() == ()


def test_nothing_listed_infers_nothing() -> None:
    pulls = _Pulls(symbols=())
    pulls.miss_twice()
    assert pulls.closed() == ()


def test_only_the_last_sessions_are_remembered() -> None:
    pulls = _Pulls()
    history = [f"{year}-01-{day:02}" for year in range(1970, 2012) for day in range(1, 29)]
    pulls.closures.on_pull("IWM.ARCX", missing=(), present=history, now_ns=_EVENING)
    days = [f"2026-02-{day:02}" for day in range(2, 20)]
    for day in days:
        pulls.miss_twice(day)
    assert pulls.closed() == tuple(days[-10:])
    for symbol in _SYMBOLS:
        for at_ns in (_EVENING, _MORNING):
            pulls.closures.on_pull(symbol, missing=history[:1], present=(), now_ns=at_ns)
    assert pulls.closed() == tuple(days[-10:])


@pytest.mark.parametrize("count", [1, 2])
def test_each_symbol_counts(count: int) -> None:
    pulls = _Pulls(symbols=_SYMBOLS[:count])
    pulls.miss_twice(symbols=_SYMBOLS[:count])
    assert pulls.closed() == (_DAY,)
