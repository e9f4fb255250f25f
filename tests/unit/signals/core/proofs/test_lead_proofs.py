"""When a lead's day is over, and what its proof is about."""

import pytest

from services.signals.core.proofs.lead_proofs import DayUnderWay, LeadProofs
from shared.contracts.ticks import TickRecord, encode_tick_record
from shared.domain.bars import BarsMode
from shared.domain.proof_digests import EventDigests, InputDigest
from shared.domain.proofs import NO_PROOF_BEFORE, event_digest
from shared.errors import InvariantError
from tests.support.builders_market import MINUTE, SECOND, bar, bar_batch, ny, quotes, status
from tests.support.pair_story import make_engine

HISTORY = bar_batch(bar("2019-05-31", 150.0), mode=BarsMode.HISTORY)


class Log:
    """A log under way: each record is applied by an engine, then given to its proofs."""

    def __init__(self, proofs: LeadProofs | None = None) -> None:
        self.engine = make_engine()
        self.proofs = proofs or LeadProofs(self.engine, configuration="c1")
        self.values: list[bytes] = []

    def take(self, *records: TickRecord) -> bool:
        """Return whether the last of them ended the day."""
        for record in records:
            self.engine.apply(record)
            self.proofs.take(len(self.values), encode_tick_record(record))
            self.values.append(encode_tick_record(record))
        return self.proofs.is_over

    def end_day(self, root: str = "a" * 64) -> tuple[str, int, int]:
        """Return the date, the first and the last offset of the day that is over."""
        proof = self.proofs.proof(topic="ticks.v1", partition=3, state="b" * 64)
        self.proofs.next_day(root)
        return proof.day, proof.inputs.first_offset, proof.inputs.last_offset


@pytest.fixture
def log() -> Log:
    log = Log()
    log.proofs.begin(-1)
    return log


def test_the_day_ends_with_the_record_that_moves_event_time_past_midnight_in_new_york(log: Log) -> None:
    assert not log.take(status(ny("2019-06-03 09:00")), status(ny("2019-06-03 23:59")))
    assert log.take(status(ny("2019-06-04 00:00")))
    assert log.end_day() == ("2019-06-03", 0, 2)

    assert not log.take(status(ny("2019-06-04 12:00")))
    assert log.take(status(ny("2019-06-05 00:01")))
    assert log.end_day() == ("2019-06-04", 3, 4)


def test_a_tick_ends_a_day_as_a_status_record_does(log: Log) -> None:
    log.take(quotes({ny("2019-06-03 10:00"): 1_300.0}))
    # The day is over although the record also has ticks of it.
    assert log.take(quotes({ny("2019-06-03 23:59"): 1_300.0, ny("2019-06-04 00:01"): 1_300.0}))
    assert log.end_day() == ("2019-06-03", 0, 1)


def test_records_before_event_time_has_begun_count_to_the_first_day(log: Log) -> None:
    assert not log.take(HISTORY)
    assert log.proofs.day is not None
    assert log.proofs.day.day is None

    log.take(status(ny("2019-06-03 09:00")))
    assert log.take(status(ny("2019-06-04 09:00")))
    assert log.end_day() == ("2019-06-03", 0, 2)


def test_dates_without_a_record_are_no_days(log: Log) -> None:
    log.take(status(ny("2019-06-07 16:00")))
    assert log.take(status(ny("2019-06-09 18:00")))
    assert log.end_day() == ("2019-06-07", 0, 1)

    assert log.take(status(ny("2019-06-10 00:00")))
    assert log.end_day() == ("2019-06-09", 2, 2)


def test_each_proof_names_the_root_of_the_one_before(log: Log) -> None:
    log.take(status(ny("2019-06-03 09:00")), status(ny("2019-06-04 09:00")))
    assert log.proofs.proof(topic="ticks.v1", partition=3, state="").previous == NO_PROOF_BEFORE
    log.end_day("d" * 64)

    log.take(status(ny("2019-06-05 09:00")))
    assert log.proofs.proof(topic="ticks.v1", partition=3, state="").previous == "d" * 64
    assert log.proofs.day is not None
    assert log.proofs.day.proven == "2019-06-03"


def go_back(log: Log, to: str) -> None:
    for second in range(0, 40, 5):
        ts_ns = ny(to) + second * SECOND
        assert not log.take(status(ts_ns), quotes({ts_ns: 1_300.0}))
    assert log.engine.progress.watermark_ns < ny(to) + MINUTE, "event time went back"


def test_after_a_clock_that_was_years_ahead_the_days_are_those_of_the_right_time(log: Log) -> None:
    log.take(quotes({ny("2019-06-03 10:00"): 1_300.0}))
    assert log.take(status(ny("2029-06-04 10:00")))
    assert log.end_day()[0] == "2019-06-03"
    log.proofs.take_event("gold-iwm", 7, b"of the future")

    go_back(log, "2019-06-03 10:01")
    log.proofs.take_event("gold-iwm", 8, b"of the present")
    assert not log.take(status(ny("2019-06-04 23:59")))
    assert log.take(status(ny("2019-06-05 00:00")))

    (events,) = log.proofs.proof(topic="ticks.v1", partition=3, state="").events
    assert (events.first_sequence, events.last_sequence) == (7, 8), "nothing of the day is lost"
    # The day before has its proof already.
    assert log.end_day()[0] == "2019-06-04"


def test_event_time_that_goes_back_within_a_day_changes_no_date(log: Log) -> None:
    log.take(quotes({ny("2019-06-03 10:00"): 1_300.0}), status(ny("2019-06-03 20:00")))
    go_back(log, "2019-06-03 10:01")

    assert log.take(status(ny("2019-06-04 00:00")))
    assert log.end_day()[0] == "2019-06-03"


def test_first_day_gets_an_earlier_date_where_nothing_is_proven_yet(log: Log) -> None:
    log.take(quotes({ny("2019-06-05 10:00"): 1_300.0}))
    log.proofs.begin(len(log.values) - 1)
    log.engine.progress.watermark_ns = ny("2019-06-03 09:00")
    log.take(status(ny("2019-06-03 09:01")))

    assert log.proofs.date == "2019-06-03"


def test_a_day_never_goes_back_behind_the_last_proof(log: Log) -> None:
    log.take(quotes({ny("2019-06-03 10:00"): 1_300.0}))
    assert log.take(status(ny("2019-06-05 10:00")))
    assert log.end_day()[0] == "2019-06-03"

    go_back(log, "2019-06-03 10:01")
    assert not log.take(status(ny("2019-06-04 10:00")), status(ny("2019-06-04 23:59")))
    assert log.take(status(ny("2019-06-05 00:00")))
    assert log.end_day()[0] == "2019-06-04"


def test_a_record_that_is_read_again_counts_once(log: Log) -> None:
    log.take(status(ny("2019-06-03 09:00")))
    assert log.proofs.day is not None
    once = log.proofs.day.inputs.digest
    log.proofs.take(0, log.values[0])

    assert log.proofs.day.inputs.digest == once


def test_records_up_to_the_checkpoint_do_not_end_a_day_again(log: Log) -> None:
    """A new pair makes the log be read from its beginning."""
    log.take(status(ny("2019-06-03 09:00")), status(ny("2019-06-04 09:00")))
    log.end_day()
    again = Log()
    assert log.proofs.day is not None
    again.proofs.go_on(log.proofs.day, {}, applied=7)

    assert not again.take(*[status(ny("2019-06-03 09:00"))] * 7, status(ny("2019-06-05 09:00")))
    assert again.take(status(ny("2019-06-05 09:01")))
    assert again.end_day() == ("2019-06-04", 8, 8)


def test_events_count_to_the_day_of_their_record(log: Log) -> None:
    log.take(status(ny("2019-06-03 09:00")))
    log.proofs.take_event("gold-spy", 4, b"four")
    log.proofs.take_event("gold-iwm", 7, b"seven")
    log.take(status(ny("2019-06-04 00:00")))
    log.proofs.take_event("gold-iwm", 8, b"eight")

    first, second = log.proofs.proof(topic="ticks.v1", partition=3, state="").events
    assert (first.pair, first.first_sequence, first.last_sequence) == ("gold-iwm", 7, 8)
    assert first.digests == (event_digest(b"seven"), event_digest(b"eight"))
    assert (second.pair, second.digests) == ("gold-spy", (event_digest(b"four"),))

    log.end_day()
    log.take(status(ny("2019-06-05 00:00")))
    assert log.proofs.proof(topic="ticks.v1", partition=3, state="").events == ()


def test_the_settings_in_force_are_named_in_the_order_of_their_first_use() -> None:
    engine = make_engine()

    def configurations(day: DayUnderWay, configuration: str) -> list[str]:
        LeadProofs(engine, configuration=configuration).go_on(day, {}, applied=9)
        return day.configurations

    day = DayUnderWay(day="2019-06-03", configurations=["c1"], inputs=InputDigest())
    assert configurations(day, "c2") == ["c2"], "nothing was applied with the first"
    day.inputs.take(10, b"a record")
    assert configurations(day, "c2") == ["c2"]
    assert configurations(day, "c1") == ["c2", "c1"]
    assert configurations(day, "c2") == ["c2", "c1"]


def test_the_next_day_begins_with_the_settings_in_force() -> None:
    day = DayUnderWay(day="2019-06-03", configurations=["c0"], inputs=InputDigest())
    day.inputs.take(0, b"a record")
    log = Log()
    log.values.append(b"a record")
    log.proofs.go_on(day, {"gold-iwm": EventDigests()}, applied=0)
    log.take(status(ny("2019-06-04 09:00")))
    assert log.proofs.proof(topic="ticks.v1", partition=3, state="").configurations == ("c0", "c1")
    log.end_day()

    assert day.configurations == ["c1"]


def test_a_checkpoint_from_before_event_time_is_gone_on_with() -> None:
    log = Log()
    log.proofs.go_on(DayUnderWay(), {}, applied=-1)

    log.take(HISTORY, status(ny("2019-06-03 09:00")))
    log.proofs.take_event("gold-iwm", 1, b"one")
    assert log.take(status(ny("2019-06-04 09:00") + MINUTE))
    assert log.end_day() == ("2019-06-03", 0, 2)


def test_nothing_is_collected_before_the_first_day_has_begun() -> None:
    log = Log()
    assert not log.take(status(ny("2019-06-03 09:00")), status(ny("2019-06-04 09:00")))
    log.proofs.take_event("gold-iwm", 1, b"one")
    assert log.proofs.events == {}
    with pytest.raises(InvariantError):
        log.proofs.proof(topic="ticks.v1", partition=3, state="")

    log.proofs.begin(1, previous="e" * 64)
    assert log.proofs.date == "2019-06-04", "event time has begun"
    assert log.take(status(ny("2019-06-05 09:00")))
    assert log.end_day() == ("2019-06-04", 2, 2)


def test_without_a_date_there_is_no_proof(log: Log) -> None:
    log.take(HISTORY)
    with pytest.raises(InvariantError):
        log.proofs.next_day("a" * 64)
