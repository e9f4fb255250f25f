"""What a review of the engine broke: a log that a restart, or the size of its records, told differently."""

from services.signals.core.lead_engine import LeadEngine
from tests.support.builders_market import SECOND, ny, quotes
from tests.support.pair_story import make_engine, restart

MORNING = ny("2019-06-03 10:00")


def prices_of(*records: list[tuple[int, float]], restarts: bool = False) -> tuple[float | None, int, int]:
    """Return the live price at the end, the prices not believed and those too late."""
    engine: LeadEngine = make_engine()
    refused = late = 0
    for record in records:
        if restarts:
            engine = restart(engine)
        effects = engine.apply(quotes(record))
        refused += effects.suppressed["tick_implausible"]
        late += effects.late_ticks
    return engine.tape.price, refused, late


def test_second_price_of_a_lead_without_history_is_held_against_the_first() -> None:
    """Would have caught: nothing was refused before a pair had a window, unless the worker was restarted."""
    first, absurd = (MORNING, 1_300.0), (MORNING + SECOND, 1_300_000.0)

    assert prices_of([first], [absurd], restarts=True) == (1_300.0, 1, 0)
    assert prices_of([first], [absurd]) == (1_300.0, 1, 0)
    assert prices_of([first, absurd]) == (1_300.0, 1, 0)


def test_tick_before_one_that_was_not_believed_is_late_in_any_record() -> None:
    """Would have caught: it was late in the same record, and the newest price in the next."""
    first, absurd = (MORNING, 1_300.0), (MORNING + 2 * SECOND, 1_300_000.0)
    late = (MORNING + SECOND, 1_301.0)

    assert prices_of([first], [absurd, late]) == (1_300.0, 1, 1)
    assert prices_of([first], [absurd], [late]) == (1_300.0, 1, 1)
    assert prices_of([first], [absurd], [late], restarts=True) == (1_300.0, 1, 1)
